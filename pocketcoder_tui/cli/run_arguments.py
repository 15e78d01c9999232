"""What can be typed after `pocketcoder run` and `pocketcoder log`."""

import argparse
from collections.abc import Sequence
from typing import Any

from pocketcoder_tui.cli.arguments import COMMANDS, Parser, add_workspace
from pocketcoder_tui.core import modes

STDIN = "-"
"""In the place of words: what comes on standard input."""
LONGEST = 30 * 86_400.0
"""Seconds that --timeout may say at most."""


def parse_run(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    parser = Parser(
        prog="pocketcoder run",
        description=COMMANDS["run"],
        epilog="The last answer's words go to standard output, the rest to standard error. "
        "What waits is answered from another terminal (pocketcoder approvals), or by rules.",
    )
    parser.add_argument(
        "words", metavar="TEXT", nargs="+", help="what the agent is told; - is standard input"
    )
    parser.add_argument(
        "--in",
        dest="workspace",
        metavar="WORKSPACE",
        default=".",
        help="the folder to work in (default: the current one)",
    )
    _add_which(parser)
    parser.add_argument("--model", metavar="NAME", help="ask this model instead of the set one")
    parser.add_argument(
        "--mode", choices=tuple(modes.SENTENCES), default="", help="the mode from now on"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=0.0,
        help="stop the turn after so long; a command that runs goes on",
    )
    parser.add_argument("--tour", action="store_true", help="the scripted model; needs no key")
    parser.add_argument("--json", action="store_true", help="every event as JSON (docs/events.md)")
    return vars(parser.parse_args(argv))


def parse_log(argv: Sequence[str]) -> dict[str, Any]:
    """The fields of Arguments for these words. Raises UsageError."""
    parser = Parser(prog="pocketcoder log", description=COMMANDS["log"])
    add_workspace(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "-f",
        "--follow",
        dest="watch",
        action="store_true",
        help="go on with what happens, as long as a pocketcoder works there",
    )
    which.add_argument("--session", metavar="ID", default="", help="another one than the last")
    parser.add_argument("--json", action="store_true", help="every event as JSON (docs/events.md)")
    return vars(parser.parse_args(argv))


def seconds(text: str) -> float:
    """A time, as a type of argparse's."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!a} is not a number of seconds above 0")
    return value


def _add_which(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--continue", dest="latest", action="store_true", help="go on with the last session"
    )
    which.add_argument("--resume", metavar="ID", help="go on with this session")
