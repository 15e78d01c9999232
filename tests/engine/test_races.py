"""Things that happen at once: decisions, stops, messages and starts that cross each other."""

import asyncio
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.model import PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.transcript import Deed
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running


def deeds(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


def ends(rig: Rig) -> list[ev.TurnEnded]:
    return [e for e in rig.events if isinstance(e, ev.TurnEnded)]


# --- messages


async def test_a_message_that_crosses_the_end_of_a_turn_gets_a_turn(tmp_path: Path) -> None:
    model = ScriptedModel(says("one"), says("two"))
    async with running(tmp_path, model) as rig:
        go_on = rig.disk.hold("reply_ended")
        await rig.session.send("first")
        await asyncio.wait_for(rig.disk.reached["reply_ended"].wait(), 10)
        second = asyncio.ensure_future(rig.session.send("second"))
        await asyncio.wait([second], timeout=0)
        go_on.set()
        await second
        await rig.until(lambda: len(model.requests) == 2 and not rig.session.transcript.turn_id)
        assert model.requests[1].messages[-1].text == "second"
        assert rig.session.transcript.queued == []


async def test_a_message_sent_while_a_turn_is_being_stopped_gets_its_own_turn(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(says("half"), says("two"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("first")
        await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
        model.let_go.clear()
        stopping = asyncio.ensure_future(rig.session.stop())
        sending = asyncio.ensure_future(rig.session.send("second"))
        await rig.until(lambda: bool(rig.session.transcript.queued))
        await asyncio.wait([sending], timeout=0)
        model.hold.set()
        model.let_go.set()
        await asyncio.gather(stopping, sending)
        await rig.until(lambda: len(ends(rig)) == 2)
        order = [e for e in rig.events if isinstance(e, ev.TurnStarted | ev.TurnEnded)]
        assert [type(e) for e in order] == [ev.TurnStarted, ev.TurnEnded] * 2
        assert [e.outcome for e in ends(rig)] == [ev.TurnOutcome.STOPPED, ev.TurnOutcome.DONE]


async def test_a_message_of_a_session_that_wakes_waits_for_the_resumed_turn(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        session_id = rig.session.transcript.session_id
    model = ScriptedModel(says("done"), says("more"))
    later = Rig(model)
    later.looked.clear()
    async with running(tmp_path, model, rig=later, resume=session_id) as rig:
        await rig.session.send("meanwhile")
        rig.looked.set()
        [same] = await rig.waiting()
        await rig.until(lambda: deed.id in rig.session._desk._waiting)
        assert model.requests == []
        await rig.allow(same)
        await rig.rest()
        started = [e for e in rig.events if isinstance(e, ev.TurnStarted)]
        assert started == []
        assert [i for i, _ in rig.terminal.ran] == [deed.id]
        assert model.requests[0].messages[-1].text == "meanwhile"


async def test_a_message_of_a_session_that_wakes_follows_the_cut_turn(tmp_path: Path) -> None:
    model = ScriptedModel(says("half"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("please")
        await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
        session_id = rig.session.transcript.session_id
    model = ScriptedModel(says("done"))
    later = Rig(model)
    later.looked.clear()
    async with running(tmp_path, model, rig=later, resume=session_id) as rig:
        await rig.session.send("again")
        rig.looked.set()
        await rig.until(lambda: any(e.outcome is ev.TurnOutcome.DONE for e in ends(rig)))
        order = [e for e in rig.session._journal.events if e.kind.startswith("turn_")]
        assert [e.kind for e in order] == ["turn_started", "turn_ended"] * 2


async def test_a_message_that_no_turn_took_before_the_crash_gets_one(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        rig.disk.full.add("turn_started")
        await rig.session.send("please")
        session_id = rig.session.transcript.session_id
    model = ScriptedModel(says("here"))
    async with running(tmp_path, model, resume=session_id) as rig:
        await rig.rest()
        assert model.requests[0].messages[-1].text == "please"


# --- stopping


async def test_stopping_before_the_turn_began_is_no_error(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("x"), says("y"))) as rig:
        await rig.session.send("please")
        await rig.session.stop()
        assert rig.session.transcript.turn_id == ""
        await rig.session.send("again")
        await rig.until(lambda: any(e.outcome is ev.TurnOutcome.DONE for e in ends(rig)))
        assert rig.session.transcript.queued == []


async def test_stopping_while_the_turn_ends_is_no_error(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("x"))) as rig:
        go_on = rig.disk.hold("turn_ended")
        await rig.session.send("please")
        await asyncio.wait_for(rig.disk.reached["turn_ended"].wait(), 10)
        stopping = asyncio.ensure_future(rig.session.stop())
        go_on.set()
        await stopping
        assert [e.outcome for e in ends(rig)] == [ev.TurnOutcome.DONE]


async def test_an_action_proposed_while_stopping_does_not_wait(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        go_on = rig.disk.hold("action_proposed")
        await rig.session.send("please")
        await asyncio.wait_for(rig.disk.reached["action_proposed"].wait(), 10)
        stopping = asyncio.ensure_future(rig.session.stop())
        await asyncio.wait([stopping], timeout=0)
        go_on.set()
        await stopping
        await rig.until(lambda: bool(deeds(rig)) and not deeds(rig)[0].state.is_open)
        assert deeds(rig)[0].state is ActionState.SUPERSEDED


async def test_what_a_stopped_turn_left_waiting_does_not_wait_after_a_restart(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.disk.full.add("action_superseded")
        await rig.session.stop()
        session_id = rig.session.transcript.session_id
    async with running(tmp_path, ScriptedModel(), resume=session_id) as rig:
        await rig.until(lambda: not deeds(rig)[0].state.is_open)
        assert deeds(rig)[0].id == deed.id
        assert deeds(rig)[0].state is ActionState.SUPERSEDED


async def test_a_running_command_of_a_stopped_turn_is_waited_for_by_the_next(
    tmp_path: Path,
) -> None:
    model = ScriptedModel(shell("sleep"), shell("next"), says("done"))
    async with running(tmp_path, model) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [first] = await rig.waiting()
        await rig.allow(first)
        await rig.until(lambda: first.live != "")
        await rig.session.stop()
        await rig.session.send("go on")
        [second] = await rig.waiting()
        await rig.allow(second)
        assert [text for _, text in rig.terminal.ran] == ["sleep"]
        rig.terminal.gate.set()
        await rig.until(lambda: len(ends(rig)) == 2)
        assert [text for _, text in rig.terminal.ran] == ["sleep", "next"]
        told = [[dict(r.response) for r in m.results] for m in model.requests[-1].messages]
        first_result, second_result = [r for message in told for r in message]
        told_first = [m.results for m in model.requests[1].messages if m.results]
        assert "Still running" in str(told_first[0][0].response)
        assert first_result == told_first[0][0].response, "what was sent stays as it was sent"
        assert second_result["output"] == "out of next"
        [news] = [m.text for m in model.requests[-1].messages if m.note]
        assert "`sleep` is over" in news
        assert "out of sleep" in news


# --- deciding


@pytest.mark.parametrize("outcome", [Outcome.ALLOW, Outcome.DENY])
async def test_a_decision_that_crosses_a_stop_breaks_nothing(
    tmp_path: Path, outcome: Outcome
) -> None:
    model = ScriptedModel(shell("x"), says("fine"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        go_on = rig.disk.hold("action_decided")
        deciding = asyncio.ensure_future(rig.session.decide(deed.id, outcome))
        await asyncio.wait_for(rig.disk.reached["action_decided"].wait(), 10)
        stopping = asyncio.ensure_future(rig.session.stop())
        go_on.set()
        await asyncio.gather(deciding, stopping)
        await rig.until(lambda: not deed.state.is_open)
        assert rig.terminal.ran == []
        assert not [e for e in rig.events if isinstance(e, ev.Noticed)]
        wanted = ActionState.DENIED if outcome is Outcome.DENY else ActionState.SUPERSEDED
        assert deed.state is wanted


async def test_a_denial_that_crosses_a_move_holds(tmp_path: Path) -> None:
    model = ScriptedModel(shell("cd /tmp", "rm -rf *"), says("done"))
    async with running(tmp_path, model) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        await rig.allow(rows["cd /tmp"])
        await rig.until(lambda: rows["cd /tmp"].live != "")
        go_on = rig.disk.hold("action_decided")
        denying = asyncio.ensure_future(rig.deny(rows["rm -rf *"], "no"))
        await asyncio.wait_for(rig.disk.reached["action_decided"].wait(), 10)
        rig.terminal.gate.set()
        go_on.set()
        await denying
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert rows["rm -rf *"].state is ActionState.DENIED
        assert len(deeds(rig)) == 2


async def test_a_decision_whose_worker_was_cancelled_still_counts(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"), says("done"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        go_on = rig.disk.hold("action_decided")
        deciding = asyncio.ensure_future(rig.allow(deed))
        await asyncio.wait_for(rig.disk.reached["action_decided"].wait(), 10)
        deciding.cancel()
        await asyncio.wait([deciding])
        go_on.set()
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert rig.terminal.ran == [(deed.id, "x")]


async def test_an_action_that_is_asked_again_says_so_to_a_late_decision(tmp_path: Path) -> None:
    model = ScriptedModel(shell("cd /tmp", "rm -rf *"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        go_on = rig.disk.hold("action_superseded")
        await rig.allow(rows["cd /tmp"])
        await asyncio.wait_for(rig.disk.reached["action_superseded"].wait(), 10)
        with pytest.raises(TransitionRefused, match=r"decided|asked again"):
            await rig.allow(rows["rm -rf *"])
        go_on.set()
        await rig.until(lambda: rows["rm -rf *"].state is ActionState.SUPERSEDED)
        whole = [e.kind for e in rig.session._journal.events]
        at = whole.index("action_superseded")
        assert whole[at + 1] == "action_proposed"
        assert len(await rig.waiting()) == 1


# --- quitting


async def test_what_was_sent_just_before_the_end_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("x"))) as rig:
        await rig.session.send("first")
        await rig.rest()
        session_id = rig.session.transcript.session_id
        go_on = rig.disk.hold("message_queued")
        sends = [asyncio.ensure_future(rig.session.send(t)) for t in ("second", "third")]
        await asyncio.wait_for(rig.disk.reached["message_queued"].wait(), 10)
        closing = asyncio.ensure_future(rig.session.aclose())
        for send in sends:
            send.cancel()
        await asyncio.wait(sends)
        go_on.set()
        await closing
    async with running(tmp_path, ScriptedModel(says("y")), resume=session_id) as rig:
        await rig.rest()
        said = [e.text for e in rig.session._journal.events if isinstance(e, ev.MessageQueued)]
        assert said == ["first", "second", "third"]


@pytest.mark.parametrize(
    "kind",
    ["turn_started", "messages_taken", "reply_started", "part_grew", "reply_ended",
     "action_proposed", "action_waiting", "action_decided", "action_dispatched", "action_ended",
     "turn_ended"],
)  # fmt: skip
async def test_quitting_at_any_write_runs_nothing_twice_and_loses_nothing(
    tmp_path: Path, kind: str
) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"), says("done"))) as rig:
        go_on = rig.disk.hold(kind)
        await rig.session.send("please")
        reached = asyncio.ensure_future(rig.disk.reached[kind].wait())
        asked = asyncio.ensure_future(rig.waiting())
        await asyncio.wait([reached, asked], return_when=asyncio.FIRST_COMPLETED, timeout=10)
        if not reached.done():
            deciding = asyncio.ensure_future(rig.allow((await asked)[0]))
            await asyncio.wait_for(reached, 10)
            await asyncio.wait([deciding], timeout=0)
        asked.cancel()
        session_id = rig.session.transcript.session_id
        closing = asyncio.ensure_future(rig.session.aclose())
        await asyncio.wait([closing], timeout=0)
        go_on.set()
        await closing
        ran = list(rig.terminal.ran)
    again = Rig(ScriptedModel(*[says("done")] * 3))
    async with running(tmp_path, again.model, rig=again, resume=session_id) as rig:
        await rig.session.send("go on")

        def calm() -> bool:
            return not rig.session.transcript.turn_id and not rig.session.transcript.queued

        await rig.until(lambda: calm() or bool(rig.session.transcript.waiting))
        for deed in rig.session.transcript.waiting:
            await rig.deny(deed)
        await rig.until(calm)
        said = [e for e in rig.session._journal.events if isinstance(e, ev.MessageQueued)]
        assert [e.text for e in said] == ["please", "go on"]
        assert len(ran) + len(rig.terminal.ran) <= 1
        assert not [d for d in deeds(rig) if d.state.is_open]


# --- replies with calls that never became actions


async def test_calls_that_never_became_actions_are_answered_once(tmp_path: Path) -> None:
    held = shell("one", "two")
    model = ScriptedModel(held, says("fine"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("please")
        await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
        await rig.session.stop()
        model.hold.set()
        assert deeds(rig) == []
        await rig.session.send("again")
        await rig.until(lambda: len(ends(rig)) == 2)
        messages = model.requests[-1].messages
        asked = [p.call.id for m in messages for p in m.parts if p.call is not None]
        answered = [r.call.id for m in messages for r in m.results]
        assert asked == answered
        assert len(asked) == 1


async def test_a_reply_of_many_kinds_is_answered_in_order(tmp_path: Path) -> None:
    [first, _] = shell("one")
    [second, end] = shell("two")
    text = ReplyPart(PartKind.TEXT, "between", raw={"text": "between"})
    model = ScriptedModel([first, text, second, end], says("done"))
    assert isinstance(end, ReplyFinished)
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        for deed in reversed(await rig.waiting(2)):
            await rig.deny(deed)
        await rig.rest()
        results = model.requests[-1].messages[-1].results
        assert [r.call for r in results] == [first.call, second.call]
