"""An approved command's way into the box: as a file, read back and compared, before it may start.

``set-buffer`` and ``save-buffer`` write the file inside; ``load-buffer`` and ``show-buffer`` bring
back what stands there. Seen with tmux 3.3a: the file is exact for every byte but NUL, and
show-buffer prints it through vis(3) (octal, C-style, backslash doubled), which ``unvis`` undoes.
"""

import asyncio
import hashlib
import re

from pocketcoder_tui.core.errors import DeliveryRefused
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.protocol import Reply

HOME = "/run/pocketcoder"
"""The relay's directory in the box: a tmpfs, 0700, of the box's user."""

LIMIT = 4 * 1024 * 1024
"""Bytes of one command."""

_CHUNK = 64 * 1024
_CSTYLE = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"s": b" ",
    b"t": b"\t",
    b"v": b"\v",
}
_VIS = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_REPLY_END = re.compile(rb"^%(end|error) ", re.MULTILINE)


def unvis(data: bytes) -> bytes:
    """Undo vis(3) as show-buffer prints it."""
    return _VIS.sub(_plain, data) if b"\\" in data else data


def _plain(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return _CSTYLE.get(code, code)


def check(command: bytes) -> None:
    """Refuse what a terminal's shell cannot be given. Raises DeliveryRefused."""
    if b"\0" in command:
        raise DeliveryRefused("The command holds a NUL byte, which no shell can run; nothing ran.")
    if len(command) > LIMIT:
        raise DeliveryRefused(
            f"The command has {len(command)} bytes; at most {LIMIT} can be delivered. Nothing ran."
        )


class Delivery:
    """A command's file on its way: ``send`` writes it, ``prove`` says that it arrived whole."""

    def __init__(self, control: ControlClient, box: Box, action_id: str, command: bytes) -> None:
        self._control = control
        self._box = box
        self._path = f"{HOME}/in/{action_id}"
        # An empty buffer cannot be saved; to a shell a newline is the same.
        self._command = command or b"\n"
        self._replies: list[asyncio.Future[Reply]] = []

    async def send(self) -> None:
        """Write the file and ask for it back, in one write. Raises RelayError, ContainerGone."""
        self._replies = await self._control.send(_lines(self._path, self._command))

    async def prove(self) -> None:
        """Compare what came back. Raises DeliveryRefused, RelayError or ContainerGone."""
        back = [await reply for reply in self._replies][-1]
        if not back.ok and not _REPLY_END.search(self._command):
            raise DeliveryRefused(
                "The command's file could not be written in the box; nothing ran.",
                hint="The box's /run may be full.",
            )
        if unvis(b"\n".join(back.lines)) != self._command:
            await _verify_by_digest(self._box, self._path, self._command)


def _lines(path: str, command: bytes) -> list[bytes]:
    """The buffers' names are the same each time, so nothing has to be cleared away."""
    out, back = "pocketcoder-out", "pocketcoder-back"
    chunks = [command[i : i + _CHUNK] for i in range(0, len(command), _CHUNK)]
    lines = [line("set-buffer", "-b", out, "--", chunks[0])]
    lines += [line("set-buffer", "-a", "-b", out, "--", chunk) for chunk in chunks[1:]]
    lines += [line("save-buffer", "-b", out, path)]
    return [*lines, line("load-buffer", "-b", back, path), line("show-buffer", "-b", back)]


async def _verify_by_digest(box: Box, path: str, command: bytes) -> None:
    """The slow way, for text that looks like the end of a reply."""
    result = await box.exec(["sha256sum", path])
    if result.stdout.split(b" ")[0].decode() != hashlib.sha256(command).hexdigest():
        raise DeliveryRefused("What arrived in the box is not what was approved; nothing ran.")
