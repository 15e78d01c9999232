"""An approved command's way into the box: as a file, proven the same, before it may start.

The best way is a folder of the host's that the box reads and cannot change: what was written there
is what the shell sources, and no process of the box's can come between. Where there is none (an
engine on another machine), the bytes go over the control stream: ``set-buffer`` and ``save-buffer``
write the file inside, ``load-buffer`` and ``show-buffer`` bring back what stands there. Seen with
tmux 3.3a: the file is exact for every byte but NUL, and show-buffer prints it through vis(3)
(octal, C-style, backslash doubled), which ``unvis`` undoes.
"""

import hashlib
import re

from pocketcoder_tui.core.errors import DeliveryRefused, SandboxError
from pocketcoder_tui.core.ports import Box, Drop
from pocketcoder_tui.relay.control import ControlClient, line

HOME = "/run/pocketcoder"
"""The relay's directory in the box: a tmpfs, 0700, of the box's user."""

IN = f"{HOME}/in"
"""Where commands are laid out, whichever way they came."""

LIMIT = 4 * 1024 * 1024
"""Bytes of one command."""

SHOWN = 2_000
"""Characters of a command that are drawn in the terminal."""

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
_DROPPED = str.maketrans("", "", "\r\v\f")


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


def launcher(action_id: str, command: bytes) -> bytes:
    """The lines that the pane's shell sources to run an action; see sandbox/shell.bash."""
    text = drawn(command).replace("'", "'\\''")
    return f"\\__pc_run {action_id} '{text}'\n\\builtin . \"$__pc_in\"\n\\__pc_end\n".encode()


def drawn(command: bytes) -> str:
    """The command as whoever is attached sees it: its beginning, with nothing that moves a cursor.

    A new line is ``ESC E``, since the shell's output would be cut in two at a newline.
    """
    text = command[: 4 * SHOWN].decode("utf-8", "replace")
    text, more = text[:SHOWN], " …" if len(text) > SHOWN or len(command) > 4 * SHOWN else ""
    text = text.removesuffix("\n").translate(_DROPPED)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
    return f"$ {text}{more}".replace("\n", "\x1bE> ") + "\x1bE"


async def deliver(
    box: Box, control: ControlClient, pane: str, action_id: str, command: bytes
) -> None:
    """Lay a command out for the pane (tmux's id), proven the same; nothing is started.

    Raises DeliveryRefused, RelayError or ContainerGone.
    """
    # An empty buffer cannot be saved; to a shell a newline is the same.
    command = command or b"\n"
    number = pane.removeprefix("%")
    files = (f"{number}.command", command), (f"{number}.go", launcher(action_id, command))
    if box.drop is not None:
        _hand_over(box.drop, *files)
    else:
        await _send(box, control, *files[0])
        await _write(control, *files[1])


def _hand_over(drop: Drop, *files: tuple[str, bytes]) -> None:
    try:
        for name, data in files:
            drop.put(name, data)
    except SandboxError as error:
        raise DeliveryRefused(f"{error.sentence} Nothing ran.", hint=error.hint) from error


async def _send(box: Box, control: ControlClient, name: str, data: bytes) -> None:
    """Write a file over the control stream, and compare what comes back."""
    back = "pocketcoder-back"
    replies = await control.ask(
        *_lines(name, data),
        line("load-buffer", "-b", back, f"{IN}/{name}"),
        line("show-buffer", "-b", back),
    )
    if not replies[-1].ok and not _REPLY_END.search(data):
        raise DeliveryRefused(
            "The command's file could not be written in the box; nothing ran.",
            hint="The box's /run may be full.",
        )
    if unvis(b"\n".join(replies[-1].lines)) != data:
        await _verify_by_digest(box, f"{IN}/{name}", data)


async def _write(control: ControlClient, name: str, data: bytes) -> None:
    """Write a file of ours that is not the person's to approve."""
    replies = await control.ask(*_lines(name, data))
    if not replies[-1].ok:
        raise DeliveryRefused("The launcher's file could not be written in the box; nothing ran.")


def _lines(name: str, data: bytes) -> list[bytes]:
    """The buffer's name is the same each time, so nothing has to be cleared away."""
    out = "pocketcoder-out"
    chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
    lines = [line("set-buffer", "-b", out, "--", chunks[0])]
    lines += [line("set-buffer", "-a", "-b", out, "--", chunk) for chunk in chunks[1:]]
    return [*lines, line("save-buffer", "-b", out, f"{IN}/{name}")]


async def _verify_by_digest(box: Box, path: str, command: bytes) -> None:
    """The slow way, for text that looks like the end of a reply."""
    result = await box.exec(["sha256sum", path])
    if result.stdout.split(b" ")[0].decode() != hashlib.sha256(command).hexdigest():
        raise DeliveryRefused("What arrived in the box is not what was approved; nothing ran.")
