"""What can be typed after `pocketcoder`. The first word is a command, or else it is a folder.

A folder that is named like a command is written with its place: `pocketcoder ./doctor`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pocketcoder_tui import __version__

COMMANDS = {
    "setup": "install what is missing: Docker, the sandbox image, the configuration",
    "doctor": "say how everything stands, and what is missing",
    "attach": "open the box's terminal here; detach with Ctrl-b d",
    "down": "stop the box of a workspace; its files and history stay",
    "reset": "delete the box and the history of a workspace, after asking",
    "sessions": "list the sessions of a workspace",
}
"""Every command with its sentence."""

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
    resume: str | None = None
    model: str | None = None
    yes: bool = False
    json: bool = False


def parse(argv: Sequence[str]) -> Arguments:
    """Understand a command line. Raises UsageError; prints and raises SystemExit for --help."""
    command = argv[0] if argv and argv[0] in COMMANDS else ""
    parser = _command_parser(command) if command else _workbench_parser()
    found = parser.parse_args(argv[1:] if command else argv)
    return Arguments(command, **vars(found))


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake is an exception: only the boundary prints and picks a status."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.format_usage()}{self.prog}: {message}")


def _workbench_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pocketcoder",
        description=_DESCRIPTION,
        epilog=_EPILOG + "\nA folder named like a command is written as ./NAME.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_workspace(parser)
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
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    parser.add_argument("--model", metavar="NAME", help="ask this model instead of the set one")
    return parser


def _command_parser(command: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"pocketcoder {command}", description=COMMANDS[command])
    if command != "setup":
        _add_workspace(parser)
    if command in ("setup", "reset"):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    if command == "doctor":
        parser.add_argument("--json", action="store_true", help="for programs; README.md explains")
    return parser


def _add_workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "workspace",
        metavar="WORKSPACE",
        nargs="?",
        default=".",
        help="the folder to work in (default: the current one)",
    )
