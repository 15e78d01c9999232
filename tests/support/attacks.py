"""Commands that try to take the box, or the app behind it, down; and a session that runs them.

The heart beats in the event loop, where the screen is drawn: the longest time between two beats is
how long the screen stood still.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import Terminal
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.flags import Limits
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running

MIB = 1 << 20
LIMITS = Limits(memory=512 * MIB, pids=256, tmp=64 * MIB, home=64 * MIB)
"""Small, so that an attack is at its limit soon."""
BEAT = 0.005
"""Seconds between two beats of the heart."""
NOTHING = "echo nothing"

ATTACKS = {
    "fork bomb": "b() { b | b & }; b",
    "fork bomb that waits": "for i in $(seq 400); do sleep 5 & done 2>/dev/null; wait",
    "memory bomb": "python3 -c 'b = []\nwhile True: b.append(bytearray(1 << 24))'",
    "memory bomb in the shell": "a=x; while :; do a=$a$a; done",
    "memory in /tmp": "head -c 200M /dev/zero >/tmp/a; head -c 200M /dev/zero >/home/agent/b; true",
    "open files": "python3 -c 'import os\nwhile True: os.dup(0)'",
    "many files": "mkdir /tmp/m; cd /tmp/m; seq 200000 | xargs touch 2>/dev/null; cd /workspace",
    "kill everything": "kill -9 -1",
    "kill tmux": "pkill -9 tmux",
    "end of the shell": "exit 7",
    "the shell replaced": "exec sleep 0",
    "title and bell without end": "yes $'\\e]0;title\\a\\a\\e[2J\\e]52;c;aaaa\\a' | head -n 50000",
    "half of a sequence": "printf '\\e]133;'; head -c 1000000 /dev/zero | tr '\\0' x; echo",
    "one line without an end": "head -c 5000000 /dev/zero | tr '\\0' y",
    "random bytes": "head -c 5000000 /dev/urandom",
}
"""Each ends by itself, or by what it runs into."""


def output(megabytes: int) -> str:
    """A command that prints so much."""
    return f"yes {'z' * 99} | head -c {megabytes}000000"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack came to."""

    state: ActionState
    status: int | None
    error: str
    stretch: float
    """Seconds of the longest time between two beats, the beat itself left out."""
    back: float
    """Seconds from the attack's end until the next command had run in the box."""
    next_output: str


class Heart:
    """Beats in the event loop while it is entered."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> "Heart":
        self._last = time.perf_counter()
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last - BEAT)
        self._last = now
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)


class Real:
    """A real box as the session wants it."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self._sandbox = sandbox

    async def ensure(self) -> Box:
        """See boxkeeper.Sandbox."""
        return await self._sandbox.ensure()

    def recheck(self) -> None:
        """See boxkeeper.Sandbox."""

    async def carry(self, box: Box) -> None:
        """See boxkeeper.Sandbox."""

    async def aclose(self) -> None:
        """The test's own sandbox is let go of by the test."""


async def open_terminal(box: Box) -> Terminal:
    """The real terminal."""
    return await TmuxTerminal.open(box)


@contextlib.asynccontextmanager
async def at_work(path: Path, sandbox: DockerSandbox, *commands: str) -> AsyncIterator[Rig]:
    """A session over a real box, whose model asks for one command after the other."""
    rig = Rig(ScriptedModel(*(shell(command) for command in commands), says("done")))
    rig.real, rig.open_terminal = Real(sandbox), open_terminal
    rig.command_limit = 600.0
    async with running(path, rig.model, rig=rig) as made:
        yield made


async def attacked(path: Path, image: str, command: str) -> Outcome:
    """Run an attack, then a command that shows whether the box works."""
    workspace = path / "workspace"
    workspace.mkdir(parents=True, exist_ok=True)
    async with DockerSandbox(
        workspace, image=image, limits=LIMITS, tied=True, hatch=path / "hatch"
    ) as sandbox:
        try:
            async with at_work(path, sandbox, command, "echo still here") as rig:
                return await _attacked(rig)
        finally:
            await sandbox.remove()


async def _attacked(rig: Rig) -> Outcome:
    await rig.session.send("please")
    first = await _row(rig, 1)
    with Heart() as heart:
        await rig.allow(first)
        await _until(rig, lambda: first.execution is not None)
        ended = time.perf_counter()
        second = await _row(rig, 2)
        await rig.allow(second)
        await _until(rig, lambda: second.execution is not None)
        back = time.perf_counter() - ended
    await rig.rest()
    done, after = first.execution, second.execution
    assert done is not None
    assert after is not None
    return Outcome(first.state, done.status, done.error, heart.longest, back, after.output)


async def _row(rig: Rig, number: int) -> Deed:
    def waits() -> list[Deed]:
        return rig.session.transcript.waiting

    def deeds() -> list[Deed]:
        return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]

    await _until(rig, lambda: len(deeds()) >= number and bool(waits()))
    return waits()[0]


async def _until(rig: Rig, fact: Callable[[], bool]) -> None:
    """As Rig.until, for what may take as long as an attack does."""
    while not fact():
        with contextlib.suppress(TimeoutError):
            await rig.until(fact)
