"""What can be typed after `pocketcoder approvals`."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.arguments import COMMANDS, Parser, add_workspace

APPROVALS = {
    "list": "print what waits, each with its whole text",
    "show": "print one action: its text, what it would touch, what became of it",
    "allow": "allow one that waits, once",
    "deny": "deny one that waits; the agent reads the reason",
    "watch": "print what comes up and what is decided, until the pocketcoder there ends",
}
"""What can be done, each with its sentence."""
_ABOUT_ONE = ("show", "allow", "deny")
_EPILOG = "what to do:\n" + "".join(f"  {name:<8} {what}\n" for name, what in APPROVALS.items())


def parse_approvals(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    action = argv[0] if argv and argv[0] in APPROVALS else ""
    parser = Parser(
        prog=f"pocketcoder approvals {action}".rstrip(),
        description=APPROVALS.get(action, COMMANDS["approvals"]),
        epilog="" if action else f"{_EPILOG}\nA folder named like one of these is written ./NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    found = vars(parser.parse_args(argv[1:] if action else argv))
    return {"action": action or "list", **found}
