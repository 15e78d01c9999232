"""From nothing to a prompt in the box, against a container with the same flags that runs `true`.

Both are made, started and removed in turns in one run. The box's way: the container, its look from
inside, the terminal's server and its first window at a prompt. The floor: the same container made
and started with `true`, until it ended. At rest: the memory of the box's own cgroup, file pages
that the kernel can drop left out, once the prompt is there.

    uv run python -m bench.box [TIMES]

Exits with 1 when the median is over 1.5 floors, or the box at rest takes over 10 MB.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import docker

from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox import flags
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.image import image_folder, image_tag

RATIO, MEGABYTES = 1.5, 10.0
_INACTIVE = ("total_inactive_file", "inactive_file")


def floor_once(api: docker.APIClient, workspace: Path) -> float:
    """Seconds for the same container, made anew, to run `true`."""
    config = flags.container_flags(
        workspace,
        image=image_tag(),
        user=flags.BoxUser.of(workspace),
        limits=flags.Limits(),
        seccomp=(image_folder() / "seccomp.json").read_text(encoding="utf-8"),
    )
    began = time.perf_counter()
    made = api.create_container_from_config({**config, "Cmd": ["true"]})["Id"]
    api.start(made)
    api.wait(made)
    took = time.perf_counter() - began
    api.remove_container(made, force=True)
    return took


async def box_once(workspace: Path) -> tuple[float, float]:
    """Seconds from nothing to a prompt, and the megabytes of the box at rest."""
    async with DockerSandbox(
        workspace, image=image_tag(), hatch=workspace.parent / "in"
    ) as sandbox:
        began = time.perf_counter()
        box = await sandbox.ensure()
        terminal = await TmuxTerminal.open(box)
        window = await terminal.window()
        await window.free(lambda _: None)
        took = time.perf_counter() - began
        stats = await asyncio.to_thread(_memory, box.id)
        await terminal.aclose()
        await sandbox.remove()
    return took, stats


def _memory(container: str) -> float:
    api = connect()
    try:
        told: dict[str, Any] = api.stats(container, stream=False)["memory_stats"]
    finally:
        api.close()
    dropped = next((told["stats"][n] for n in _INACTIVE if n in told["stats"]), 0)
    return (float(told["usage"]) - dropped) / 1e6


async def measure(times: int) -> tuple[list[float], list[float], list[float]]:
    """The box's times, the floor's, and the memory."""
    api = connect()
    ours, floor, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "shop"
        workspace.mkdir()
        for n in range(times + 1):
            bare = await asyncio.to_thread(floor_once, api, workspace)
            took, megabytes = await box_once(workspace)
            if n:  # the first of each warms the disk
                floor.append(bare)
                ours.append(took)
                memory.append(megabytes)
    api.close()
    return ours, floor, memory


def main(times: int) -> int:
    """Measure and print a table; the exit status."""
    ours, floor, memory = asyncio.run(measure(times))
    ratio = statistics.median(ours) / statistics.median(floor)
    print("| from nothing, ms | median | least | most | over the floor |")
    print("|---|---:|---:|---:|---:|")
    for name, seen, own in (("a prompt in the box", ours, f"{ratio:.2f}"), ("`true`", floor, "1")):
        row = (statistics.median(seen), min(seen), max(seen))
        print(f"| {name} |", *(f"{t * 1e3:.0f} |" for t in row), f"{own} |")
    print(f"\nat rest {statistics.median(memory):.1f} MB")
    return 0 if ratio <= RATIO and statistics.median(memory) <= MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
