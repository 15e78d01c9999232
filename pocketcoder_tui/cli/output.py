"""Plain output: the one way to standard output, a yes or no, and progress of long work."""

import os
import sys
from collections.abc import AsyncIterator
from typing import TextIO

from pocketcoder_tui.core.checks import Progress
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.gatekeeper.faithful import plain

GREEN, RED, YELLOW, GREY = "32", "31", "33", "90"
"""SGR colours, ECMA-48."""
_BAR = 24
"""Columns of a progress bar."""


class NobodyToAsk(PocketCoderError):
    """A question, and no terminal to ask it on."""

    hint = "Run it in a terminal, or with --yes to agree beforehand."


def is_terminal(stream: TextIO | None = None) -> bool:
    """Say whether a stream, by default standard output, is a terminal."""
    stream = sys.stdout if stream is None else stream
    return stream is not None and not stream.closed and stream.isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Colour a text of our own on a terminal; see no-color.org for the way out."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def say(*lines: str) -> None:
    """Print lines, each made safe to print: their text may come from anywhere."""
    for line in lines:
        print(encodable(plain(line)))


def encodable(text: str) -> str:
    """Replace what standard output's encoding cannot hold, so that printing cannot fail."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def ask(question: str) -> bool:
    """Ask for y or n on the terminal; anything but yes is no. Raises NobodyToAsk without one."""
    if not (is_terminal() and is_terminal(sys.stdin)):
        raise NobodyToAsk(f"There is no terminal to ask on: {question}")
    print(f"{encodable(plain(question))} [y/N] ", end="", flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print()
    return answer.strip().lower() in ("y", "yes")


async def follow(steps: AsyncIterator[Progress]) -> None:
    """Show long work: one bar that is drawn again on a terminal, a line for each step elsewhere."""
    live = is_terminal()
    last = ""
    async for step in steps:
        sentence = encodable(plain(step.sentence, keep_newlines=False))
        if live:
            print(f"\r\x1b[K{_drawn(step.done, sentence)}", end="", flush=True)
        elif sentence != last:
            print(f"  {sentence}", flush=True)
        last = sentence
    if live and last:
        print("\r\x1b[K", end="", flush=True)


def _bar(done: float | None) -> str:
    """Return a bar and a share; what nobody can know is dots and no number."""
    if done is None:
        return f"  {'.' * _BAR}        "
    share = min(max(done, 0.0), 1.0)
    full = round(share * _BAR)
    return f"  {'#' * full}{'.' * (_BAR - full)}  {share:4.0%}  "


def _drawn(done: float | None, sentence: str) -> str:
    """Return a bar and its sentence on one line: what wraps cannot be drawn over."""
    bar, columns = _bar(done), _columns()
    if columns < 2 * len(bar):
        bar = ""
    room = max(columns - len(bar) - 1, 1)
    return bar + (sentence if len(sentence) <= room else sentence[: room - 1] + "…")


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        return 80
