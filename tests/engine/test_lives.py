"""Lives that are killed: a short run of bench/crash.py, and one kill at each named point."""

import random
from pathlib import Path

import pytest

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.ids import new_id
from tests.support.accounting import Account, check, disk_effects
from tests.support.crashing import Told, World, disk_world, one_life

KILLS = 25
OF_RECOVERY = ("asking for: shell", "commit: login", "commit: action_ended")
"""The points that a life passes on its way to settle what the one before left."""
LONGEST = 0.12
"""Seconds within which a kill comes."""


def test_a_hook_is_called_at_every_point_and_none_is_no_hook() -> None:
    reached: list[str] = []
    failpoints.reach("before commit", "nothing")
    failpoints.hook(reached.append)
    failpoints.reach("before commit", "something")
    failpoints.hook(None)
    failpoints.reach("before commit", "nothing")
    assert reached == ["before commit: something"]


def accounted(world: World, told: list[Told]) -> Account:
    account = Account()
    check(world, told, disk_effects(world.state), account)
    return account


def test_killed_at_random_points(tmp_path: Path) -> None:
    draw = random.Random()
    world = disk_world(tmp_path, new_id())
    told: list[Told] = []
    for _ in range(KILLS):
        told.append(one_life(world, seconds=draw.uniform(0, LONGEST)))
        account = accounted(world, told)
        assert account.sound, account
    told.append(one_life(disk_world(tmp_path, world.session_id, turns=1)))
    account = accounted(world, told)
    assert account.sound, account
    assert told[-1].over
    assert account.executed > 0
    assert max(seconds for life in told for seconds in life.settled) < 3


@pytest.mark.parametrize("before", ["", "before dispatch: shell", "done: the box"])
def test_killed_at_each_named_point(tmp_path: Path, before: str) -> None:
    first = disk_world(tmp_path / "points", new_id(), turns=1)
    first.state.mkdir()
    if before:
        one_life(first, point=before)
    points = dict.fromkeys(one_life(first, list_points=True).points)
    assert len(points) > 20
    if before:  # bench/crash.py goes through all the others in this order too
        points = {point: None for point in points if point.endswith(OF_RECOVERY)}
        assert len(points) >= 6
    for n, point in enumerate(points):
        world = disk_world(tmp_path / str(n), new_id(), turns=1)
        world.state.mkdir()
        told = [one_life(world, point=before)] if before else []
        told.append(one_life(world, point=point))
        assert not told[-1].over, f"{point} was not reached"
        told.append(one_life(world))
        account = accounted(world, told)
        assert account.sound, (point, account)
        assert told[-1].over, point
        assert not {"dispatched"} & set(account.ends), point
