"""Killed at any point of a checkpoint or an undo: the store is whole, the workspace explainable."""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.checkpoints import CheckpointKind
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from pocketcoder_tui.sandbox.checkpoints.objects import EMPTY_TREE
from pocketcoder_tui.sandbox.checkpoints.pruning import reachable
from tests.sandbox.trees import Entry, change, grow, picture

KILLS = 25


def child(work: Callable[[], object], hook: failpoints.Hook | None, seconds: float = 0.0) -> int:
    """Do something in a forked process; returns how it ended (0, or minus a signal)."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            failpoints.hook(hook)
            if seconds:
                signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
                signal.setitimer(signal.ITIMER_REAL, seconds)
            work()
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    _, code = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(code)


class Place:
    """A workspace with its store."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.workspace = folder / "w"
        self.workspace.mkdir(parents=True)
        self.store = folder / "store"
        self.chance = random.Random(seed)
        grow(self.workspace, self.chance, 40)

    def keeper(self) -> CheckpointKeeper:
        return CheckpointKeeper(self.workspace, self.store)

    def take(self) -> int:
        with self.keeper() as keeper:
            return keeper.take("next").number

    def undo(self, number: int) -> None:
        with self.keeper() as keeper:
            assert keeper.restore(keeper.plan(number)).left == ()
            keeper.settled()

    def whole(self) -> None:
        """Everything that a checkpoint names can be read."""
        with self.keeper() as keeper:
            keeper.open()
            found = set[bytes]()
            for entry in keeper.entries():
                reachable(keeper.store, bytes.fromhex(entry.tree), found)
            for id_ in found - {EMPTY_TREE}:
                try:
                    keeper.store.blob(id_)
                except CheckpointError:
                    keeper.store.tree(id_)
            assert not [p for p in self.store.rglob("*") if p.name.startswith("tmp-")]


def points_of(work: Callable[[], object]) -> list[str]:
    """The points that something passes, in a process that is not killed."""
    read, write = os.pipe()

    def note(point: str) -> None:
        os.write(write, f"{point}\n".encode())

    assert child(work, note) == 0
    os.close(write)
    with open(read) as file:
        return file.read().split("\n")[:-1]


def test_a_checkpoint_that_is_killed_at_each_point(tmp_path: Path) -> None:
    place = Place(tmp_path, 1)
    place.take()
    change(place.workspace, place.chance)
    (place.workspace / "always").write_text("new")
    points = points_of(place.take)
    assert len(set(points)) >= 6, points
    for n, point in enumerate(points):
        (place.workspace / "always").write_text(f"new {n}")
        before = picture(place.workspace)
        assert child(place.take, failpoints.killer(point)) == -signal.SIGKILL
        assert picture(place.workspace) == before
        place.whole()
        number = place.take()
        (place.workspace / "always").unlink()
        place.undo(number)
        assert picture(place.workspace) == before


def states_between(
    now: dict[bytes, Entry], before: dict[bytes, Entry], target: dict[bytes, Entry]
) -> list[bytes]:
    """The paths that are neither as they were nor as they are to be, our own file apart."""
    odd = []
    for path, entry in now.items():
        if b".pocketcoder." in path or entry in (before.get(path), target.get(path)):
            continue
        folder = (path in before and path in target) or entry[1] == b""
        if not (folder and entry[0] & 0o170000 == 0o040000):
            odd.append(path)
    lost = [p for p in before.keys() & target.keys() if p not in now and before[p] == target[p]]
    return odd + lost


def test_an_undo_that_is_killed_at_each_point(tmp_path: Path) -> None:
    place = Place(tmp_path, 2)
    target = picture(place.workspace)
    number = place.take()
    for _ in range(12):
        change(place.workspace, place.chance)
    changed = picture(place.workspace)
    points = points_of(lambda: place.undo(number))
    steps = points.count("before change: undo")
    assert steps > 5
    assert "before rename: undo" in points
    times = {point: points.count(point) for point in points if point.endswith("undo")}
    for point, count in times.items():
        for nth in range(1, count + 1):
            bring(place, changed)
            assert child(lambda: place.undo(number), failpoints.killer(point, nth)) == -9
            explain(place, number, changed, target)


def bring(place: Place, wanted: dict[bytes, Entry]) -> None:
    """Go to the checkpoint whose picture is wanted; the newest such one."""
    with place.keeper() as keeper:
        numbers = [e.number for e in keeper.entries() if e.kind is CheckpointKind.UNDO]
    for number in reversed(numbers):
        place.undo(number)
        if picture(place.workspace) == wanted:
            return
    raise AssertionError("no checkpoint holds what was there before the undo")


def explain(
    place: Place, number: int, before: dict[bytes, Entry], target: dict[bytes, Entry]
) -> None:
    """After a kill: nothing is lost, the undo can be finished, and it can be undone."""
    now = picture(place.workspace)
    assert states_between(now, before, target) == []
    place.whole()
    with place.keeper() as keeper:
        cut = keeper.unfinished()
        if now not in (before, target):
            assert cut is not None
            assert cut[1] == number
    place.undo(number)
    assert picture(place.workspace) == target
    if cut is not None:
        place.undo(cut[0])
        assert picture(place.workspace) == before


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    place = Place(tmp_path, 100 + seed)
    target = picture(place.workspace)
    number = place.take()
    for _ in range(15):
        change(place.workspace, place.chance)
    before = picture(place.workspace)
    kept = place.take()
    draw = random.Random()
    killed = 0
    began = time.perf_counter()
    place.undo(number)  # not in a fork: the copy and the end of a large process take longer
    longest = time.perf_counter() - began
    for _ in range(KILLS):
        place.undo(kept)
        assert picture(place.workspace) == before
        ended = child(lambda: place.undo(number), None, draw.uniform(0.0005, longest))
        assert ended in (0, -signal.SIGKILL)
        killed += ended != 0
        explain(place, number, before, target)
    assert killed


def test_pruning_that_is_killed_at_each_point(tmp_path: Path) -> None:
    place = Place(tmp_path, 3)
    for n in range(6):
        (place.workspace / f"f{n}").write_text(f"{n}")
        place.take()

    def forget_some() -> None:
        with place.keeper() as keeper:
            keeper.open()
            keeper._days = 1
            newest = keeper._entries[-1].number
            old = [e for e in keeper._entries if e.number < newest - 2]
            keeper._entries[: len(old)] = [replace(e, at=0.0) for e in old]
            keeper.prune(forget=["an action of a deleted session"])

    points = points_of(forget_some)
    assert points
    for point in dict.fromkeys(points):
        for n in range(4):
            (place.workspace / f"{point.replace(' ', '-')}-{n}").write_text("x")
            place.take()
        assert child(forget_some, failpoints.killer(point)) == -9
        place.whole()
        before = picture(place.workspace)
        last = place.take()
        (place.workspace / "f1").unlink()
        place.undo(last)
        assert picture(place.workspace) == before
