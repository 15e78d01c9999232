"""A person at a terminal: tmux runs a program, keys are typed, the screen is read.

Nothing polls: a control-mode client of the same tmux tells when something was drawn.
"""

import asyncio
import contextlib
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

_NUMBERS = itertools.count(1)


class Screen:
    """One tmux server with one pane. Owns both and ends them."""

    def __init__(self, folder: Path, columns: int, rows: int) -> None:
        # A name of its own: a server that was told to end still answers at its socket for a while.
        self._socket = str(folder / f"screen-{next(_NUMBERS)}.sock")
        self._size = (columns, rows)
        self._client: asyncio.subprocess.Process | None = None
        self._drawn = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Run a program in the pane; when it ends, its shell line says with which status."""
        columns, rows = self._size
        # tmux gives the pane its client's PATH, whatever it is told (spawn.c).
        argv = ["env", f"PATH={env['PATH']}", *argv] if "PATH" in env else argv
        words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in argv)
        line = f"{words}; printf '\\nended with %s\\n' $?; exec cat"
        settings = [f"{name}={value}" for name, value in env.items()]
        flags = [word for setting in settings for word in ("-e", setting)]
        self.tmux(
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), *flags),
            *("-c", str(cwd), "-s", "e2e", f"sh -c {_quoted(line)}"),
        )
        self.tmux("set-option", "-g", "escape-time", "0")
        self.tmux("set-option", "-g", "status", "off")
        self._client = await asyncio.create_subprocess_exec(
            *("tmux", "-S", self._socket, "-C", "attach", "-f", "ignore-size", "-t", "e2e"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        self._reader = asyncio.create_task(self._read())

    def tmux(self, *words: str) -> str:
        """Run one tmux command on this server and return what it prints."""
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        if words[0] == "new-session" and done.returncode:
            raise AssertionError(f"tmux did not start: {done.stderr}")
        return done.stdout

    @property
    def text(self) -> str:
        """The screen as a person reads it, trailing spaces gone."""
        return self.tmux("capture-pane", "-p", "-t", "e2e")

    @property
    def pid(self) -> int:
        """The pane's first process (the shell around the program)."""
        return int(self.tmux("display-message", "-p", "-t", "e2e", "#{pane_pid}"))

    @property
    def programs(self) -> list[int]:
        """The process ids of what the pane's shell runs."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in found.stdout.split()]

    def flag(self, name: str) -> str:
        """A tmux format of the pane, for example alternate_on or mouse_any_flag."""
        return self.tmux("display-message", "-p", "-t", "e2e", f"#{{{name}}}").strip()

    def type(self, text: str) -> None:
        """Type text, letter by letter as tmux sends it."""
        self.tmux("send-keys", "-t", "e2e", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Escape, C-y, F1."""
        self.tmux("send-keys", "-t", "e2e", *keys)

    async def until(self, fact: str | Callable[[str], bool], seconds: float = 60) -> str:
        """Wait until the screen shows a text or fulfils a fact; returns the screen.

        Raises AssertionError with the screen when that does not happen in time.
        """
        holds = (lambda text: fact in text) if isinstance(fact, str) else fact
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._drawn.clear()
                    shown = self.text
                    if holds(shown):
                        return shown
                    if self._reader is not None and self._reader.done():
                        raise AssertionError(f"the terminal is gone, waiting for: {fact}")
                    await self._drawn.wait()
        except TimeoutError:
            raise AssertionError(f"never seen: {fact}\n{self.text}") from None

    async def stop(self) -> None:
        """End the server, its pane and our client, and wait until the program let go of all."""
        ends = [_end_of(pid) for pid in self.programs] if self.flag("pane_pid") else []
        self.tmux("kill-server")
        async with asyncio.timeout(30):
            await asyncio.gather(*ends)
        if self._client is not None:
            await self._client.wait()
        if self._reader is not None:
            await self._reader

    async def _read(self) -> None:
        assert self._client is not None
        assert self._client.stdout is not None
        async for _ in self._client.stdout:
            self._drawn.set()
        self._drawn.set()


@contextlib.asynccontextmanager
async def screen(
    folder: Path,
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: Path | None = None,
    size: tuple[int, int] = (120, 36),
) -> AsyncIterator[Screen]:
    """Run a program in a terminal of its own for the length of the block."""
    shown = Screen(folder, *size)
    await shown.start(argv, env, cwd or folder)
    try:
        yield shown
    finally:
        await shown.stop()


def _end_of(pid: int) -> "asyncio.Future[None]":
    """Become done when a process that is no child of ours has ended (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        ended.set_result(None)
        return ended

    def over() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        ended.set_result(None)

    loop.add_reader(handle, over)
    return ended


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
