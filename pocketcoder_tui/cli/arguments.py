"""What can be typed after `pocketcoder`. The first word is a command, or else it is a folder.

A folder that is named like a command is written with its place: `pocketcoder ./doctor`.
"""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pocketcoder_tui import __version__

COMMANDS = {
    "run": "say one thing to the agent without a screen; the answer goes to standard output",
    "log": "tell a session line by line, and with -f as it goes on",
    "setup": "install what is missing: Docker, the sandbox image, the configuration",
    "doctor": "say how everything stands, and what is missing",
    "attach": "open the box's terminal here; detach with Ctrl-b d",
    "down": "stop the box of a workspace; its files and history stay",
    "reset": "delete the box and the history of a workspace, after asking",
    "approvals": "see and answer, from any other terminal, what waits for you",
    "sessions": "list, search, resume, rename, fork, put away, delete, export and import sessions",
    "undo": "show what the last action changed, and bring the workspace back after asking",
    "diff": "show what an undo would do, and do nothing",
    "checkpoints": "list what was kept of a workspace, for undo ID and diff ID",
    "sandbox": "what the box is made of: build it, add packages, use another image, a shell in it",
    "files": "list, fetch, put and show in a browser what is in the workspace",
    "rules": "list, explain, make, switch off, delete and try out what you let happen unasked",
    "keys": "add, list, switch off and remove the SSH keys that may come to the box's terminal",
    "network": "which hosts the box reached, when, and how much went each way",
    "stats": "how often you were asked, who or what decided, and how fast",
    "usage": "tokens and money: by day, by model and by session",
    "audit": "verify, show or export the record of every decision, dispatch, result and login",
    "backup": "copy the ledger of a workspace to a file",
    "restore": "put a backup in the ledger's place; what was there is kept",
    "recover": "save what can be read of a damaged ledger into a new file",
}
"""Every command with its sentence."""

AUDIT = {
    "verify": "check the whole ledger; the exit status is 0 when all holds",
    "show": "print the records for a person",
    "export": "write the records as JSON lines, for anyone to verify",
    "verifier": "print the program that verifies an export and needs nothing but Python",
}
"""What can be asked of the audit chain."""
_LAST = 50

_PARSERS = {
    "run": "run_arguments",
    "log": "run_arguments",
    "approvals": "approval_arguments",
    "sessions": "session_arguments",
    "rules": "rule_arguments",
    "keys": "key_arguments",
    "files": "file_arguments",
    "sandbox": "sandbox_arguments",
}
"""The module that reads the words of a command, loaded when it is used: its ``parse_COMMAND``."""

_EPILOG = "commands:\n" + "".join(f"  {name:<10} {what}\n" for name, what in COMMANDS.items())
_DESCRIPTION = (
    "A terminal workbench for an AI agent: every action is approved, and runs in a hardened box."
)


class UsageError(Exception):
    """The command line cannot be understood; ``str()`` is the whole text to print."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The command line, understood."""

    command: str = ""
    """One of COMMANDS; empty for the workbench."""
    workspace: str = "."
    tour: bool = False
    latest: bool = False
    """--continue"""
    watch: bool = False
    resume: str | None = None
    model: str | None = None
    yes: bool = False
    json: bool = False
    sandbox: bool = False
    """For doctor: look at the box."""
    action: str = ""
    """For approvals, audit, files, keys, rules and sessions: what is to be done."""
    last: int = 0
    """For audit show, network and sessions search: how many at most; 0 for all."""
    to: str | None = None
    """The file to write; None for the usual place."""
    file: str = ""
    """The backup to restore, or the session to import. For files: what it is about."""
    number: int = 0
    """The checkpoint to go back to; 0 for the last step. For files serve: the port; 0 for any."""
    session: str = ""
    """For sessions: the beginning of an id. For approvals: an action's id, or its end."""
    reason: str = ""
    """For approvals: words for the agent that go with the decision."""
    words: Sequence[str] = ()
    """For sessions: what to search for, or the title."""
    all: bool = False
    """For sessions: also those put away."""
    turn: int = 0
    """For sessions fork: which turn, from 1; 0 for the last one that is over."""
    rule: str = ""
    """For rules: an id, or the beginning or end of one."""
    text: str = ""
    """For rules add: the command, or the path for a tool."""
    tool: str = ""
    inside: str = ""
    """The directory in the box; empty for the workspace."""
    below: bool = False
    deny: bool = False
    scope: str = "workspace"
    uses: int = 0
    key: str = ""
    """For keys: a number, a name, or the beginning of a fingerprint."""
    name: str = ""
    """For keys add: what to call it; empty for its comment."""
    mode: str = ""
    """For run: the mode to change to; empty to leave it."""
    timeout: float = 0.0
    """For run: seconds until the turn is stopped; 0 for never."""
    format: str = ""
    """For sessions export: md, jsonl or html; empty for what the file's name says, or md."""


def parse(argv: Sequence[str]) -> Arguments:
    """Understand a command line. Raises UsageError; prints and raises SystemExit for --help."""
    command = argv[0] if argv and argv[0] in COMMANDS else ""
    if command in _PARSERS:
        name = _PARSERS[command]
        parse_words = getattr(
            importlib.import_module(f"pocketcoder_tui.cli.{name}"), f"parse_{command}"
        )
        return Arguments(command, **parse_words(argv[1:]))
    parser = _command_parser(command) if command else _workbench_parser()
    found = vars(parser.parse_args(argv[1:] if command else argv))
    if words := found.pop("words", None):
        found |= _numbered(parser, words)
    return Arguments(command, **found)


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake is an exception: only the boundary prints and picks a status."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.format_usage()}{self.prog}: {message}")


def _workbench_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pocketcoder",
        description=_DESCRIPTION,
        epilog=_EPILOG + "\nA folder named like a command is written as ./NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_workspace(parser)
    parser.add_argument(
        "--version", action="version", version=f"pocketcoder {__version__}", help="print it"
    )
    parser.add_argument(
        "--tour", action="store_true", help="a scripted model shows the real box; needs no key"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--continue", dest="latest", action="store_true", help="go on with the last session"
    )
    which.add_argument(
        "--watch", action="store_true", help="follow the pocketcoder that works there, read-only"
    )
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    parser.add_argument(
        "--model", metavar="NAME", help="ask this model: Gemini's NAME, openai:NAME, anthropic:NAME"
    )
    return parser


def _command_parser(command: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"pocketcoder {command}", description=COMMANDS[command])
    if command == "audit":
        _add_audit(parser)
        return parser
    if command == "restore":
        parser.add_argument("file", metavar="FILE", help="what backup wrote")
    if command in ("undo", "diff"):
        parser.add_argument(
            "words",
            metavar="[ID] [WORKSPACE]",
            nargs="*",
            help="a number that checkpoints lists (default: the last step), and a folder",
        )
    elif command != "setup":
        add_workspace(parser)
    if command in ("backup", "recover"):
        parser.add_argument("--to", metavar="FILE", help="write this file, which must be new")
    if command in ("setup", "reset", "restore", "undo"):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    if command == "doctor":
        parser.add_argument(
            "--sandbox", action="store_true", help="look at the running box from inside"
        )
    if command in ("doctor", "checkpoints", "stats", "usage", "network"):
        parser.add_argument("--json", action="store_true", help="for programs; README.md explains")
    if command == "network":
        add_last(parser, "so many connections and refusals at most")
    return parser


def _add_audit(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="WHAT", required=True)
    for name, what in AUDIT.items():
        action = actions.add_parser(name, help=what, description=what)
        if name != "verifier":
            add_workspace(action)
        if name in ("verify", "show"):
            action.add_argument("--json", action="store_true", help="for programs")
        if name == "show":
            add_last(action, "so many records from the end")
        if name == "export":
            action.add_argument("--to", metavar="FILE", help="write this file, which must be new")


def _numbered(parser: argparse.ArgumentParser, words: list[str]) -> dict[str, object]:
    """A checkpoint's number and a folder, each of which may be left out."""
    number = 0
    if words[0].isascii() and words[0].isdigit() and len(words[0]) < 10:
        number = int(words.pop(0))
    if len(words) > 1:
        parser.error(f"{words[0]!a} is not the number of a checkpoint")
    return {"number": number, "workspace": words[0] if words else "."}


def count(text: str) -> int:
    """A number of things, as a type of argparse's."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!a} is not such a number")
    return int(text)


def add_last(parser: argparse.ArgumentParser, what: str) -> None:
    """Let a command be asked for so many of the newest."""
    told = f"{what} (default: {_LAST}; 0 for all)"
    parser.add_argument("--last", metavar="N", type=count, default=_LAST, help=told)


def add_workspace(parser: argparse.ArgumentParser) -> None:
    """Let a command name the folder that it is about."""
    parser.add_argument(
        "workspace",
        metavar="WORKSPACE",
        nargs="?",
        default=".",
        help="the folder to work in (default: the current one)",
    )
