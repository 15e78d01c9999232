"""A program on the host whose output is read as it comes and whose end is certain."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence

from pocketcoder_tui.core.errors import SandboxError

__all__ = ["HostProcess"]

_TAIL = 12
"""Lines kept for the sentence about a failure."""

_GRACE_SECONDS = 5.0
"""How long a program may take to end after SIGTERM."""


class HostProcess:
    """One running program in a process group of its own. Owns the process; ends it on exit."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, stdout: int = -1
    ) -> None:
        """``stdout`` is a descriptor for its standard output; -1 reads it with the errors."""
        self._argv = list(argv)
        self._env = dict(env) if env is not None else None
        self._stdout = stdout
        self._process: asyncio.subprocess.Process | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL)

    async def __aenter__(self) -> "HostProcess":
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._stdout if self._stdout >= 0 else asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE if self._stdout >= 0 else asyncio.subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
                limit=1 << 20,
            )
        except OSError as error:
            sentence = f"Could not start {self._argv[0]}: {error.strerror}."
            raise SandboxError(sentence) from error
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.end()

    @property
    def tail(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._tail)

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield what it prints, line by line, until it ends."""
        process = self._running()
        reader = process.stderr if self._stdout >= 0 else process.stdout
        if reader is None:
            raise SandboxError(f"{self._argv[0]} has no output to read.")
        async for raw in reader:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                self._tail.append(line)
                yield line

    async def wait(self) -> int:
        """Wait until it ended; returns its exit status."""
        return await self._running().wait()

    async def end(self) -> None:
        """End it and what it started, if it still runs."""
        process = self._running()
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None:
                return
            try:
                os.killpg(process.pid, sent)
            except ProcessLookupError:
                pass
            except PermissionError:
                # A program that sudo runs for us belongs to root; sudo passes a signal on when
                # its own parent, this process, sends it to sudo alone.
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
            except TimeoutError:
                continue

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise SandboxError(f"{self._argv[0]} was not started.")
        return self._process
