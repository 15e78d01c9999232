"""What can be typed after `pocketcoder keys`: a folder, or what to do with the keys."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action
from pocketcoder_tui.cli.arguments import add_workspace

KEYS = {
    "list": "list the keys, and say whether and where they can come in",
    "add": "let a public key in: a file, - for standard input, or the line itself",
    "disable": "let a key in no more, and put out whoever is in by it",
    "enable": "let it in again",
    "remove": "the same as disable for good; that it was stays in the records",
}
"""What can be done, each with its sentence."""


def parse_keys(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("keys", KEYS, _fill, argv)


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    if action == "add":
        parser.add_argument(
            "text", metavar="KEY", help='a .pub file, -, or the line "ssh-ed25519 AAAA… name"'
        )
        parser.add_argument("--name", metavar="NAME", default="", help="instead of its comment")
    elif action != "list":
        parser.add_argument(
            "key", metavar="KEY", help="its number, its name, or the beginning of its fingerprint"
        )
    if action == "list":
        add_workspace(parser)
    else:
        parser.add_argument(
            "--workspace", metavar="FOLDER", default=".", help="of this folder's keys"
        )
    parser.add_argument("--json", action="store_true", help="for programs; see docs/control.md")
