"""An approved command's way into the box: as a file, read back and compared, before it may start.

``set-buffer`` and ``save-buffer`` write the file inside; ``load-buffer`` and ``show-buffer`` bring
back what stands there. Seen with tmux 3.3a: the file is exact for every byte but NUL, and
show-buffer prints it through vis(3) (octal, C-style, backslash doubled), which ``unvis`` undoes.
"""

import hashlib
import re
from collections.abc import Sequence

from pocketcoder_tui.core.errors import DeliveryRefused
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.relay.control import ControlClient, line

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


async def deliver(
    control: ControlClient, box: Box, action_id: str, command: bytes, before: Sequence[bytes]
) -> None:
    """Write the command's file and prove that it is what was approved.

    ``before`` are command lines that go in the same write.

    One write on the stream, one wait. Raises DeliveryRefused, RelayError or ContainerGone.
    """
    path = f"{HOME}/in/{action_id}"
    out, back = f"out-{action_id}", f"back-{action_id}"
    # An empty buffer cannot be saved; to a shell a newline is the same.
    command = command or b"\n"
    chunks = [command[i : i + _CHUNK] for i in range(0, len(command), _CHUNK)]
    lines = [line("set-buffer", "-b", out, "--", chunks[0])]
    lines += [line("set-buffer", "-a", "-b", out, "--", chunk) for chunk in chunks[1:]]
    lines += [line("save-buffer", "-b", out, path)]
    lines += [line("load-buffer", "-b", back, path), line("show-buffer", "-b", back)]
    shown = (await control.ask(*before, *lines))[-1]
    if not shown.ok and not _REPLY_END.search(command):
        raise DeliveryRefused(
            "The command's file could not be written in the box; nothing ran.",
            hint="The box's /run may be full.",
        )
    if unvis(b"\n".join(shown.lines)) == command:
        return
    await _verify_by_digest(box, path, command)


def leftovers(action_id: str) -> list[bytes]:
    """The commands that remove a delivery's buffers; they go with the next one."""
    return [line("delete-buffer", "-b", f"{name}-{action_id}") for name in ("out", "back")]


async def _verify_by_digest(box: Box, path: str, command: bytes) -> None:
    """The slow way, for text that looks like the end of a reply."""
    result = await box.exec(["sha256sum", path])
    if result.stdout.split(b" ")[0].decode() != hashlib.sha256(command).hexdigest():
        raise DeliveryRefused("What arrived in the box is not what was approved; nothing ran.")
