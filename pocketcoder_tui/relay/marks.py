"""Marks in a pane's output: OSC 133 found across any chunking, told apart from what imitates them.

A and B enclose the prompt, C;ID starts an action, D;STATUS;ID;CWD ends it, R;ID refuses one that
was claimed before, a bare C starts a line that a person typed, P;N answers the probe for a
half-typed line, X hints that the shell ended. Everything else is output.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_START = b"\x1b]133;"
_LIMIT = 16_384
"""Bytes of one mark; the path in it may be 4,095 bytes of three characters each (PATH_MAX)."""
_MARK = re.compile(rb"\x1b\]133;([^\x07\x1b]*)(\x07|\x1b\\)")


@dataclass(frozen=True, slots=True)
class Printed:
    """Bytes that are no mark of ours."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PromptShown:
    """The prompt is complete; input begins (B)."""


@dataclass(frozen=True, slots=True)
class PromptBegun:
    """The prompt begins (A)."""


@dataclass(frozen=True, slots=True)
class LineEntered:
    """The shell took a line (C without an id)."""


@dataclass(frozen=True, slots=True)
class ActionBegun:
    """The launcher claimed an action."""

    id: str


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """The launcher found the action claimed by an earlier delivery."""

    id: str


@dataclass(frozen=True, slots=True)
class ActionOver:
    """An action's command ended in the same shell."""

    id: str
    status: int
    cwd: str


@dataclass(frozen=True, slots=True)
class HalfTyped:
    """The probe's answer: characters at the prompt that nobody entered yet."""

    length: int


@dataclass(frozen=True, slots=True)
class ShellEnded:
    """Whoever started the shell says that it ended: a reason to look, never a fact."""


Mark = (
    PromptBegun
    | PromptShown
    | LineEntered
    | ActionBegun
    | ActionRefused
    | ActionOver
    | HalfTyped
    | ShellEnded
)
_PLAIN: dict[bytes, Mark] = {
    b"A": PromptBegun(),
    b"B": PromptShown(),
    b"C": LineEntered(),
    b"X": ShellEnded(),
}
_BEGUN = re.compile(rb"C;([0-9a-f]{32})\Z")
_REFUSED = re.compile(rb"R;([0-9a-f]{32})\Z")
_OVER = re.compile(rb"D;(\d{1,3});([0-9a-f]{32});([A-Za-z0-9/._%-]+)\Z")
_TYPED = re.compile(rb"P;(\d{1,9})\Z")


def read_mark(body: bytes) -> Mark | None:
    """Understand what stands between ``133;`` and the terminator; None when it is no mark."""
    if body in _PLAIN:
        return _PLAIN[body]
    if found := _BEGUN.match(body):
        return ActionBegun(found[1].decode())
    if found := _REFUSED.match(body):
        return ActionRefused(found[1].decode())
    if found := _OVER.match(body):
        cwd = unquote(found[3].decode(), errors="surrogateescape")
        return ActionOver(found[2].decode(), int(found[1]), cwd)
    if found := _TYPED.match(body):
        return HalfTyped(int(found[1]))
    return None


class MarkScanner:
    """A pane's bytes in, marks and printed bytes out, in order. Holds one mark at most.

    Marks of an action count only when they name ``action``; while its command runs, nothing
    but its end and the hint that the shell ended counts: what is printed then may be forged.
    """

    def __init__(self) -> None:
        self._held = b""
        self.action: str | None = None
        """The id whose marks count."""
        self.running = False
        """True between the action's two marks."""

    def feed(self, data: bytes) -> Iterator[Mark | Printed]:
        """Take the next bytes; the caller may change ``action`` between two items."""
        data = self._held + data if self._held else data
        self._held = b""
        at = 0
        while (found := data.find(b"\x1b", at)) >= 0:
            start = data.find(_START, found)
            if start < 0:
                break
            mark = _MARK.match(data, start)
            if mark is None and _is_open(data, start):
                break
            known = self._counted(mark[1]) if mark is not None else None
            if known is None or mark is None:
                # Not ours: it is output up to the next escape.
                yield Printed(data[at : start + 1])
                at = start + 1
                continue
            if start > at:
                yield Printed(data[at:start])
            at = mark.end()
            if isinstance(known, ActionBegun | ActionOver):
                # What was printed before the mark belongs to the time before it.
                self.running = isinstance(known, ActionBegun)
            yield known
        keep = _hold_from(data, at)
        if keep > at:
            yield Printed(data[at:keep])
        self._held = data[keep:]

    def _counted(self, body: bytes) -> Mark | None:
        """The mark, if it may move anything now."""
        mark = read_mark(body)
        match mark:
            case ActionBegun(action) | ActionRefused(action) if action == self.action:
                return None if self.running else mark
            case ActionOver(action) if action == self.action and self.running:
                return mark
            case ShellEnded():
                return mark
            case ActionBegun() | ActionRefused() | ActionOver():
                return None
        return None if self.running else mark


def _is_open(data: bytes, start: int) -> bool:
    """True when the mark at ``start`` may still be completed by the next bytes."""
    if len(data) - start > _LIMIT:
        return False
    tail = data[start + len(_START) :]
    end = re.search(rb"[\x07\x1b]", tail)
    return end is None or (tail[end.start()] == 0x1B and end.start() == len(tail) - 1)


def _hold_from(data: bytes, at: int) -> int:
    """Where the bytes begin that may be the start of a mark."""
    start = data.rfind(_START, at)
    if start >= 0 and _is_open(data, start):
        return start
    last = data.rfind(b"\x1b", at)
    return last if last >= 0 and _START.startswith(data[last : last + len(_START)]) else len(data)
