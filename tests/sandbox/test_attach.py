"""A person's real terminal joined to a program in the box."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pocketcoder_tui.sandbox.attach import known_term
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox

PROGRAM = (
    "import os, sys\n"
    "from pocketcoder_tui.core.errors import SandboxError\n"
    "from pocketcoder_tui.sandbox.attach import attach\n"
    "try:\n"
    "    sys.exit(attach(sys.argv[1], sys.argv[3:], user=sys.argv[2]))\n"
    "except SandboxError as error:\n"
    "    print('REFUSED', error.sentence)\n"
    "    sys.exit(99)\n"
)


@dataclass
class Terminal:
    """A pseudo terminal with a process in it."""

    side: int
    process: subprocess.Popen[bytes]
    before: list[object]
    shown: bytes = b""
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        os.set_blocking(self.side, False)
        asyncio.get_running_loop().add_reader(self.side, self._read)

    def _read(self) -> None:
        try:
            self.shown += os.read(self.side, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.side)
        self._fresh.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.shown:
                self._fresh.clear()
                await self._fresh.wait()

    def type(self, keys: bytes) -> None:
        os.write(self.side, keys)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    async def status(self) -> int:
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait), 20)

    def modes(self) -> list[object]:
        return list(termios.tcgetattr(self.side))


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Terminals that a test opened; closed afterwards."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.side)


def _open(
    terminals: list[Terminal], box: DockerBox, *argv: str, size: tuple[int, int] = (91, 27)
) -> Terminal:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    before = list(termios.tcgetattr(ours))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, box.id, box.user, *argv],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "TERM": "xterm-kitty", "SECRET_OF_HOST": "x"},
    )  # fmt: skip
    os.close(theirs)
    terminal = Terminal(ours, process, before)
    terminals.append(terminal)
    terminal.start()
    return terminal


@pytest.mark.docker
async def test_keys_go_in_output_comes_out_and_the_status_is_returned(
    box: DockerBox, terminals: list[Terminal]
) -> None:
    terminal = _open(terminals, box, "env", "PS1=ready> ", "bash", "--norc")
    await terminal.until(b"ready> ")

    terminal.type(b"echo $((6*7)) $TERM ${SECRET_OF_HOST-none}; tty\r")
    await terminal.until(b"42 xterm-256color none")
    await terminal.until(b"/dev/pts/")
    terminal.type(b"exit 5\r")

    assert await terminal.status() == 5
    assert terminal.modes() == terminal.before


@pytest.mark.docker
async def test_the_size_is_right_at_the_start_and_follows(
    box: DockerBox, terminals: list[Terminal]
) -> None:
    terminal = _open(terminals, box, "env", "PS1=ready> ", "bash", "--norc", size=(91, 27))
    await terminal.until(b"ready> ")
    terminal.type(b"stty size\r")
    await terminal.until(b"27 91")

    terminal.type(b"trap 'echo now $(stty size)' WINCH; echo set-$((1+1))\r")
    await terminal.until(b"set-2")
    terminal.resize(133, 44)
    terminal.type(b"\r")

    await terminal.until(b"now 44 133")
    terminal.type(b"exit\r")
    assert await terminal.status() == 0


@pytest.mark.docker
async def test_the_terminal_is_raw_inside_and_control_c_reaches_the_box(
    box: DockerBox, terminals: list[Terminal]
) -> None:
    terminal = _open(terminals, box, "env", "PS1=ready> ", "bash", "--norc")
    await terminal.until(b"ready> ")
    terminal.type(b"sleep 1000; echo interrupted=$?\r")
    await terminal.until(b"sleep 1000")
    while (await box.exec(["pgrep", "-f", "^sleep 1000$"])).status:
        pass

    terminal.type(b"\x03")
    terminal.type(b"echo back=$?\r")

    await terminal.until(b"back=130")
    terminal.type(b"exit\r")
    assert await terminal.status() == 0


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_the_terminal_is_restored_after_a_signal(
    number: signal.Signals, box: DockerBox, terminals: list[Terminal]
) -> None:
    terminal = _open(terminals, box, "sh", "-c", r"printf '\033[?1049hin'; exec cat")
    await terminal.until(b"in")
    assert terminal.modes() != terminal.before

    terminal.process.send_signal(number)

    assert await terminal.status() == -number
    assert terminal.modes() == terminal.before
    await terminal.until(b"\x1b[?1049l")


@pytest.mark.docker
async def test_the_terminal_is_restored_when_the_box_goes_away(
    sandbox: DockerSandbox, box: DockerBox, terminals: list[Terminal]
) -> None:
    terminal = _open(terminals, box, "sh", "-c", "echo ready; exec cat")
    await terminal.until(b"ready")

    await sandbox.remove()

    assert await terminal.status() != 0
    assert terminal.modes() == terminal.before


@pytest.mark.docker
async def test_tmux_can_be_attached_and_detached(box: DockerBox, terminals: list[Terminal]) -> None:
    tmux = ["tmux", "-u", "-S", "/run/pocketcoder/test.sock"]
    assert (await box.exec([*tmux, "new-session", "-d", "-s", "s", "cat"])).status == 0
    # Keys less than 1 ms apart are a paste for tmux, and a paste holds no detach key.
    await box.exec([*tmux, "set-option", "-g", "assume-paste-time", "0"])
    terminal = _open(terminals, box, *tmux, "attach", "-t", "s")
    await terminal.until(b"[s]")
    terminal.type("typed: grüße\r".encode())
    await terminal.until("typed: grüße".encode())

    terminal.type(b"\x02d")

    assert await terminal.status() == 0
    assert b"\x1b[?1049l" in terminal.shown
    assert (await box.exec([*tmux, "has-session", "-t", "s"])).status == 0


@pytest.mark.docker
async def test_much_output_comes_through_whole(box: DockerBox, terminals: list[Terminal]) -> None:
    terminal = _open(terminals, box, "sh", "-c", "seq 100000; echo over")

    assert await terminal.status() == 0
    await terminal.until(b"over")
    numbers = [int(line) for line in terminal.shown.split() if line.isdigit()]
    assert numbers == list(range(1, 100001))


@pytest.mark.docker
async def test_without_a_terminal_it_is_refused_in_a_sentence(box: DockerBox) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, box.id, box.user, "true",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()

    assert out == b"REFUSED Attaching needs a terminal.\n"


@pytest.mark.parametrize(
    ("term", "known"),
    [("xterm", "xterm"), ("xterm-ghostty", "xterm-256color"), ("", "xterm-256color"),
     ("dumb", "vt100"), ("linux", "linux"), ("a\nb", "xterm-256color")],
)  # fmt: skip
def test_only_terminal_types_that_the_box_knows_go_in(term: str, known: str) -> None:
    assert known_term(term) == known
