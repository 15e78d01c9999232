"""A person's terminal joined to a program in the box, byte for byte, through Docker's API.

What the box sends goes to the terminal raw: the person asked to be there, and the tmux client that
draws runs inside. Of the host's environment only a known TERM goes in.
"""

import contextlib
import os
import select
import signal
import socket
import ssl
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import docker

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.flags import WORKSPACE
from pocketcoder_tui.sandbox.stream import start_exec

__all__ = ["attach", "known_term"]

_CHUNK = 1 << 16

_KNOWN_TERMS = frozenset(
    ["xterm", "xterm-256color", "screen", "screen-256color", "tmux", "tmux-256color", "linux",
     "rxvt", "vt100", "vt220", "ansi"]
)  # fmt: skip
"""What Debian's ncurses-base describes."""

_ENDING = (signal.SIGTERM, signal.SIGHUP)

_MEND = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Mouse, paste and focus reports off, main screen, cursor shown, colours reset: what the client
inside would have undone, had it ended by itself (xterm control sequences)."""


def attach(container_id: str, argv: Sequence[str], *, user: str) -> int:
    """Run a program in the box with this process's terminal as its own; returns its exit status.

    ``user`` is ``uid:gid``. Blocking; call it in the main thread. The terminal is as it was before,
    however this ends; SIGTERM and SIGHUP end it and then reach whoever had them before. Raises
    SandboxError and its subclasses, also when there is no terminal.
    """
    if not (os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())):
        raise SandboxError("Attaching needs a terminal.", hint="Run it in a terminal, not a pipe.")
    api = connect()
    try:
        with translated("attach to the box"):
            made = api.exec_create(
                container_id, list(argv), stdin=True, tty=True, user=user, workdir=WORKSPACE,
                environment={"TERM": known_term(os.environ.get("TERM", ""))},
            )  # fmt: skip
            status = _join(api, str(made["Id"]))
    finally:
        api.close()
    return status


def known_term(term: str) -> str:
    """A terminal type that the box's terminfo knows, the nearest to the given one."""
    if term in _KNOWN_TERMS:
        return term
    return "xterm-256color" if "dumb" not in term else "vt100"


def _join(api: docker.APIClient, exec_id: str) -> int:
    keys, screen = sys.stdin.fileno(), sys.stdout.fileno()
    clean = False
    with _signals() as (woken, ended_by), _raw(keys):
        sock, early = start_exec(api, exec_id, tty=True)
        try:
            joint = _Joint(api, exec_id, sock, keys, screen)
            clean = joint.pump(early, woken, ended_by)
        finally:
            sock.close()
            if not clean:
                _write_all(screen, _MEND)
    if ended_by:
        signal.raise_signal(ended_by[0])
        return 128 + ended_by[0]
    status = api.exec_inspect(exec_id)["ExitCode"]
    return 0 if status is None else int(status)


@dataclass(frozen=True, slots=True)
class _Joint:
    """A terminal and a program's connection."""

    api: docker.APIClient
    exec_id: str
    sock: socket.socket
    keys: int
    screen: int

    def pump(self, early: bytes, woken: socket.socket, ended_by: list[int]) -> bool:
        """Move bytes both ways until the program, the terminal or a signal ends it.

        True when the program ended by itself.
        """
        sock, keys = self.sock.fileno(), self.keys
        sized = self._resize()
        _write_all(self.screen, early)
        typed = b""
        while not ended_by:
            watched = [sock, woken.fileno(), *([] if typed else [keys])]
            # TLS may hold bytes that select does not know of.
            held = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
            ready, _, _ = select.select(watched, [sock] if typed else [], [], 0 if held else None)
            if woken.fileno() in ready:
                woken.recv(_CHUNK)
                sized = self._resize()
            if keys in ready:
                typed = _read(keys)
                if not typed:
                    return False
            shown = _receive(self.sock)
            if shown == b"":
                return True
            if shown:
                # The size is refused until the program has started; its first output is proof.
                sized = sized or self._resize()
                _write_all(self.screen, shown)
            if typed:
                typed = typed[_send(self.sock, typed) :]
        return False

    def _resize(self) -> bool:
        """Give the program the terminal's size; False when it was refused."""
        size = os.get_terminal_size(self.screen)
        try:
            self.api.exec_resize(self.exec_id, height=size.lines or 24, width=size.columns or 80)
        except docker.errors.APIError:
            return False
        return True


def _receive(sock: socket.socket) -> bytes | None:
    """What came; None when that was nothing yet, b"" at the end."""
    try:
        return sock.recv(_CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    except OSError:
        return b""


def _send(sock: socket.socket, data: bytes) -> int:
    try:
        return sock.send(data)
    except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
        return 0


def _read(keys: int) -> bytes:
    try:
        return os.read(keys, _CHUNK)
    except OSError:
        # The terminal was closed (EIO).
        return b""


def _write_all(screen: int, data: bytes) -> None:
    left = memoryview(data)
    with contextlib.suppress(OSError):
        while left:
            left = left[os.write(screen, left) :]


@contextlib.contextmanager
def _raw(keys: int) -> Iterator[None]:
    """The terminal in raw mode inside, as it was before outside."""
    before = termios.tcgetattr(keys)
    try:
        tty.setraw(keys, termios.TCSADRAIN)
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keys, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _signals() -> Iterator[tuple[socket.socket, list[int]]]:
    """A socket that can be read after a signal, and the list of the signals that mean the end."""
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    ended_by: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number in _ENDING:
            ended_by.append(number)
        with contextlib.suppress(BlockingIOError):
            waker.send(b"x")

    before = {number: signal.signal(number, note) for number in (signal.SIGWINCH, *_ENDING)}
    try:
        yield woken, ended_by
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        woken.close()
        waker.close()
