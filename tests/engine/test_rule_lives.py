"""A rule for the next N under kill -9: it decides N at most, and each happens once at most."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import DecidedBy, Outcome
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.rules import KeptRule, PastAction
from pocketcoder_tui.gatekeeper.rules import Command, Scope, Terms, kept
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import examine
from tests.engine.fakes import FakeBox, FakeSandbox
from tests.support.crashing import World, disk_world, one_life

USES = 6
KILLS = 12
WORK = Command(("make", "test"), "/workspace")
POINTS = (
    "before commit: action_decided",
    "after commit: action_decided",
    "before commit: action_dispatched",
    "after commit: action_dispatched",
    "before dispatch: fresh process",
    "claimed: fresh process",
    "done: fresh process",
    "after dispatch: fresh process",
    "before commit: action_ended",
)


class DiskBox(FakeBox):
    """Runs a claimed command by adding a line to a file of its id: the claim is a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(exist_ok=True)

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limit: int = 4_000_000,
        heard: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        here = self._folder / argv[5]
        try:
            here.mkdir()
        except FileExistsError:
            over = (here / "status").exists()
            return ExecResult(100 if over else 4, b"0\nout\n" if over else b"", b"")
        if "make" not in argv:
            return ExecResult(3, b"", b"")
        failpoints.reach("claimed", "fresh process")
        with (here / "effect").open("ab") as effect:
            effect.write(b"ran\n")
        failpoints.reach("done", "fresh process")
        (here / "status").write_text("0")
        return ExecResult(0, b"0\nout\n", b"")


def world_of(state: Path) -> World:
    """A world in which the model asks for the same command again and again."""
    state.mkdir(parents=True, exist_ok=True)
    world = disk_world(state, new_id())
    box = state / "fresh"
    return replace(world, sandbox=lambda: FakeSandbox(DiskBox(box)), command=lambda: "make test")


async def give(world: World) -> None:
    made = kept("six", Outcome.ALLOW, WORK, Terms(Scope.USES, USES), now=1.0, by="ada")
    async with await SqliteLedger.open(world.ledger) as ledger:
        await ledger.rules.add(made)


def accounted(world: World) -> tuple[int, int]:
    """What a rule decided, and what ran by it; whatever must always hold is held."""

    async def read() -> tuple[list[KeptRule], list[PastAction]]:
        async with await SqliteLedger.open(world.ledger) as ledger:
            return await ledger.rules.all(), await ledger.rules.past()

    [rule], past = asyncio.run(read())
    examine(world.ledger)
    by_rule = {one.action.id for one in past if one.by is DecidedBy.RULE}
    effects = {p.parent.name: p.read_text() for p in (world.state / "fresh").glob("*/effect")}
    assert set(effects.values()) <= {"ran\n"}, "something ran twice"
    assert set(effects) <= by_rule, "something ran by no decision of the rule"
    assert rule.used == len(by_rule) <= USES
    return rule.used, len(effects)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point(tmp_path: Path, point: str) -> None:
    world = world_of(tmp_path / "w")
    asyncio.run(give(world))
    told = one_life(world, point=point)
    assert not told.over, f"{point} was not reached"
    accounted(world)
    assert one_life(replace(world, turns=6)).over
    assert accounted(world)[0] == USES


def test_killed_at_random(tmp_path: Path) -> None:
    draw = random.Random()
    world = world_of(tmp_path / "w")
    asyncio.run(give(world))
    for _ in range(KILLS):
        one_life(world, seconds=draw.uniform(0, 0.1))
        accounted(world)
    assert one_life(replace(world, turns=6)).over
    used, ran = accounted(world)
    assert used == USES
    assert ran > 0
