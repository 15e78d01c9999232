"""What can be typed after `pocketcoder rules`: a folder, or what to do with the rules."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action
from pocketcoder_tui.cli.arguments import add_workspace, count

RULES = {
    "list": "list your rules",
    "show": "print a rule exactly as it is stored",
    "explain": "say in words what a rule does, and whether it holds now",
    "add": "make a rule; only what may be offered can be one",
    "disable": "switch a rule off",
    "enable": "switch a rule on again",
    "delete": "end a rule for good; that it was stays in the records",
    "test": "list which of the last actions a rule would have decided",
    "unused": "list the rules that have decided nothing yet",
}
"""What can be done, each with its sentence."""
_ABOUT_ONE = ("show", "explain", "disable", "enable", "delete", "test")
_READS = ("list", "show", "explain", "test", "unused", "add")


def parse_rules(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("rules", RULES, _fill, argv)


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    if action in _ABOUT_ONE:
        parser.add_argument("rule", metavar="ID", help="a rule's id, or the beginning or end of it")
    if action == "add":
        _fill_add(parser)
    if action in _READS:
        parser.add_argument("--json", action="store_true", help="for programs")
    if action in ("list", "unused"):
        add_workspace(parser)
    else:
        parser.add_argument(
            "--workspace", metavar="FOLDER", default=".", help="of this folder's rules"
        )


def _fill_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", metavar="COMMAND", help="the command, as one word; with --tool the path"
    )
    parser.add_argument("--deny", action="store_true", help="deny it instead of allowing it")
    parser.add_argument(
        "--in", dest="inside", metavar="DIR", default="", help="where, in the box (/workspace)"
    )
    parser.add_argument(
        "--tool", metavar="NAME", default="", help="about a tool, for example read_file"
    )
    parser.add_argument(
        "--below", action="store_true", help="with --tool: everything below the folder"
    )
    parser.add_argument(
        "--scope", choices=("workspace", "time", "uses"), default="workspace",
        help="for every session, for 30 minutes, or for the next --uses actions",
    )  # fmt: skip
    parser.add_argument("--uses", metavar="N", type=count, default=0, help="for so many actions")
