"""From the key that allows a command to the command's first output on the screen, ledger included.

The whole program runs on a pseudo-terminal of 120×36 with a real box; only the model is scripted,
by a server on this machine. Each command prints a number that its own text does not hold, and the
time runs from the write of ``y`` until that number was drawn. The floor is a bare Textual app on
the same terminal, in turns with it, that draws such a number itself when ``y`` is pressed.

    uv run python bench/approve.py [COMMANDS]

Exits with 1 when the 95th percentile is over 50 ms.
"""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.image import image_tag
from tests.support.gemini_server import KEY, GeminiServer, call, finish, text

LIMIT = 0.050
"""Seconds, at the 95th percentile."""
QUIET = 0.25
"""Seconds without a drawing after which the screen rests."""
WOKEN = 0.7
"""Seconds without a drawing after which a row's first moment is over as well."""
PATIENCE = 60.0
PRIME = 1_000_003
COLOURS = re.compile(rb"\x1b\[[0-9;:?]*[a-zA-Z]")
FLOOR = f"""
from textual.app import App
from textual.widgets import Static
class Floor(App):
    count = 1
    def compose(self):
        yield Static("", id="s")
        yield Static("floor is up")
    def on_key(self, event):
        self.count += 1
        self.query_one("#s").update(str(self.count * {PRIME}))
Floor().run()
"""


class Screen:
    """One program on a pseudo-terminal. Owns both."""

    def __init__(self, argv: list[str], env: Mapping[str, str]) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execve(argv[0], argv, dict(env))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self._seen = b""
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self._seen += os.read(self._fd, 1 << 16)
        if b"\x1b[?2026$p" in self._seen:
            self.write(b"\x1b[?2026;2$y")
            self._seen = self._seen.replace(b"\x1b[?2026$p", b"")
        self._news.set()

    def write(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._fd, data)

    def shows(self, words: str) -> bool:
        """Whether words were drawn."""
        return holds(words)(COLOURS.sub(b"", self._seen))

    def forget(self) -> None:
        """Only what is drawn from now on counts."""
        self._seen = b""

    async def until(self, fact: Callable[[bytes], bool]) -> float:
        """Wait until what was drawn fulfils a fact; returns the moment. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while not fact(COLOURS.sub(b"", self._seen)):
                self._news.clear()
                await self._news.wait()
        return time.perf_counter()

    async def rest(self, seconds: float = QUIET) -> None:
        """Wait until nothing is drawn any more."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._news.clear()
                await asyncio.wait_for(self._news.wait(), seconds)

    async def close(self) -> None:
        """End the program."""
        os.kill(self._pid, signal.SIGTERM)
        ended = asyncio.to_thread(os.waitpid, self._pid, 0)
        await asyncio.wait_for(ended, PATIENCE)
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)


@contextlib.asynccontextmanager
async def shown(argv: list[str], env: Mapping[str, str]) -> AsyncIterator[Screen]:
    """A program for the length of the block."""
    screen = Screen(argv, env)
    try:
        yield screen
    finally:
        await screen.close()


def holds(words: str) -> Callable[[bytes], bool]:
    """A fact: these words were drawn."""
    return lambda seen: words.encode() in seen


async def floor_once(screen: Screen, count: int) -> float:
    """Seconds from a key to its number in the bare app."""
    await screen.rest()
    screen.forget()
    began = time.perf_counter()
    screen.write(b"y")
    return await screen.until(holds(str(count * PRIME))) - began


async def approve_once(screen: Screen, count: int) -> float:
    """Seconds from the key that allows a command to its number."""
    await screen.until(holds(f"$(({count}"))
    await screen.rest(WOKEN)
    while True:  # the focus may be there already, and then ^Y goes back
        screen.forget()
        screen.write(b"\x19")
        await screen.until(lambda seen: b"allow once" in seen or b"^Y decide" in seen)
        await screen.rest()
        if screen.shows("allow once"):
            break
    screen.forget()
    began = time.perf_counter()
    screen.write(b"y")
    return await screen.until(holds(str(count * PRIME))) - began


async def measure(commands: int, folder: Path) -> tuple[list[float], list[float]]:
    """The program's times and the floor's."""
    workspace = folder / "shop"
    workspace.mkdir()
    asks = [
        [call("shell", {"command": f"echo $(({n} * {PRIME}))"}), finish()]
        for n in range(2, commands + 2)
    ]
    async with GeminiServer([*asks, [text("Done."), finish()]]) as server:
        env = {
            **{k: os.environ[k] for k in ("PATH", "DOCKER_HOST") if k in os.environ},
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "POCKETCODER_GEMINI_BASE_URL": server.base_url,
            "GEMINI_API_KEY": KEY,
        }
        ours = [sys.executable, "-m", "pocketcoder_tui", str(workspace)]
        bare = [sys.executable, "-c", FLOOR]
        async with shown(ours, env) as program, shown(bare, env) as floor:
            await floor.until(holds("floor is up"))
            await program.until(holds("box ready"))
            program.write(b"go\r")
            times: tuple[list[float], list[float]] = ([], [])
            for count in range(2, commands + 2):
                times[0].append(await approve_once(program, count))
                times[1].append(await floor_once(floor, count))
            await program.until(holds("Done."))
    async with DockerSandbox(workspace, image=image_tag()) as sandbox:
        await sandbox.remove()
    return times


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def main(commands: int) -> int:
    """Measure and print a table; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        ours, floor = asyncio.run(measure(commands, Path(folder)))
    ratio = statistics.median(ours) / statistics.median(floor)
    print("| from key to first output, ms | median | p95 | most | median over the floor's |")
    print("|---|---:|---:|---:|---:|")
    for name, times in (("PocketCoder", ours), ("a bare Textual app that draws", floor)):
        row = (statistics.median(times), p95(times), max(times))
        own = f"{ratio:.2f}" if times is ours else "1"
        print(f"| {name} |", *(f"{t * 1e3:.1f} |" for t in row), f"{own} |")
    return 0 if p95(ours) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
