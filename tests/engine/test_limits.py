"""Limits: a row asks before the next call of the model, going on gives as much again."""

from datetime import date
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.model import Finish, ReplyFinished, Usage
from pocketcoder_tui.core.prices import Price, PriceTable
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.limits import Bounds
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running

PRICES = PriceTable([Price("script", "script", date(2026, 1, 1), 1.0, 1.0, 1.0)])


def rig_of(model: ScriptedModel, bounds: Bounds) -> Rig:
    rig = Rig(model)
    rig.bounds = bounds
    return rig


async def row(rig: Rig, tool: str) -> Deed:
    """The next row that waits; it has to be of this tool."""
    [deed] = await rig.waiting()
    assert deed.action.call.tool == tool
    return deed


async def allow(rig: Rig, tool: str) -> Deed:
    deed = await row(rig, tool)
    await rig.allow(deed)
    await rig.until(lambda: deed.id not in {d.id for d in rig.session.transcript.waiting})
    return deed


async def test_the_same_call_three_times_is_asked_about(tmp_path: Path) -> None:
    model = ScriptedModel(*[shell("ls")] * 7, says("Done."))
    async with running(tmp_path, model, rig=rig_of(model, Bounds())) as rig:
        await rig.session.send("go")
        for _ in range(3):
            await allow(rig, "shell")
        deed = await allow(rig, "go_on")
        assert deed.preview.title == "3 times the same call"
        assert "going in circles" in deed.preview.text
        for _ in range(3):
            await allow(rig, "shell")
        assert len(model.requests) == 6
        await rig.deny(await row(rig, "go_on"))
        ended = await rig.rest()
    assert (ended.outcome, ended.sentence) == (
        ev.TurnOutcome.STOPPED, "You ended the turn at its limit.",
    )  # fmt: skip
    assert len(model.requests) == 6


async def test_other_calls_between_are_no_circle(tmp_path: Path) -> None:
    steps = [shell("ls"), shell("ls"), shell("pwd"), shell("ls"), shell("ls"), says("Done.")]
    model = ScriptedModel(*steps)
    async with running(tmp_path, model, rig=rig_of(model, Bounds())) as rig:
        await rig.session.send("go")
        for _ in range(5):
            await allow(rig, "shell")
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE


async def test_waiting_again_and_again_is_no_circle(tmp_path: Path) -> None:
    wait = calls(("shell_list", {}))
    model = ScriptedModel(*[wait] * 5, says("Done."))
    async with running(tmp_path, model, rig=rig_of(model, Bounds())) as rig:
        await rig.session.send("go")
        for _ in range(5):
            await allow(rig, "shell_list")
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE


async def test_the_steps_of_a_turn(tmp_path: Path) -> None:
    model = ScriptedModel(*[shell(f"echo {n}") for n in range(5)], says("Done."), says("Again."))
    async with running(tmp_path, model, rig=rig_of(model, Bounds(steps=2))) as rig:
        await rig.session.send("go")
        for tool in ("shell", "shell", "go_on", "shell", "shell", "go_on", "shell"):
            await allow(rig, tool)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        rig.events.clear()
        await rig.session.send("and again")
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE


def costly(dollars: float, *commands: str) -> list[object]:
    usage = Usage(prompt=round(dollars * 1_000_000))
    return [*shell(*commands)[:-1], ReplyFinished(Finish.DONE, usage=usage)]


async def test_the_money_of_a_session(tmp_path: Path) -> None:
    steps = [costly(1.5, "a"), costly(1.0, "b"), costly(0.1, "c"), says("Done.")]
    model = ScriptedModel(*steps)
    bounds = Bounds(dollars=1.0, prices=PRICES)
    async with running(tmp_path, model, rig=rig_of(model, bounds)) as rig:
        await rig.session.send("go")
        await allow(rig, "shell")
        deed = await allow(rig, "go_on")
        assert deed.preview.title == "$1.50 spent in this session"
        await allow(rig, "shell")
        assert (await allow(rig, "go_on")).preview.title == "$2.50 spent in this session"
        await allow(rig, "shell")
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE


async def test_a_turn_that_is_stopped_takes_its_question_along(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls"), says("Done."))
    async with running(tmp_path, model, rig=rig_of(model, Bounds(steps=1))) as rig:
        await rig.session.send("go")
        await allow(rig, "shell")
        deed = await row(rig, "go_on")
        await rig.session.stop()
        await rig.until(lambda: not rig.session.transcript.waiting)
        assert rig.session.transcript.deed(deed.id).state is ActionState.SUPERSEDED
    assert len(model.requests) == 1


async def test_one_that_waited_in_an_earlier_process_is_over(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls"))
    async with running(tmp_path, model, rig=rig_of(model, Bounds(steps=1))) as rig:
        await rig.session.send("go")
        await allow(rig, "shell")
        deed = await row(rig, "go_on")
        session = rig.session.transcript.session_id
    after = ScriptedModel(says("Here again."))
    async with running(tmp_path, after, resume=session) as again:
        assert again.session.transcript.waiting == []
        again.events.clear()
        await again.session.send("go on")
        assert (await again.rest()).outcome is ev.TurnOutcome.DONE
        assert again.session.transcript.deed(deed.id).state is ActionState.SUPERSEDED
