"""What can be typed after `pocketcoder approvals`."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action
from pocketcoder_tui.cli.arguments import add_workspace

APPROVALS = {
    "list": "print what waits, each with its whole text",
    "show": "print one action: its text, what it would touch, what became of it",
    "allow": "allow one that waits, once",
    "deny": "deny one that waits; the agent reads the reason",
    "watch": "print what comes up and what is decided, until the pocketcoder there ends",
}
"""What can be done, each with its sentence."""
_ABOUT_ONE = ("show", "allow", "deny")


def parse_approvals(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("approvals", APPROVALS, _fill, argv)


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    """Add what an action takes."""
    if action in _ABOUT_ONE:
        parser.add_argument("session", metavar="ID", help="an action's id, or its end")
        parser.add_argument("--workspace", metavar="FOLDER", default=".", help="of this folder")
    else:
        add_workspace(parser)
    if action == "deny":
        parser.add_argument("--reason", metavar="WORDS", default="", help="the agent reads them")
    if action == "allow":
        parser.add_argument(
            "--comment", dest="reason", metavar="WORDS", default="", help="goes with the result"
        )
    parser.add_argument("--json", action="store_true", help="for programs; see docs/control.md")
