"""A command through the relay against the floor and the usual slower ways, one container, one run.

Run: uv run python bench/relay.py
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import ByteStream
from pocketcoder_tui.core.terminal import CommandEnded, CommandOutput
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.image import build_image, image_check, image_tag

FLOOR_LIMIT = 2.0
"""The relay's median over the floor's, at most."""
EXEC_TIMES, WAIT_TIMES = 50.0, 100.0
"""How much faster than one docker exec, and than docker exec with tmux wait, at least."""

ROUNDS = 10
EACH = 40
"""Commands of the floor and of the relay in each round; the two take turns."""
SLOW = 20
FLOOD_LINES = 2_000_000

RC = r"""PS1='\[\e]133;A\a\]$ \[\e]133;B\a\]'
PS0='\e]133;C\a'
__p(){ local s=$?; printf '\e]133;D;%d\a' "$s"; }
PROMPT_COMMAND=__p
"""


class Floor:
    """Raw control mode: keys typed, no file, nothing verified, the end mark waited for."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._held = b""
        self._news = asyncio.Event()
        stream.follow(self._take, self._news.set)

    def _take(self, data: bytes) -> None:
        self._held += data
        self._news.set()

    @classmethod
    async def open(cls, box: DockerBox) -> "Floor":
        """A tmux server of its own beside the relay's."""
        await box.exec(["bash", "-c", "cat >/tmp/rc"], stdin=RC.encode())
        shell = "bash --rcfile /tmp/rc -i"
        argv = ["tmux", "-L", "cm", "-f", "/dev/null", "-C", "new-session", "-x", "120", "-y", "40"]
        floor = cls(await box.open_exec([*argv, shell]))
        await floor.until(b"\\033]133;B")
        return floor

    async def until(self, mark: bytes) -> None:
        """Read up to a mark."""
        while (at := self._held.find(mark)) < 0:
            self._news.clear()
            await self._news.wait()
        self._held = self._held[at + len(mark) :]

    async def run(self, number: int) -> None:
        """Type one command and wait for its end."""
        keys = f"send-keys -l 'echo hi{number}'\nsend-keys Enter\n"
        await self._stream.write(keys.encode())
        await self.until(b"\\033]133;D;")
        await self.until(b"\\007")


async def relay(terminal: TmuxTerminal, number: int) -> None:
    """Run one command, delivered, verified, with its output and status."""
    async for item in (await terminal.window()).run(new_id(), b"echo hi%d" % number):
        if isinstance(item, CommandEnded):
            assert (item.status, item.output) == (0, f"hi{number}\n"), item


async def timed(run: Callable[[int], Awaitable[object]], count: int) -> list[float]:
    """Milliseconds of each."""
    times = []
    for number in range(count):
        start = time.perf_counter()
        await run(number)
        times.append((time.perf_counter() - start) * 1000)
    return times


async def flood(terminal: TmuxTerminal) -> tuple[float, float]:
    """MB of output that went through the relay, and the seconds it took."""
    size = sum(len(str(n)) + 2 for n in range(1, FLOOD_LINES + 1)) / 1e6
    start = time.perf_counter()
    async for _ in (await terminal.window()).run(new_id(), f"seq 1 {FLOOD_LINES}".encode()):
        pass
    return size, time.perf_counter() - start


async def interrupts(terminal: TmuxTerminal, count: int) -> list[float]:
    """Milliseconds from C-c to the command's end."""
    times = []
    for _ in range(count):
        start = 0.0
        async for item in (await terminal.window()).run(
            new_id(), b"bash -c 'echo ready; exec sleep 100'"
        ):
            if isinstance(item, CommandOutput) and "ready" in item.text and not start:
                start = time.perf_counter()
                await (await terminal.window()).interrupt()
        times.append((time.perf_counter() - start) * 1000)
    return times


async def measure(box: DockerBox) -> int:
    """Measure and print. Returns 1 when a limit is missed."""
    floor = await Floor.open(box)
    terminal = await TmuxTerminal.open(box)
    await timed(floor.run, EACH)
    await timed(lambda n: relay(terminal, n), EACH)
    raw, through = [], []
    for _ in range(ROUNDS):
        raw += await timed(floor.run, EACH)
        through += await timed(lambda n: relay(terminal, n), EACH)
    alone = await timed(lambda n: box.exec(["bash", "-c", f"echo hi{n}"]), SLOW)
    tmux = ["tmux", "-L", "tb"]
    await box.exec([*tmux, "-f", "/dev/null", "new-session", "-d"])

    async def wait_way(number: int) -> None:
        text = f"echo hi{number}; tmux -L tb wait -S done"
        await box.exec([*tmux, "send-keys", text, "Enter"])
        await box.exec(["timeout", "9s", *tmux, "wait", "done"])

    waited = await timed(wait_way, SLOW)
    await box.exec([*tmux, "kill-server"])
    await box.exec(["tmux", "-L", "cm", "kill-server"])
    size, seconds = await flood(terminal)
    stops = await interrupts(terminal, SLOW)
    await terminal.aclose()
    base, ours = statistics.median(raw), statistics.median(through)
    ratios = (
        ("relay / floor", ours / base, f"at most {FLOOR_LIMIT:g}", ours / base <= FLOOR_LIMIT),
        _faster("docker exec / relay", statistics.median(alone) / ours, EXEC_TIMES),
        _faster("docker exec + tmux wait / relay", statistics.median(waited) / ours, WAIT_TIMES),
    )
    print(f"{os.cpu_count()} cores; medians of {ROUNDS * EACH} and {SLOW} commands\n")
    for name, ratio, limit, good in ratios:
        print(f"{name:<40}{ratio:>8.2f} x   {limit}   {'ok' if good else 'MISSED'}")
    print(f"\n{'milliseconds a command':<40}{'median':>8}{'p99':>10}")
    rows = {"floor: raw control mode, typed": raw, "relay: file, verified": through}
    rows |= {"docker exec": alone, "docker exec + tmux wait": waited, "C-c to the end": stops}
    for name, times in rows.items():
        p99 = sorted(times)[int(len(times) * 0.99) - 1]
        print(f"{name:<40}{statistics.median(times):>8.2f}{p99:>10.2f}")
    print(f"\n{'output, ' + format(size, '.1f') + ' MB':<40}{size / seconds:>8.2f} MB/s")
    return 0 if all(good for *_, good in ratios) else 1


def _faster(name: str, ratio: float, least: float) -> tuple[str, float, str, bool]:
    return name, ratio, f"at least {least:g}", ratio >= least


async def main() -> int:
    """Measure in a box of its own, on an empty folder."""
    if image_check().state is not CheckState.OK:
        async for _step in build_image():
            pass
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as state:
        hatch = Path(state) / "hatch"
        async with DockerSandbox(
            Path(folder), image=image_tag(), tied=True, hatch=hatch
        ) as sandbox:
            try:
                return await measure(await sandbox.ensure())
            finally:
                await sandbox.remove()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
