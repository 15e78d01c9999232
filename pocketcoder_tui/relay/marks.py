"""Marks in a pane's output: OSC 133 found across any chunking, told apart from what imitates them.

What they are stands in sandbox/shell.bash. A mark of the shell's own counts only with the shell's
random key, a mark of an action only with its random id; everything else is output.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_START = b"\x1b]133;"
_LIMIT = 32_768
"""Bytes of one mark; a path may be 4,095 bytes of three characters each (PATH_MAX)."""
_MARK = re.compile(rb"\x1b\]133;([^\x07\x1b]*)(\x07|\x1b\\)")


@dataclass(frozen=True, slots=True)
class Printed:
    """Bytes that are no mark of ours."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ShellBegun:
    """A new shell says which key its marks have."""

    key: str


@dataclass(frozen=True, slots=True)
class PromptBegun:
    """The prompt begins (A)."""

    key: str


@dataclass(frozen=True, slots=True)
class PromptShown:
    """The prompt is complete; input begins (B)."""

    key: str


@dataclass(frozen=True, slots=True)
class LineEntered:
    """The shell took a line that the relay did not lay out."""

    key: str


@dataclass(frozen=True, slots=True)
class LineOver:
    """That line came to its end."""

    key: str
    status: int
    cwd: str
    text: str
    """Empty when the shell did not keep it."""


@dataclass(frozen=True, slots=True)
class HalfTyped:
    """The probe's answer: characters at the prompt that nobody entered yet."""

    key: str
    length: int


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
class ShellEnded:
    """Whoever started the shell says that it ended: a reason to look, never a fact."""


Keyed = PromptBegun | PromptShown | LineEntered | LineOver | HalfTyped
Mark = ShellBegun | Keyed | ActionBegun | ActionRefused | ActionOver | ShellEnded

_KEYED = re.compile(rb"([SABC]);([0-9a-f]{16})\Z")
_KINDS: dict[bytes, type[ShellBegun | PromptBegun | PromptShown | LineEntered]] = {
    b"S": ShellBegun,
    b"A": PromptBegun,
    b"B": PromptShown,
    b"C": LineEntered,
}
_BEGUN = re.compile(rb"([CR]);([0-9a-f]{32})\Z")
_OVER = re.compile(rb"D;(\d{1,3});([0-9a-f]{32});([A-Za-z0-9/._%-]+)\Z")
_LINE = re.compile(rb"L;([0-9a-f]{16});(\d{1,3});([A-Za-z0-9/._%-]+);([^\x00-\x1f]*)\Z")
_TYPED = re.compile(rb"P;([0-9a-f]{16});(\d{1,9})\Z")


def read_mark(body: bytes) -> Mark | None:
    """Understand what stands between ``133;`` and the terminator; None when it is no mark."""
    if body == b"X":
        return ShellEnded()
    if found := _KEYED.match(body):
        return _KINDS[found[1]](found[2].decode())
    if found := _BEGUN.match(body):
        kind = ActionBegun if found[1] == b"C" else ActionRefused
        return kind(found[2].decode())
    if found := _OVER.match(body):
        return ActionOver(found[2].decode(), int(found[1]), _path(found[3]))
    if found := _TYPED.match(body):
        return HalfTyped(found[1].decode(), int(found[2]))
    if found := _LINE.match(body):
        text = unquote(found[4].decode("utf-8", "replace"))
        return LineOver(found[1].decode(), int(found[2]), _path(found[3]), text)
    return None


def _path(text: bytes) -> str:
    return unquote(text.decode(), errors="surrogateescape")


class MarkScanner:
    """A pane's bytes in, marks and printed bytes out, in order. Holds one mark at most.

    While an action's command runs, nothing but its end and the hint that the shell ended counts:
    what is printed then may be forged. Before the shell's key is known only a new shell's first
    mark counts, because nothing else has run by then.
    """

    def __init__(self) -> None:
        self._held = b""
        self.key: str | None = None
        """The shell's key; None until it is known."""
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
            case ShellEnded():
                return mark
            case ActionOver(action):
                return mark if self.running and action == self.action else None
            case _ if mark is None or self.running:
                return None
            case ActionBegun(action) | ActionRefused(action):
                return mark if action == self.action else None
            case ShellBegun(key):
                if self.key is not None:
                    return None
                self.key = key
                return mark
        return mark if mark.key == self.key else None


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
