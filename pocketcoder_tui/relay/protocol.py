"""tmux's control mode as typed notifications: a pure parser of bytes in any chunking.

Source: tmux(1), CONTROL MODE; checked against tmux 3.3a.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_LIMIT = 4 * 1024 * 1024
"""Bytes of one line; the rest of a longer line is dropped."""

REPLY_LIMIT = 17 * 1024 * 1024
"""Bytes of one reply; lines beyond it are dropped and the reply counts as failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command, or to something that the server ran by itself."""

    number: int
    ok: bool
    lines: tuple[bytes, ...]
    ours: bool
    """True for an answer to a command that this client sent (flag 1)."""


@dataclass(frozen=True, slots=True)
class Output:
    """A pane printed something."""

    pane: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """The pane's output is held back from this client because it was too slow; some is lost."""

    pane: bytes


@dataclass(frozen=True, slots=True)
class Continue:
    """The pane's output comes again."""

    pane: bytes


@dataclass(frozen=True, slots=True)
class LayoutChange:
    """A window has another layout or size."""

    window: bytes


@dataclass(frozen=True, slots=True)
class WindowRenamed:
    """A window has another name; tmux.conf renames the window of a pane whose shell ended."""

    window: bytes
    name: bytes


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A window is gone."""

    window: bytes


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """This client is attached to a session."""

    session: bytes


@dataclass(frozen=True, slots=True)
class ClientDetached:
    """Another client detached."""

    client: bytes


@dataclass(frozen=True, slots=True)
class Exit:
    """The server lets this client go."""

    reason: bytes


Notification = (
    Reply
    | Output
    | Pause
    | Continue
    | LayoutChange
    | WindowRenamed
    | WindowClosed
    | SessionChanged
    | ClientDetached
    | Exit
)

_BEGIN = re.compile(rb"%begin (\d{1,20}) (\d{1,20}) (\d{1,10})\Z")
_ESCAPED = re.compile(rb"(?:[^\\]+|\\[0-3][0-7]{2})*\Z")
_ESCAPE = re.compile(rb"\\[0-3][0-7]{2}")
_OCTAL = {b"\\%03o" % code: bytes([code]) for code in range(256)}


def unescape(data: bytes) -> bytes:
    """Undo the escapes of %output: octal for bytes below 32 and the backslash."""
    if b"\\" not in data:
        return data
    # A backslash of the pane's is always written as \134, so this pair is never half of another.
    data = data.replace(b"\\015\\012", b"\r\n")
    if b"\\" not in data:
        return data
    if _ESCAPED.match(data):
        # Only escapes that Python reads the same way, which is ten times as fast.
        return data.decode("unicode_escape").encode("latin-1")
    return _ESCAPE.sub(lambda m: _OCTAL[m[0]], data)


class ControlParser:
    """Bytes in, notifications out. Never raises; holds one line and one reply at most."""

    def __init__(self, *, line_limit: int = LINE_LIMIT, reply_limit: int = REPLY_LIMIT) -> None:
        self._line_limit = line_limit
        self._reply_limit = reply_limit
        self._parts: list[bytes] = []
        self._size = 0
        self._end = b""
        self._error = b""
        self._lines: list[bytes] = []
        self._reply_size = 0
        self._number = 0
        self._ours = False

    def feed(self, data: bytes) -> Iterator[Notification]:
        """Take the next bytes and yield what is complete."""
        first, *rest = data.split(b"\n")
        self._hold(first)
        if not rest:
            return
        lines = [b"".join(self._parts), *rest[:-1]]
        self._parts, self._size = [], 0
        self._hold(rest[-1])
        for line in lines:
            notification = self._line(line)
            if notification is not None:
                yield notification

    def _hold(self, part: bytes) -> None:
        room = self._line_limit - self._size
        if part and room > 0:
            self._parts.append(part[:room])
            self._size += len(self._parts[-1])

    def _line(self, line: bytes) -> Notification | None:
        if self._end:
            return self._reply_line(line)
        if line.startswith(b"%output "):
            _, pane, data = _fields(line, 3)
            return Output(pane, unescape(data))
        if line.startswith(b"%extended-output "):
            head, _, data = line.partition(b" : ")
            return Output(_fields(head, 3)[1], unescape(data))
        begin = _BEGIN.match(line)
        if begin is None:
            return _rare(line)
        stamp = b"%s %s %s" % begin.groups()
        self._end, self._error = b"%end " + stamp, b"%error " + stamp
        self._number, self._ours = int(begin[2]), bool(int(begin[3]) & 1)
        self._lines, self._reply_size = [], 0
        return None

    def _reply_line(self, line: bytes) -> Reply | None:
        """Inside a reply only its own end counts: its text may look like anything."""
        if line not in (self._end, self._error):
            self._reply_size += len(line) + 1
            if self._reply_size <= self._reply_limit:
                self._lines.append(line)
            return None
        ok = line == self._end and self._reply_size <= self._reply_limit
        reply = Reply(self._number, ok, tuple(self._lines), self._ours)
        self._end = self._error = b""
        self._lines = []
        return reply


def _fields(line: bytes, count: int) -> list[bytes]:
    parts = line.split(b" ", count - 1)
    return parts + [b""] * (count - len(parts))


_RARE: dict[bytes, type[Pause | Continue | LayoutChange | WindowClosed | SessionChanged]] = {
    b"%pause": Pause,
    b"%continue": Continue,
    b"%layout-change": LayoutChange,
    b"%window-close": WindowClosed,
    b"%unlinked-window-close": WindowClosed,
    b"%session-changed": SessionChanged,
}


def _rare(line: bytes) -> Notification | None:
    name, one, two = _fields(line, 3)
    if made := _RARE.get(name):
        return made(one)
    match name:
        case b"%window-renamed" | b"%unlinked-window-renamed":
            return WindowRenamed(one, two)
        case b"%client-detached":
            return ClientDetached(one)
        case b"%exit":
            return Exit(line[6:])
        case _:
            return None
