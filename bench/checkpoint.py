"""What a checkpoint costs, against a plain walk of the same files and against `git status`.

    uv run python -m bench.checkpoint [FILES]

Makes a workspace of so many files (10,000) in folders of 20, changes one, and takes a checkpoint;
again and again, in turn with a walk that only looks (os.scandir, lstat) and with `git status` of
a repository of the same files. The ratios are of the same run. Then the way from a decision to the
dispatch, in a session over a real ledger, with checkpoints and without, in a workspace of 1,000
files. Exits with 1 when a checkpoint of 10,000 files with one change takes 150 ms or more (median).
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running

FILES = 10_000
IN_A_FOLDER = 20
ROUNDS = 30
LIMIT_MS = 150.0
SESSION_FILES = 1_000
ACTIONS = 60
CLEAN = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": os.environ["PATH"]}


def fill(folder: Path, files: int) -> None:
    """Small texts, as in a source tree."""
    for n in range(files):
        place = folder / f"d{n // IN_A_FOLDER}"
        place.mkdir(exist_ok=True, parents=True)
        (place / f"f{n}.py").write_text(f"print({n})\n" * 40)


def walk(folder: Path) -> int:
    """The floor in Python: every entry looked at, nothing else."""
    count, pending = 0, [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                facts = entry.stat(follow_symlinks=False)
                count += 1
                if facts.st_mode & 0o170000 == 0o040000:
                    pending.append(entry.path)
    return count


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", str(folder), *words], env=CLEAN, check=True, stdout=subprocess.DEVNULL
    )


def took(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def show(name: str, values: list[float]) -> None:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"{name:<44} {statistics.median(values):8.1f} {p95:8.1f}")


def of_files(root: Path, files: int) -> float:
    """Checkpoints of a workspace; returns the median for one change, milliseconds."""
    workspace, twin = root / "w", root / "twin"
    fill(workspace, files)
    fill(twin, files)
    git(twin, "init", "-q")
    git(twin, "add", "-A")
    changed, same, walks, status, undone = [], [], [], [], []
    with CheckpointKeeper(workspace, root / "store") as keeper:
        first = took(lambda: keeper.take("first"))
        for n in range(ROUNDS):
            for folder in (workspace, twin):
                (folder / "d7" / f"f{7 * IN_A_FOLDER}.py").write_text(f"changed {n}\n")
            walks.append(took(lambda: walk(workspace)))
            status.append(took(lambda: git(twin, "status", "--porcelain")))
            changed.append(took(lambda: keeper.take("one changed")))
            same.append(took(lambda: keeper.take("nothing changed")))
        for _ in range(5):
            (workspace / "d7" / "more.py").write_text(f"{time.time()}\n")
            plan = keeper.plan()
            undone.append(took(lambda plan=plan: keeper.restore(plan)))
        size = keeper.store.size
    with CheckpointKeeper(workspace, root / "store") as keeper:
        reopened = took(lambda: keeper.take("in a new process"))
    print(f"\n{files:,} files, milliseconds {'median':>21} {'p95':>8}")
    show("plain walk (scandir, lstat)", walks)
    show("git status", status)
    show("checkpoint, one changed", changed)
    show("checkpoint, nothing changed", same)
    show("undo of one file, its checkpoint included", undone)
    print(f"{'first checkpoint':<44} {first:8.1f}")
    print(f"{'first in a new process':<44} {reopened:8.1f}")
    mid = statistics.median
    print(f"one changed: {mid(changed) / mid(walks):.2f} x the walk, "
          f"{mid(changed) / mid(status):.2f} x git status; store {size / 1e6:.1f} MB")  # fmt: skip
    return mid(changed)


async def decisions(root: Path, kept: bool) -> list[float]:
    """Milliseconds from a decision to its dispatch, in a session."""
    model = ScriptedModel(*[shell(f"echo {n}") for n in range(ACTIONS)], says("done"))
    rig = Rig(model)
    rig.checkpointed = kept
    found: list[float] = []
    async with running(root, model, rig=rig) as rig:
        await rig.session.send("go")
        for n in range(ACTIONS):
            await rig.until(lambda: bool(rig.session.transcript.waiting))
            [deed] = rig.session.transcript.waiting
            (root / "workspace" / "d0" / "f0.py").write_text(f"changed {n}\n")
            left = asyncio.Event()

            def heard(event: ev.Event, left: asyncio.Event = left) -> None:
                if isinstance(event, ev.ActionDispatched):
                    left.set()

            unlisten = rig.session.listen(heard)
            began = time.perf_counter()
            await rig.allow(deed)
            await left.wait()
            found.append((time.perf_counter() - began) * 1000)
            unlisten()
            await rig.until(lambda deed=deed: deed.state is ActionState.FINISHED)
    return found


def main() -> int:
    """Measure and print."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        median = of_files(Path(folder), files)
    print(f"\nfrom decision to dispatch, {SESSION_FILES:,} files, ms {'median':>2} {'p95':>8}")
    for kept in (False, True):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            fill(Path(folder) / "workspace", SESSION_FILES)
            values = asyncio.run(decisions(Path(folder), kept))
            show("with checkpoints" if kept else "without", values)
    return int(files <= FILES and median >= LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
