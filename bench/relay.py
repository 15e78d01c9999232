"""A command through the relay against the floor and the usual slower ways, one container, one run.

Run: uv run python bench/relay.py [MEGABYTES]   (of output in the memory test; 1000 takes minutes)
"""

import asyncio
import contextlib
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
POLL = 0.5
"""Seconds between two looks of the poller."""
GROWTH = 50.0
"""MiB by which the host may grow during a long output."""
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


async def flood(terminal: TmuxTerminal, lines: int) -> tuple[float, float]:
    """MB of output that went through the relay, and the seconds it took."""
    start = time.perf_counter()
    async for _ in (await terminal.window()).run(new_id(), f"seq 1 {lines}".encode()):
        pass
    return _size(lines), time.perf_counter() - start


def _size(lines: int) -> float:
    return sum(len(str(n)) + 2 for n in range(1, lines + 1)) / 1e6


async def tmux_s_own(box: DockerBox, lines: int) -> float:
    """MB/s that tmux gives through control mode when nobody looks at what comes."""
    argv = ["tmux", "-L", "own", "-f", "/dev/null", "-C", "new-session", "-x", "120", "-y", "40"]
    stream = await box.open([*argv, f"seq 1 {lines}; exec cat"])
    done = asyncio.Event()
    last = b"%d\\015" % lines
    tail = bytearray()

    def take(data: bytes) -> None:
        tail.extend(data)
        if last in tail:
            done.set()
        del tail[:-64]

    start = time.perf_counter()
    stream.follow(take, done.set)
    await done.wait()
    took = time.perf_counter() - start
    await stream.aclose()
    await box.exec(["tmux", "-L", "own", "kill-server"])
    return _size(lines) / took


async def interrupts(terminal: TmuxTerminal, count: int) -> list[float]:
    """Milliseconds from C-c to a free prompt."""
    window = await terminal.window()
    times = []
    for _ in range(count):
        start = 0.0
        async for item in window.run(new_id(), b"bash -c 'echo ready; exec sleep 100'"):
            if isinstance(item, CommandOutput) and "ready" in item.text and not start:
                start = time.perf_counter()
                await window.interrupt()
        await window.free(lambda held: None)
        times.append((time.perf_counter() - start) * 1000)
    return times


async def beside_a_flood(terminal: TmuxTerminal, count: int) -> list[float]:
    """Milliseconds a command while another window prints without end."""
    window = await terminal.window("flood")
    flooding = asyncio.Event()

    async def pour() -> None:
        async for item in window.run(new_id(), b"yes 'a line of a flood'"):
            if isinstance(item, CommandOutput):
                flooding.set()

    pouring = asyncio.create_task(pour())
    await flooding.wait()
    times = await timed(lambda n: relay(terminal, n), count)
    await window.interrupt()
    await pouring
    return times


def _resident() -> float:
    """MiB of this process in memory now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def memory(terminal: TmuxTerminal, megabytes: int) -> float:
    """MiB by which this process grows, at most, while so much output passes."""
    before = highest = _resident()
    command = f"yes 0123456789abcdef | head -c {megabytes}000000"
    async for _ in (await terminal.window()).run(new_id(), command.encode()):
        highest = max(highest, _resident())
    return highest - before


async def slower_ways(box: DockerBox) -> dict[str, list[float]]:
    """Milliseconds a command of the usual ways."""
    tmux = ["tmux", "-L", "tb"]
    await box.exec([*tmux, "-f", "/dev/null", "new-session", "-d"])

    async def wait_way(number: int) -> None:
        text = f"echo hi{number}; tmux -L tb wait -S done"
        await box.exec([*tmux, "send-keys", text, "Enter"])
        await box.exec(["timeout", "9s", *tmux, "wait", "done"])

    async def poll_way(number: int) -> None:
        await box.exec([*tmux, "send-keys", f"echo hi{number}; echo over{number}", "Enter"])
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await asyncio.Event().wait()
            shown = await box.exec([*tmux, "capture-pane", "-p"])
            if b"\nover%d\n" % number in shown.stdout:
                return

    ways = {
        "docker exec": await timed(lambda n: box.exec(["bash", "-c", f"echo hi{n}"]), SLOW),
        "docker exec + tmux wait": await timed(wait_way, SLOW),
        f"docker exec, looking every {POLL:g} s": await timed(poll_way, 5),
    }
    await box.exec([*tmux, "kill-server"])
    return ways


async def measure(box: DockerBox, megabytes: int) -> int:
    """Measure and print. Returns 1 when a limit is missed."""
    floor = await Floor.open(box)
    terminal = await TmuxTerminal.open(box)
    await timed(floor.run, EACH)
    await timed(lambda n: relay(terminal, n), EACH)
    raw, through = [], []
    for _ in range(ROUNDS):
        raw += await timed(floor.run, EACH)
        through += await timed(lambda n: relay(terminal, n), EACH)
    slow = await slower_ways(box)
    await box.exec(["tmux", "-L", "cm", "kill-server"])
    stops = await interrupts(terminal, SLOW)
    size, seconds = await flood(terminal, FLOOD_LINES)
    own = await tmux_s_own(box, FLOOD_LINES)
    beside = await beside_a_flood(terminal, 100)
    grown = await memory(terminal, megabytes)
    await terminal.aclose()
    base, ours = statistics.median(raw), statistics.median(through)
    alone, waited, *_ = (statistics.median(times) for times in slow.values())
    ratios = (
        ("relay / floor", ours / base, f"at most {FLOOR_LIMIT:g}", ours / base <= FLOOR_LIMIT),
        _faster("docker exec / relay", alone / ours, EXEC_TIMES),
        _faster("docker exec + tmux wait / relay", waited / ours, WAIT_TIMES),
        (
            f"MiB grown during {megabytes} MB of output", grown, f"at most {GROWTH:g}",
            grown <= GROWTH,
        ),
    )  # fmt: skip
    print(f"{os.cpu_count()} cores; medians of {ROUNDS * EACH} and {SLOW} commands\n")
    for name, ratio, limit, good in ratios:
        print(f"{name:<40}{ratio:>8.2f}     {limit}   {'ok' if good else 'MISSED'}")
    print(f"\n{'milliseconds a command':<40}{'median':>8}{'p99':>10}")
    rows = {"floor: raw control mode, typed": raw, "relay: file, verified": through}
    rows |= {"relay, another window flooding": beside, "C-c to a free prompt": stops} | slow
    for name, times in rows.items():
        p99 = sorted(times)[max(int(len(times) * 0.99) - 1, 0)]
        print(f"{name:<40}{statistics.median(times):>8.2f}{p99:>10.2f}")
    rate = size / seconds
    print(f"\noutput: {rate:.2f} MB/s of {size:.1f} MB, tmux's own {own:.2f}: {rate / own:.2f}")
    return 0 if all(good for *_, good in ratios) else 1


def _faster(name: str, ratio: float, least: float) -> tuple[str, float, str, bool]:
    return name, ratio, f"at least {least:g}", ratio >= least


async def main(megabytes: int) -> int:
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
                return await measure(await sandbox.ensure(), megabytes)
            finally:
                await sandbox.remove()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)))
