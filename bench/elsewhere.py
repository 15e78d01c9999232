"""An engine elsewhere: what carrying a workspace costs, what ssh costs, and many boxes at once.

The floor of carrying is what nobody can do without: of a look, find(1) in the same box; of the
first time, tar(1) in and out of it. Of ssh it is the same program over the engine's own socket.

    uv run python -m bench.elsewhere [TIMES]

Needs an sshd on this machine (Debian: openssh-server), which it starts on the loopback itself.
"""

import asyncio
import io
import os
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.box import _memory
from pocketcoder_tui.core.hiding import Hiding
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.elsewhere import listing
from pocketcoder_tui.sandbox.elsewhere.tunnel import close_all
from pocketcoder_tui.sandbox.image import image_tag
from tests.support.sshd import Sshd

FILES = (1_000, 10_000)
BOXES = (1, 4, 8)


async def timed(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Median seconds of something that is done again and again."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def fill(folder: Path, files: int) -> bytes:
    """Make files of some 2 KB, 100 in a folder; returns the same as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(files):
            path = folder / f"d{number // 100}" / f"f{number}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"line {number}\n" * 150)
            tar.add(path, str(path.relative_to(folder)))
    return buffer.getvalue()


def sandbox(workspace: Path, state: Path) -> DockerSandbox:
    """A box that is carried to."""
    return DockerSandbox(
        workspace, image=image_tag(), tied=True, carried=state / "carried",
        masks=state / "masks", hiding=Hiding(),
    )  # fmt: skip


async def carry(files: int, times: int, folder: Path) -> None:
    """Rows about one workspace."""
    workspace, state = folder / f"w{files}", folder / f"s{files}"
    workspace.mkdir()
    archive = fill(workspace, files)
    async with sandbox(workspace, state) as made:
        box = await made.ensure()
        began = time.perf_counter()
        await box.exec(["tar", "-xf", "-", "-C", "/tmp"], stdin=archive)
        there = time.perf_counter() - began
        began = time.perf_counter()
        await made.carry(box)
        first = time.perf_counter() - began
        look = await timed(lambda: box.exec(listing.LIST, limit=1 << 28), times)
        still = await timed(lambda: made.carry(box), times)
        changed = workspace / "d0" / "f0.txt"
        numbers = iter(range(10**6))

        async def sent() -> None:
            changed.write_text(f"the person's {next(numbers)}\n")
            await made.carry(box)

        async def brought() -> None:
            await box.exec(["sh", "-c", f"echo the agent {next(numbers)} >d1/f100.txt"])
            await made.carry(box)

        one, other = await timed(sent, times), await timed(brought, times)
        await made.remove()
    row(f"{files:,} files, the first time", first, there, "tar into the box")
    row(f"{files:,} files, nothing changed", still, look, "find in the box")
    row(f"{files:,} files, one changed here", one, look, "find in the box")
    row(f"{files:,} files, one changed there", other, look, "find in the box")


def row(what: str, took: float, floor: float, name: str) -> None:
    """One line of the table."""
    print(f"| {what} | {took * 1e3:.0f} | {floor * 1e3:.0f} | {name} | {took / floor:.2f} |")


async def over_ssh(times: int, folder: Path) -> None:
    """The same program over the socket and over ssh to this machine."""
    workspace = folder / "ssh"
    workspace.mkdir()
    async with DockerSandbox(workspace, image=image_tag(), tied=True) as near:
        box = await near.ensure()
        with Sshd(folder / "far") as far:
            os.environ["PATH"] = f"{far.program_folder()}:{os.environ['PATH']}"
            os.environ["DOCKER_HOST"] = far.url
            try:
                async with DockerSandbox(workspace, image=image_tag(), tied=True) as other:
                    began = time.perf_counter()
                    there = await other.ensure()
                    opened = time.perf_counter() - began
                    pairs = [(await timed_exec(box, 1), await timed_exec(there, 1))
                             for _ in range(times)]  # fmt: skip
            finally:
                del os.environ["DOCKER_HOST"]
                close_all()
        await near.remove()
    direct, tunnelled = (statistics.median(side) for side in zip(*pairs, strict=True))
    row("a program in the box over ssh", tunnelled, direct, "over the socket")
    print(f"\nssh to a box that runs, tunnel and look included: {opened * 1e3:.0f} ms.")


async def timed_exec(box: DockerBox, times: int) -> float:
    """Median seconds of a program that does nothing."""
    return await timed(lambda: box.exec(["true"]), times)


async def side_by_side(folder: Path) -> None:
    """Many boxes, started at once."""
    print("\n| boxes at once | s until all are there | s for each | MB at rest for each |")
    print("|---:|---:|---:|---:|")
    for number in BOXES:
        made = []
        for n in range(number):
            workspace = folder / f"side{number}-{n}"
            workspace.mkdir()
            (workspace / "readme.txt").write_text("hello\n")
            made.append(sandbox(workspace, folder / f"state{number}-{n}"))

        async def start(one: DockerSandbox) -> DockerBox:
            box = await one.ensure()
            await one.carry(box)
            return box

        began = time.perf_counter()
        boxes = await asyncio.gather(*map(start, made))
        took = time.perf_counter() - began
        memory = [await asyncio.to_thread(_memory, box.id) for box in boxes]
        for one in made:
            await one.remove()
            await one.aclose()
        print(f"| {number} | {took:.2f} | {took / number:.2f} | {statistics.median(memory):.1f} |")


async def measure(times: int) -> None:
    """All of it."""
    print("| what | ms | floor, ms | the floor | ratio |")
    print("|---|---:|---:|---|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for files in FILES:
            await carry(files, times, folder)
        await over_ssh(times, folder)
        await side_by_side(folder)


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
