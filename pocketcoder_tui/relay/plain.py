"""A command's output as text: what a terminal would show, head and tail kept, in linear time."""

import re

from pocketcoder_tui.relay.colour import Colours
from pocketcoder_tui.relay.keep import HeadAndTail, Spool

LINE_LIMIT = 65_536
"""Characters of a line that can still be overwritten; a longer line is passed on in pieces."""

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC: on one line
    r"|\x1b[ -/]*[0-~]"  # two or three characters
)
_OPEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\n]*\x1b?|[ -/]*)\Z")
_OPEN_LIMIT = 4_096
"""Characters of an unfinished sequence that are waited for."""
_ERASE_LINE = re.compile(r"\x1b\[0?K\Z")
_SPECIAL = re.compile(r"[\r\b\x1b]")
_PIECE = re.compile(r"[\r\b\x1b]|[^\r\b\x1b]+")
_DROPPED = dict.fromkeys([*range(8), 11, 12, *range(14, 27), *range(28, 32), 127])


class PlainText:
    """Decoded terminal output in, text out: carriage returns folded, sequences gone."""

    def __init__(self, head: int, tail: int, spool: Spool | None = None) -> None:
        self._limits = head, tail
        self._kept = HeadAndTail(head, tail, spool)
        self._fresh = HeadAndTail(head, tail)
        self._open = ""
        self._line: list[str] = []
        self._pens: list[str] = []
        """The pen of each character of the line, while there is colour."""
        self._column = 0
        self._colours = Colours(head, tail)

    def feed(self, text: str) -> None:
        """Take the next characters."""
        text = self._open + text
        self._open = ""
        unfinished = _OPEN.search(text, max(0, len(text) - _OPEN_LIMIT))
        if text.endswith("\r"):
            text, self._open = text[:-1], "\r"
        elif unfinished is not None:
            text, self._open = text[: unfinished.start()], unfinished[0]
        text = text.replace("\r\n", "\n")
        at = 0
        while at < len(text):
            at = self._plain_lines(text, at) if not self._line else at
            at = self._one_line(text, at) if at < len(text) else at

    def _plain_lines(self, text: str, at: int) -> int:
        """Take whole lines that only print; returns where the first other one begins."""
        special = _SPECIAL.search(text, at)
        end = text.rfind("\n", at, special.start() if special is not None else len(text)) + 1
        if end <= at:
            return at
        lines = text[at:end].translate(_DROPPED)
        self._colours.add(lines)
        self._add(lines)
        return end

    def _one_line(self, text: str, at: int) -> int:
        """Draw up to the next newline, or a piece of a very long line; returns where that ends."""
        end = text.find("\n", at, at + LINE_LIMIT)
        newline = "" if end < 0 else "\n"
        stop = min(at + LINE_LIMIT, len(text)) if end < 0 else end
        self._draw(text[at:stop])
        if newline or len(self._line) > LINE_LIMIT:
            self._flush(newline)
        return stop + len(newline)

    def _draw(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                sequence = _SEQUENCE.match(text, at)
                if sequence is not None and _ERASE_LINE.match(sequence[0]):
                    del self._line[self._column :], self._pens[self._column :]
                elif sequence is not None:
                    self._colours.take(sequence[0], self._kept)
                at = sequence.end() if sequence is not None else at + 1
                continue
            piece = _PIECE.match(text, at)
            at = piece.end() if piece is not None else at + 1
            if piece is not None:
                self._put(piece[0])

    def _put(self, piece: str) -> None:
        match piece:
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)
            case _:
                piece = piece.translate(_DROPPED)
                end = self._column + len(piece)
                self._line[self._column : end] = piece
                if self._colours.seen:
                    self._pens += [""] * (self._column - len(self._pens))
                    self._pens[self._column : end] = [self._colours.pen] * len(piece)
                self._column = end

    def _flush(self, newline: str) -> None:
        self._colours.add_line(self._line, self._pens, newline)
        self._add("".join(self._line) + newline)
        self._line, self._pens, self._column = [], [], 0

    def _add(self, text: str) -> None:
        self._kept.add(text)
        self._fresh.add(text)

    def since(self) -> tuple[str, int]:
        """Return what came since the last call, and how much was left out of its middle.

        A line that is not complete is part of it, and comes again when it is.
        """
        fresh, self._fresh = self._fresh, HeadAndTail(*self._limits)
        fresh.add("".join(self._line))
        return fresh.text, fresh.omitted

    @property
    def coloured(self) -> str:
        """The text with its colours; empty when it has none. After ``finish``."""
        return self._colours.text(self._kept.omitted)

    def finish(self) -> tuple[str, int]:
        """Return the text and the number of characters left out of its middle."""
        self._open = ""
        self._flush("")
        return self._kept.text, self._kept.omitted
