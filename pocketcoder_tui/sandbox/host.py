"""What bringing Docker needs of the machine, as an interface with one real implementation."""

import asyncio
import contextlib
import ctypes
import os
import subprocess
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.engine import EngineState, binary, find_engine
from pocketcoder_tui.sandbox.process import HostProcess

__all__ = ["Host", "Ran", "ThisHost"]


class Ran(Protocol):
    """A program under way."""

    def lines(self) -> AsyncGenerator[str, None]:
        """What it prints, line by line."""

    async def wait(self) -> int:
        """Its exit status."""

    @property
    def tail(self) -> str:
        """The last lines it printed."""

    async def __aenter__(self) -> "Ran": ...

    async def __aexit__(self, *exc: object) -> None: ...


class Host(Protocol):
    """The machine that Docker is to run on."""

    uid: int
    """0 for root."""

    def has(self, program: str) -> bool:
        """Whether a program is installed."""

    def exists(self, path: str) -> bool:
        """Whether a path exists."""

    def engine(self) -> EngineState:
        """How the engine stands. Blocking, a few seconds at most."""

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
        """A program to enter; leaving ends it."""

    def spawn(self, argv: Sequence[str], log: Path) -> "asyncio.Future[int]":
        """Start a program that outlives us, its output in ``log``; the future is its end."""

    def changes(self, path: Path) -> AsyncGenerator[None, None]:
        """Yield once now, then whenever something comes into being in a path's folder."""


class ThisHost:
    """The machine we are on."""

    def __init__(self) -> None:
        self.uid = os.geteuid()

    def has(self, program: str) -> bool:
        """Whether a program is installed."""
        return binary(program) is not None

    def exists(self, path: str) -> bool:
        """Whether a path exists."""
        return Path(path).exists()

    def engine(self) -> EngineState:
        """How the engine stands."""
        return find_engine().state

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> HostProcess:
        """A program to enter, with these variables besides our own."""
        return HostProcess(argv, env={**os.environ, **env})

    def spawn(self, argv: Sequence[str], log: Path) -> "asyncio.Future[int]":
        """Start a program in a session of its own, so that it outlives us.

        A daemon thread holds it until it ends: asyncio would kill it together with the loop.
        Raises SandboxError.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                program = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            raise SandboxError(f"Could not start {argv[0]}: {error.strerror}.") from error

        def settle(status: int) -> None:
            if not ended.done():
                ended.set_result(status)

        def hold() -> None:
            status = program.wait()
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, status)

        threading.Thread(target=hold, name=f"hold {argv[0]}", daemon=True).start()
        return ended

    async def changes(self, path: Path) -> AsyncGenerator[None, None]:
        """Yield once now, then whenever something comes into being in a path's folder.

        inotify(7), through the C library. Raises SandboxError when the system has none left.
        """
        folder = path.parent.resolve()
        libc = ctypes.CDLL(None, use_errno=True)
        watch: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), _IN_NEW) < 0:
            why = os.strerror(ctypes.get_errno())
            raise SandboxError(f"Could not watch {folder}: {why}.")
        loop = asyncio.get_running_loop()
        fresh = asyncio.Event()
        loop.add_reader(watch, fresh.set)
        try:
            yield
            while True:
                await fresh.wait()
                fresh.clear()
                with contextlib.suppress(BlockingIOError):
                    os.read(watch, 1 << 16)
                yield
        finally:
            loop.remove_reader(watch)
            os.close(watch)


_IN_NONBLOCK = os.O_NONBLOCK
_IN_CLOEXEC = os.O_CLOEXEC
_IN_NEW = 0x00000100 | 0x00000080 | 0x00000004
"""IN_CREATE, IN_MOVED_TO, IN_ATTRIB: the engine makes its socket, then gives it to its group."""
