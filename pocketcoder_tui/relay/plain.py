"""A command's output as text: what a terminal would show, head and tail kept, in linear time."""

import re
from collections import deque
from collections.abc import Callable

Spool = Callable[[str], None]
"""Takes the whole text of an output that is too long to be kept, piece by piece."""

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
_PIECE = re.compile(r"[\r\b\x1b]|[^\r\b\x1b]+")
_DROPPED = dict.fromkeys([*range(8), 11, 12, *range(14, 27), *range(28, 32), 127])


class HeadAndTail:
    """The first and the last characters of a text, and how many were left out between."""

    def __init__(self, head: int, tail: int, spool: Spool | None = None) -> None:
        """``spool`` gets the whole text once some of it has to be left out; None: it is lost."""
        self._spool = spool
        self._head_room = head
        self._tail_limit = tail
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.omitted = 0
        """Characters left out so far."""

    def add(self, text: str) -> None:
        """Append."""
        if self._spool is not None and (self.omitted or self._overflows(text)):
            self._spool(text if self.omitted else "".join((*self._head, *self._tail, text)))
        if self._head_room:
            taken = text[: self._head_room]
            self._head.append(taken)
            self._head_room -= len(taken)
            text = text[len(taken) :]
        if not text:
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._tail_limit:
            over = self._tail_size - self._tail_limit
            first = self._tail.popleft()
            dropped = min(over, len(first))
            if dropped < len(first):
                self._tail.appendleft(first[dropped:])
            self._tail_size -= dropped
            self.omitted += dropped

    def _overflows(self, text: str) -> bool:
        return len(text) > self._head_room + self._tail_limit - self._tail_size

    @property
    def text(self) -> str:
        """Everything that was kept, with a line that says what is missing."""
        head, tail = "".join(self._head), "".join(self._tail)
        if not self.omitted:
            return head + tail
        return f"{head}\n[… {self.omitted} characters left out …]\n{tail}"


class PlainText:
    """Decoded terminal output in, text out: carriage returns folded, sequences gone."""

    def __init__(self, head: int, tail: int, spool: Spool | None = None) -> None:
        self._limits = head, tail
        self._kept = HeadAndTail(head, tail, spool)
        self._fresh = HeadAndTail(head, tail)
        self._open = ""
        self._line: list[str] = []
        self._column = 0

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
        if not self._line and not ("\r" in text or "\b" in text or "\x1b" in text):
            at = text.rfind("\n") + 1
            self._add(text[:at].translate(_DROPPED))
            text = text[at:]
        while text:
            line, newline, text = text.partition("\n") if len(text) < LINE_LIMIT else _cut(text)
            self._draw(line)
            if newline or len(self._line) > LINE_LIMIT:
                self._flush(newline)

    def _draw(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                sequence = _SEQUENCE.match(text, at)
                if sequence is not None and _ERASE_LINE.match(sequence[0]):
                    del self._line[self._column :]
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
                self._column = end

    def _flush(self, newline: str) -> None:
        self._add("".join(self._line) + newline)
        self._line, self._column = [], 0

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

    def finish(self) -> tuple[str, int]:
        """Return the text and the number of characters left out of its middle."""
        self._open = ""
        self._flush("")
        return self._kept.text, self._kept.omitted


def _cut(text: str) -> tuple[str, str, str]:
    """Partition at the next newline without copying a long rest for every line of it."""
    at = text.find("\n", 0, LINE_LIMIT)
    if at < 0:
        return text[:LINE_LIMIT], "", text[LINE_LIMIT:]
    return text[:at], "\n", text[at + 1 :]
