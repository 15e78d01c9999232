"""What can be typed after `pocketcoder sandbox`."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action

SANDBOX = {
    "show": "say what the box of this workspace is made of",
    "build": "build its image anew, with the newest packages",
    "shell": "open a shell of your own in the box, beside the agent's terminal",
    "packages": "list, add or remove Debian packages beside those that every box has",
    "use": "make it from another image: one of yours, or the repository's devcontainer image",
}
"""What can be done, each with its sentence."""
WHAT = ("list", "add", "remove")


def parse_sandbox(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("sandbox", SANDBOX, _fill, argv, usual="show")


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    match action:
        case "packages":
            parser.add_argument("text", metavar="WHAT", nargs="?", choices=WHAT, default="list")
            parser.add_argument("words", metavar="NAME", nargs="*", help="a Debian package")
            _add_yes(parser, "do not ask before the image is built")
        case "use":
            which = parser.add_mutually_exclusive_group(required=True)
            which.add_argument("name", metavar="IMAGE", nargs="?", default="", help="its name")
            which.add_argument(
                "--devcontainer",
                dest="all",
                action="store_true",
                help="the image that .devcontainer/devcontainer.json names",
            )
            which.add_argument(
                "--default", dest="below", action="store_true", help="the one of your settings"
            )
            _add_yes(parser, "do not ask")
        case _:
            pass
    parser.add_argument("--workspace", metavar="FOLDER", default=".", help="of this folder")


def _add_yes(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--yes", action="store_true", help=what)
