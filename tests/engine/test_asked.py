"""What a person was asked nobody answers in their place; a mode holds from the moment it does."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import modes
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.asked import ASKED_BEFORE, asked_before
from pocketcoder_tui.engine.gatekeeping import CALLED_BACK
from pocketcoder_tui.gatekeeper.rules import Scope, Terms
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.keepers import SlowKeeper
from tests.engine.rig import Rig, running
from tests.ledger import samples

SAFE = "echo hi > out.txt"


def deeds(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


@pytest.mark.parametrize("mode", [modes.CONTAINED, modes.PLAN])
async def test_a_row_that_moved_waits_again_in_every_mode(tmp_path: Path, mode: str) -> None:
    model = ScriptedModel(shell("cd /tmp", "ls"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        await rig.session.rulebook.change_mode(mode)
        await rig.allow(rows["cd /tmp"])
        await rig.until(lambda: rows["ls"].state is ActionState.SUPERSEDED)
        [again] = await rig.waiting()
        assert again.why == ASKED_BEFORE
        assert [text for _, text in rig.terminal.ran] == ["cd /tmp"]


@pytest.mark.parametrize("how", ["mode", "rule"])
async def test_a_denial_that_was_taken_back_waits_whatever_holds_now(
    tmp_path: Path, how: str
) -> None:
    model = ScriptedModel(shell("ls", "ls", "pwd"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        one, two, _ = await rig.waiting(3)
        if how == "mode":
            await rig.session.rulebook.change_mode(modes.CONTAINED)
        else:
            stored = rig.session.rulebook.choices(two.id).allow[0].stored
            await rig.session.rulebook.keep(two.id, stored, Terms(Scope.WORKSPACE))
            await rig.until(lambda: two.state is ActionState.FINISHED)
        await rig.deny(one)
        await rig.session.review.undo()
        await rig.until(lambda: deeds(rig)[-1].action.supersedes == one.id)
        again = deeds(rig)[-1]
        await rig.until(lambda: again.state is not ActionState.PROPOSED)
        assert again.state is ActionState.WAITING
        assert again.why == ASKED_BEFORE
        assert again.id not in [action_id for action_id, _ in rig.terminal.ran]


@pytest.mark.parametrize("mode", [modes.ASK, modes.PLAN])
async def test_leaving_contained_calls_back_what_has_not_left(tmp_path: Path, mode: str) -> None:
    model = ScriptedModel(says("hello"), shell(SAFE), says("done"))
    rig = Rig(model)
    (tmp_path / "workspace").mkdir()
    rig.keeper = keeper = SlowKeeper(tmp_path / "workspace", tmp_path / "checkpoints")
    async with running(tmp_path, model, rig=rig):
        await rig.session.send("hello")
        await rig.rest()
        await rig.session.rulebook.change_mode(modes.CONTAINED)
        await rig.session.send("please")
        await rig.until(lambda: any(d.state is ActionState.ALLOWED for d in deeds(rig)))
        [first] = deeds(rig)
        await rig.session.rulebook.change_mode(mode)
        await rig.until(lambda: first.state is ActionState.SUPERSEDED)
        keeper.gate.set()
        assert first.why == CALLED_BACK
        if mode == modes.ASK:
            [again] = await rig.waiting()
            assert again.action.supersedes == first.id
        else:
            await rig.until(lambda: deeds(rig)[-1].state is ActionState.DENIED)
        assert rig.terminal.ran == []


async def test_what_is_judged_while_a_mode_is_on_its_way_is_judged_by_that_one(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(says("hello"), calls(("read_file", {"path": "a"})), says("done"))
    rig = Rig(model)
    rig.box.answer = ExecResult(0, b"/workspace/a\0", b"")
    async with running(tmp_path, model, rig=rig):
        await rig.session.send("hello")
        await rig.rest()
        await rig.session.rulebook.change_mode(modes.CONTAINED)
        rig.box.free.clear()
        await rig.session.send("please")
        await rig.until(lambda: any(d.state is ActionState.PROPOSED for d in deeds(rig)))
        go_on = rig.disk.hold("mode_changed")
        change = asyncio.ensure_future(rig.session.rulebook.change_mode(modes.ASK))
        await rig.disk.reached["mode_changed"].wait()
        rig.box.free.set()
        change.cancel()  # whoever waits for it: what was begun is done
        for _ in range(20):
            await asyncio.sleep(0)
        go_on.set()
        [deed] = await rig.waiting()
        assert deed.why == "Ask mode: every action waits for you."


def test_who_was_asked_about_what_came_before() -> None:
    first = samples.action("a")
    chain = [first]
    for name in ("b", "c"):
        earlier = chain[-1]
        chain.append(replace(samples.action(name), supersedes=earlier.id))
    proposed: list[ev.Durable] = [samples.proposed(action) for action in chain]
    third = chain[-1]
    assert not asked_before(first, proposed)
    assert not asked_before(third, proposed)
    assert asked_before(third, [*proposed, ev.ActionWaiting("a", "?")])
    assert asked_before(third, [*proposed, samples.decided(chain[1])])
    assert not asked_before(first, [*proposed, ev.ActionWaiting("b", "?")])
