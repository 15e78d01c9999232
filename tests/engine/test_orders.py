"""The command runs after its answer, once, in every order of answers, changes, stops and crashes.

A checker of the real engine over a real ledger: every order of three steps, and long random walks
in which steps are taken while the ones before are still under way. What the box was given is then
compared with what the ledger says was decided.
"""

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.terminal import CommandEnded, Found, NeverStarted
from pocketcoder_tui.core.transcript import Deed
from tests.engine.fakes import FakeTerminal, ScriptedModel, says, shell
from tests.engine.rig import Rig, running

COMMANDS = ("one", "cd /workspace/sub", "two")
STEPS = (
    "allow 0", "allow 1", "allow 2", "deny 0", "edit 0", "edit 2", "undo", "stop", "crash",
)  # fmt: skip
WALKS = int(os.environ.get("POCKETCODER_WALKS", "40"))
"""Random walks; CONTRIBUTING.md tells how to take more."""
LENGTH = 12


class Box(FakeTerminal):
    """Outlives the program, and remembers what it ran."""

    async def find(self, action_id: str) -> Found:
        if action_id in dict(self.ran):
            return CommandEnded(0, "found", 0, 0.1, self.main.cwd)
        return NeverStarted()

    async def aclose(self) -> None:
        return None


class Story:
    """One session through its lives."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self.chance = chance
        self.box = Box()
        self.session_id = ""
        self.edits = 0

    async def life(self, steps: Sequence[str], *, side_by_side: bool) -> Sequence[str] | None:
        """Take steps until a crash; returns what is left, or None when all is over."""
        model = ScriptedModel(*([] if self.session_id else [shell(*COMMANDS)]))
        model.steps += [says("done")] * 20
        rig = Rig(model)
        rig.terminal = self.box
        under_way: list[asyncio.Task[None]] = []
        async with running(self.path, model, rig=rig, resume=self.session_id) as rig:
            if not self.session_id:
                self.session_id = rig.session.transcript.session_id or await self.begin(rig)
            rest: list[str] | None = list(steps)
            while rest:
                step = rest.pop(0)
                if step == "crash":
                    break
                task = asyncio.ensure_future(self.take(rig, step))
                under_way.append(task)
                for _ in range(self.chance.randrange(1, 5)):
                    await asyncio.wait([task], timeout=0 if side_by_side else 10)
            else:
                rest = None
                await self.finish(rig, under_way)
            for task in under_way:
                task.cancel()
            if under_way:
                await asyncio.wait(under_way)
        return rest

    async def begin(self, rig: Rig) -> str:
        await rig.session.send("please")
        await rig.waiting(len(COMMANDS))
        return rig.session.transcript.session_id

    async def take(self, rig: Rig, step: str) -> None:
        """One step; one that comes too late is refused, and that is well."""
        name, _, number = step.partition(" ")
        session = rig.session
        work: Callable[[], Awaitable[object]]
        if name == "stop":
            work = session.stop
        elif name == "undo":
            work = session.review.undo
        else:
            deed = newest(rig, int(number))
            if deed is None:
                return
            self.edits += 1
            text = f"edited {self.edits}"
            answers: dict[str, Callable[[], Awaitable[object]]] = {
                "allow": lambda: session.decide(deed.id, Outcome.ALLOW),
                "deny": lambda: session.decide(deed.id, Outcome.DENY, "no"),
                "edit": lambda: session.review.edit(deed.id, text),
            }
            work = answers[name]
        try:
            await work()
        except PocketCoderError:
            return

    async def finish(self, rig: Rig, under_way: Sequence[asyncio.Task[None]]) -> None:
        """Let everything come to its end: what still waits is denied."""
        self.box.gate.set()
        if under_way:
            await asyncio.wait(under_way)
        transcript = rig.session.transcript
        while True:
            await rig.until(lambda: bool(transcript.waiting) or not is_open(rig))
            if not transcript.waiting:
                return
            first = transcript.waiting[0]
            for number in range(len(COMMANDS)):
                await self.take(rig, f"deny {number}")
            await rig.until(partial(_waits_no_more, rig, first))

    async def judge(self) -> None:
        """What the box ran is what was allowed, whole, once, and after the answer."""
        async with running(self.path, ScriptedModel(), resume=self.session_id) as rig:
            await rig.session._journal.read_past()
            happened = rig.session._journal.events
            check(happened, self.box.ran)


def check(happened: Sequence[ev.Durable], ran: Sequence[tuple[str, str]]) -> None:
    """The promise, over the ledger's events and what the box was given."""
    actions = {e.action.id: e.action for e in happened if isinstance(e, ev.ActionProposed)}
    allowed: dict[str, str] = {}
    sent: set[str] = set()
    gone: set[str] = set()
    for event in happened:
        match event:
            case ev.ActionDecided(decision) if decision.outcome is Outcome.ALLOW:
                allowed[decision.action_id] = decision.digest
            case ev.ActionDispatched():
                assert allowed[event.action_id] == event.digest == actions[event.action_id].digest
                assert event.action_id not in sent | gone
                sent.add(event.action_id)
            case ev.ActionSuperseded():
                assert event.action_id not in sent
                gone.add(event.action_id)
    for action_id, text in ran:
        assert action_id in sent, "it ran without being sent"
        assert text == actions[action_id].call.arguments["command"], "another text ran"
    assert all(times == 1 for times in Counter(action for action, _ in ran).values())
    calls = Counter(actions[action].call.id for action, _ in ran)
    assert all(times == 1 for times in calls.values()), "a call was carried out twice"


def is_open(rig: Rig) -> bool:
    """Whether anything may still happen."""
    entries = rig.session.transcript.entries.values()
    deeds = [entry for entry in entries if isinstance(entry, Deed)]
    return bool(rig.session.transcript.turn_id) or any(deed.state.is_open for deed in deeds)


def _waits_no_more(rig: Rig, deed: Deed) -> bool:
    return deed not in rig.session.transcript.waiting


def newest(rig: Rig, number: int) -> Deed | None:
    """The action that stands for a command now."""
    deeds = [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]
    calls = list(dict.fromkeys(deed.action.call.id for deed in deeds))
    if number >= len(calls):
        return None
    return [deed for deed in deeds if deed.action.call.id == calls[number]][-1]


async def tell(path: Path, steps: Sequence[str], chance: random.Random, **how: bool) -> Story:
    """A session through all its steps and lives, judged at its end."""
    story = Story(path, chance)
    if chance.random() < 0.5:
        story.box.gate.clear()
    left: Sequence[str] | None = steps
    while left is not None:
        left = await story.life(left, **how)
    await story.judge()
    return story


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", STEPS)
async def test_every_order_of_three_steps(tmp_path: Path, first: str) -> None:
    for number, rest in enumerate(itertools.permutations(STEPS, 2)):
        if first in rest:
            continue
        await tell(
            tmp_path / str(number), (first, *rest), random.Random(number), side_by_side=False
        )


@pytest.mark.timeout(600)
async def test_random_walks_with_steps_under_way(tmp_path: Path) -> None:
    for number in range(WALKS):
        chance = random.Random(number)
        steps = chance.choices(STEPS, k=LENGTH)
        await tell(tmp_path / str(number), steps, chance, side_by_side=True)


async def test_the_allowed_ones_run(tmp_path: Path) -> None:
    steps = ("allow 0", "allow 2", "edit 1")
    story = await tell(tmp_path / "a", steps, random.Random(1), side_by_side=False)
    assert [text for _, text in story.box.ran] == ["one", "two"]


def test_the_judge_can_find_fault() -> None:
    from tests.ledger import samples

    act = samples.action("a1")
    well = [*samples.OPENING, *samples.life_to(act, ActionState.FINISHED)]
    check(well, [("a1", "ls")])
    for ran in ([("a1", "rm")], [("a1", "ls"), ("a1", "ls")], [("a2", "ls")]):
        with pytest.raises((AssertionError, KeyError)):
            check(well, ran)
    waiting = [*samples.OPENING, *samples.life_to(act, ActionState.WAITING)]
    with pytest.raises(AssertionError):
        check(waiting, [("a1", "ls")])
