"""Messages that wait: changed, taken back, and in whatever order the model call comes."""

import asyncio
import random
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.transcript import Said
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running


def said_to(model: ScriptedModel, call: int = -1) -> list[str]:
    """What the person said by the messages of a model call."""
    return [m.text for m in model.requests[call].messages if m.text]


async def at_work(rig: Rig, *queued: str) -> list[Said]:
    """A session whose turn waits for a decision, with messages queued behind it."""
    await rig.session.send("please")
    await rig.waiting()
    for text in queued:
        await rig.session.send(text)
    return rig.session.transcript.queued


async def test_the_model_gets_the_message_as_it_was_last_written(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), says("done"))
    async with running(tmp_path, model) as rig:
        one, two, three = await at_work(rig, "one", "two", "three")
        await rig.session.queue.edit(one.id, "uno")
        await rig.session.queue.withdraw(two.id)
        assert [said.text for said in rig.session.transcript.queued] == ["uno", "three"]
        await rig.allow((await rig.waiting())[0])
        await rig.rest()
        assert said_to(model)[-1] == "uno\n\nthree"
        assert three.queued is False


async def test_what_waits_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        one, two = await at_work(rig, "one", "two")
        await rig.session.queue.edit(one.id, "uno")
        await rig.session.queue.withdraw(two.id)
        session_id = rig.session.transcript.session_id
    model = ScriptedModel(says("done"))
    async with running(tmp_path, model, resume=session_id) as rig:
        assert [said.text for said in rig.session.transcript.queued] == ["uno"]
        await rig.deny((await rig.waiting())[0])
        await rig.rest()
        assert said_to(model)[-1] == "uno"


async def test_what_was_taken_is_neither_changed_nor_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("done"))) as rig:
        await rig.session.send("please")
        await rig.rest()
        [said] = [e for e in rig.session.transcript.entries.values() if isinstance(e, Said)]
        for refused in (
            rig.session.queue.edit(said.id, "other"),
            rig.session.queue.withdraw(said.id),
            rig.session.queue.withdraw("nobody"),
        ):
            with pytest.raises(TransitionRefused, match="went to the model already"):
                await refused
        assert said.text == "please"


async def test_an_empty_change_is_refused_and_the_message_stays(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        [one] = await at_work(rig, "one")
        with pytest.raises(TransitionRefused, match="empty"):
            await rig.session.queue.edit(one.id, " \n")
        assert rig.session.transcript.queued == [one]


async def test_after_a_stop_a_changed_message_is_sent_and_one_taken_back_is_not(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("x"), says("done"))
    async with running(tmp_path, model) as rig:
        one, two = await at_work(rig, "one", "two")
        await rig.session.stop()
        await rig.session.queue.withdraw(two.id)
        assert len(model.requests) == 1
        await rig.session.queue.edit(one.id, "uno")
        await rig.until(lambda: sum(isinstance(e, ev.TurnEnded) for e in rig.events) == 2)
        assert said_to(model)[-1] == "uno"


async def test_a_message_taken_back_at_rest_begins_nothing_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        [one] = await at_work(rig, "one")
        await rig.session.stop()
        await rig.session.queue.withdraw(one.id)
        session_id = rig.session.transcript.session_id
    model = ScriptedModel()
    async with running(tmp_path, model, resume=session_id) as rig:
        assert model.requests == []
        assert rig.session.transcript.turn_id == ""


@pytest.mark.parametrize("seed", range(40))
async def test_a_change_that_meets_the_model_call_is_whole_or_refused(
    tmp_path: Path, seed: int
) -> None:
    """Each message is told as it was last acknowledged, or was taken back and told nowhere."""
    draw = random.Random(seed)
    model = ScriptedModel(says("a"), says("b"), says("c"), says("d"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("first")
        for n in range(3):
            await rig.session.send(f"text {n} as sent")
        queued = [said for said in rig.session.transcript.queued if said.text != "first"]
        everything = [e for e in rig.session.transcript.entries.values() if isinstance(e, Said)]
        acknowledged = {said.id: said.text for said in everything if said.text != "first"}

        async def meddle(said: Said) -> None:
            for _ in range(draw.randint(0, 12)):
                await asyncio.sleep(0)
            try:
                if draw.random() < 0.5:
                    text = f"{said.text[:6]} as changed"
                    await rig.session.queue.edit(said.id, text)
                    acknowledged[said.id] = text
                else:
                    await rig.session.queue.withdraw(said.id)
                    del acknowledged[said.id]
            except TransitionRefused:
                pass

        model.hold.set()
        await asyncio.gather(*(meddle(said) for said in queued))
        await rig.until(
            lambda: not rig.session.transcript.turn_id and not rig.session.transcript.queued
        )
        told = "\n\n".join(said_to(model))
        words = [line for line in told.split("\n\n") if line.startswith("text")]
        assert sorted(words) == sorted(acknowledged.values())
        ended = [e.outcome for e in rig.events if isinstance(e, ev.TurnEnded)]
        assert ev.TurnOutcome.FAILED not in ended
