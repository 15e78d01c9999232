"""What can be typed after `pocketcoder sessions`: a folder, or what to do with a session."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.actions import parse_action
from pocketcoder_tui.cli.arguments import add_workspace, count

SESSIONS = {
    "list": "list them, the last changed first",
    "search": "find words in messages, answers, commands and output",
    "resume": "open the workbench with a session",
    "rename": "give a session another title",
    "fork": "begin a session with another one's beginning, up to the end of a turn",
    "archive": "put a session away",
    "unarchive": "take a session out again",
    "delete": "delete what was said, done and printed in a session",
    "export": "write a session as Markdown, as JSON lines or as one HTML page",
    "import": "begin a session with an export's JSON lines",
}
"""What can be done, each with its sentence."""
FORMATS = ("md", "jsonl", "html")
_FOUND = 50
_ABOUT_ONE = ("resume", "rename", "fork", "archive", "unarchive", "delete", "export")
_JSON = {"action": "store_true", "help": "for programs"}
_MORE: dict[str, dict[str, dict[str, Any]]] = {
    "list": {
        "--json": _JSON,
        "--all": {"action": "store_true", "help": "also those put away"},
    },
    "search": {
        "words": {"metavar": "WORD", "nargs": "+", "help": "all must be there"},
        "--json": _JSON,
        "--last": {
            "metavar": "N",
            "type": count,
            "default": _FOUND,
            "help": f"so many finds at most, the newest (default: {_FOUND}; 0 for all)",
        },
    },
    "rename": {"words": {"metavar": "TITLE", "nargs": "+", "help": "its new title"}},
    "fork": {
        "--turn": {
            "metavar": "N",
            "type": count,
            "default": 0,
            "help": "up to the end of this turn, from 1 (default: the last one that is over)",
        }
    },
    "delete": {"--yes": {"action": "store_true", "help": "do not ask"}},
    "export": {
        "--format": {"choices": FORMATS, "default": "", "help": "default: by FILE's name, or md"},
        "--to": {"metavar": "FILE", "help": "write this file, which must be new"},
    },
    "import": {"file": {"metavar": "FILE", "help": "what export --format jsonl wrote"}},
}
"""What each action takes beside a session and a folder."""


def parse_sessions(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    return parse_action("sessions", SESSIONS, _fill, argv)


def _fill(parser: argparse.ArgumentParser, action: str) -> None:
    """Add what an action takes."""
    if action in _ABOUT_ONE:
        parser.add_argument("session", metavar="ID", help="a session's id, or its beginning")
    for name, how in _MORE.get(action, {}).items():
        parser.add_argument(name, **how)
    if action == "list":
        add_workspace(parser)
    else:
        parser.add_argument(
            "--workspace", metavar="FOLDER", default=".", help="of this folder's sessions"
        )
