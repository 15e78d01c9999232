"""One command in a throw-away container on a throw-away folder: same image, same flags, gone after.

The container bears this process as its owner, so one that a crash left is an orphan, and the next
start removes it (labels.reap_orphans). The folder is filled by whoever uses this.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.trials import Ran
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox

__all__ = ["OUTPUT", "TrialBox"]

OUTPUT = 200_000
"""Bytes of the output that are kept."""
LOOK_EVERY = 0.25
"""Seconds between two looks at the disk: the folder has no limit of its own."""
_GRACE = 10.0
"""Seconds that the engine may take beyond the command's limit."""
_KILLED = 128 + 9

_RUN = rf"""
command=$(mktemp /tmp/try.XXXXXX) && output=$(mktemp /tmp/try.XXXXXX) && cat >"$command" || exit 126
timeout -s KILL "$1" bash -c 'cd -- "$1" || exit 126; . "$2"' try "$2" "$command" \
    >"$output" 2>&1 </dev/null
status=$?
head -c {OUTPUT + 1} -- "$output"
exit "$status"
"""
"""The text is sourced, as in the agent's shell, and may be larger than an argument. What it left
running in the background holds nothing up, because the output is a file."""


class TrialBox:
    """Owns a container, from ``opened`` to its end."""

    def __init__(self, sandbox: DockerSandbox, box: DockerBox, folder: Path) -> None:
        self._sandbox = sandbox
        self._box = box
        self._folder = folder

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, sandbox: DockerSandbox, folder: Path) -> "AsyncIterator[TrialBox]":
        """Start the container; remove it afterwards. Raises SandboxError."""
        try:
            # A start that is given up could still make a container after its removal.
            starting = asyncio.ensure_future(sandbox.ensure())
            try:
                box = await asyncio.shield(starting)
            finally:
                await asyncio.wait({starting})
            yield cls(sandbox, box, folder)
        finally:
            with contextlib.suppress(SandboxError):  # the next start removes it as an orphan
                await sandbox.remove()
            await sandbox.aclose()

    async def run(self, command: str, cwd: str, *, seconds: float, space: int) -> Ran:
        """Run a command to its end or its limit; nothing of it runs on afterwards.

        ``space`` is in bytes, of the disk. Raises SandboxError.
        """
        argv = ["bash", "-c", _RUN, "try", f"{seconds:g}", cwd]
        began = time.monotonic()
        running = asyncio.ensure_future(
            self._box.exec(argv, stdin=command.encode("utf-8"), limit=OUTPUT)
        )
        try:
            ended = await self._watch(running, began + seconds + _GRACE, space)
            await self._sandbox.remove()  # and with it whatever it left running
            result = await _last_words(running)
        finally:
            running.cancel()
        took = time.monotonic() - began
        if not ended and result.status == _KILLED and took >= seconds:
            ended = f"It was ended after {seconds:g} seconds."
        status = None if ended else result.status
        return Ran(status, result.stdout, result.truncated, ended, took)

    async def _watch(self, running: "asyncio.Future[ExecResult]", until: float, space: int) -> str:
        """Wait for the end, and look at the disk meanwhile; says why it has to be ended."""
        before = _free(self._folder)
        while not running.done():
            await asyncio.wait({running}, timeout=LOOK_EVERY)
            if before - _free(self._folder) > space:
                return f"It was ended because it wrote more than {space >> 20} MiB."
            if time.monotonic() > until:
                return "It was ended because it did not come to an end."
        return ""


async def _last_words(running: "asyncio.Future[ExecResult]") -> ExecResult:
    """What a program printed whose container is gone. Raises SandboxError when it was not ours."""
    try:
        return await asyncio.wait_for(running, _GRACE)
    except (TimeoutError, SandboxError):
        return ExecResult(_KILLED, b"", b"")


def _free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize
