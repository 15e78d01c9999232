"""What can be typed after `pocketcoder files`."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action

FILES = {
    "ls": "list a folder of the workspace",
    "get": "print a file of the workspace, or write it to a new file here",
    "put": "copy a file of this machine into the workspace",
    "serve": "show the workspace's files to a browser of this machine, read-only",
}
"""What can be done, each with its sentence."""
_MOST_PORT = 65_535


def parse_files(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("files", FILES, _fill, argv, usual="ls")


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    match action:
        case "ls":
            parser.add_argument("file", metavar="PATH", nargs="?", default="", help="the folder")
            parser.add_argument("--json", action="store_true", help="one object a line")
        case "get":
            parser.add_argument("file", metavar="PATH", help="below the workspace")
            parser.add_argument("--to", metavar="FILE", help="write this file, which must be new")
        case "put":
            parser.add_argument("file", metavar="FILE", help="a file of this machine")
            parser.add_argument(
                "--as", dest="to", metavar="PATH", help="below the workspace (default: its name)"
            )
            parser.add_argument(
                "--force", dest="yes", action="store_true", help="replace what has that name"
            )
        case _:
            parser.add_argument(
                "--port", dest="number", metavar="N", type=_port, default=0,
                help="listen there (default: a free one)",
            )  # fmt: skip
    parser.add_argument("--workspace", metavar="FOLDER", default=".", help="of this folder")


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= _MOST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
