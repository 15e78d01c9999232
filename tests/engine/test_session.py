"""A session from end to end, over a real ledger: asked, decided, run once, told."""

import asyncio
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import QuotaSpent, SandboxError, TransitionRefused
from pocketcoder_tui.core.model import Finish, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.terminal import CannotTell, CommandEnded, NeverStarted, StillRunning
from pocketcoder_tui.core.transcript import Answer, Deed, Remark
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import running


def deeds(rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


def responses(model: ScriptedModel, call: int = -1) -> list[dict]:
    return [dict(r.response) for r in model.requests[call].messages[-1].results]


async def test_nothing_runs_before_the_decision_and_then_once(tmp_path: Path) -> None:
    model = ScriptedModel(shell("echo hi"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        assert rig.terminal.ran == []
        await rig.allow(deed)
        ended = await rig.rest()
        assert ended.outcome == ev.TurnOutcome.DONE
        assert rig.terminal.ran == [(deed.id, "echo hi")]
        assert responses(model)[0]["output"] == "out of echo hi"
        assert deed.decision is not None
        assert deed.decision.digest == deed.action.digest


async def test_a_denial_carries_its_reason_and_the_turn_goes_on(tmp_path: Path) -> None:
    model = ScriptedModel(shell("rm -rf x"), says("all right"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.deny(deed, "keep x")
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert rig.terminal.ran == []
        assert "keep x" in responses(model)[0]["error"]


async def test_two_calls_are_two_rows_and_independent(tmp_path: Path) -> None:
    model = ScriptedModel(shell("one", "two"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        first, second = sorted(await rig.waiting(2), key=lambda d: d.preview.text)
        await rig.allow(second)
        await rig.until(lambda: second.state is ActionState.FINISHED)
        assert first.state is ActionState.WAITING
        assert [text for _, text in rig.terminal.ran] == ["two"]
        await rig.deny(first)
        await rig.rest()
        first_said, second_said = responses(model)
        assert "denied" in first_said["error"]
        assert second_said["output"] == "out of two"


async def test_a_second_decision_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"), says("done"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        one, two = await asyncio.gather(
            rig.session.decide(deed.id, Outcome.ALLOW),
            rig.session.decide(deed.id, Outcome.DENY),
            return_exceptions=True,
        )
        await rig.rest()
        assert [one, two].count(None) == 1
        assert any(isinstance(r, TransitionRefused) for r in (one, two))


async def test_a_command_is_asked_again_when_the_directory_moved(tmp_path: Path) -> None:
    model = ScriptedModel(shell("cd /tmp", "rm -rf *"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        await rig.allow(rows["rm -rf *"])
        await rig.until(lambda: rows["rm -rf *"].state is ActionState.FINISHED)
        rig.terminal.ran.clear()
    model = ScriptedModel(shell("cd /tmp", "rm -rf *"), says("done"))
    async with running(tmp_path / "other", model) as rig:
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        await rig.allow(rows["cd /tmp"])
        await rig.until(lambda: rows["rm -rf *"].state is ActionState.SUPERSEDED)
        [again] = await rig.waiting()
        assert again.action.cwd == "/tmp"
        assert again.action.supersedes == rows["rm -rf *"].id
        assert [text for _, text in rig.terminal.ran] == ["cd /tmp"]


async def test_messages_sent_meanwhile_go_in_together(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("first")
        [deed] = await rig.waiting()
        await rig.session.send("second")
        await rig.session.send("third")
        assert [s.text for s in rig.session.transcript.queued] == ["second", "third"]
        await rig.allow(deed)
        await rig.rest()
        assert rig.session.transcript.queued == []
        assert model.requests[-1].messages[-1].text == "second\n\nthird"


async def test_stopping_takes_waiting_actions_back(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), says("fine"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.session.stop()
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        assert (await rig.rest()).outcome == ev.TurnOutcome.STOPPED
        with pytest.raises(TransitionRefused):
            await rig.allow(deed)
        rig.events.clear()
        await rig.session.send("again")
        await rig.rest()
        results = [m.results for m in model.requests[-1].messages if m.results]
        assert "stopped" in str(results[0][0].response)


async def test_stopping_leaves_a_running_command_alone(tmp_path: Path) -> None:
    model = ScriptedModel(shell("sleep"), says("fine"))
    async with running(tmp_path, model) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.live != "")
        await rig.session.stop()
        assert deed.state is ActionState.DISPATCHED
        rig.terminal.gate.set()
        await rig.until(lambda: deed.state is ActionState.FINISHED)


async def test_stopping_keeps_what_had_arrived(tmp_path: Path) -> None:
    model = ScriptedModel(says("half a sentence"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("please")
        await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
        await rig.session.stop()
        answers = [e for e in rig.session.transcript.entries.values() if isinstance(e, Answer)]
        assert [a.text for a in answers] == ["half a sentence"]
        assert (await rig.rest()).outcome == ev.TurnOutcome.STOPPED


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        (Finish.CUT, "middle"),
        (Finish.LIMIT, "limit"),
        (Finish.REFUSED, "refused"),
        (Finish.MALFORMED, "cannot be read"),
    ],
)
async def test_a_bad_ending_is_one_sentence(tmp_path: Path, finish: Finish, word: str) -> None:
    model = ScriptedModel([ReplyPart(PartKind.TEXT, "a", raw={}), ReplyFinished(finish)])
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        ended = await rig.rest()
        assert ended.outcome == ev.TurnOutcome.FAILED
        assert word in ended.sentence


async def test_a_failing_service_ends_the_turn_with_its_sentence(tmp_path: Path) -> None:
    error = QuotaSpent("The day's quota is spent.", hint="Come back tomorrow.")
    error.transient = False
    model = ScriptedModel([error], says("better"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        ended = await rig.rest()
        assert (ended.sentence, ended.hint) == (error.sentence, error.hint)
        rig.events.clear()
        await rig.session.send("again")
        await rig.rest()
        assert [m.text for m in model.requests[-1].messages] == ["please", "again"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("shell", {}),
        ("shell", {"command": "a\0b"}),
        ("shell", {"command": "a", "more": 1}),
        ("shell", {"command": "half \ud800 character"}),
        ("launch", {"x": 1}),
        ("read_file", {"path": "x", "start_line": 0}),
    ],
)
async def test_a_call_that_cannot_be_carried_out_is_told_so(
    tmp_path: Path, tool: str, arguments: dict
) -> None:
    model = ScriptedModel(calls((tool, arguments)), says("sorry"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert rig.terminal.ran == []
        assert rig.box.asked == []
        assert "error" in responses(model)[0]


async def test_no_box_ends_the_turn_and_the_next_one_tries_again(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), shell("x"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.until(lambda: rig.session.transcript.session_id == "" and bool(rig.events))
        rig.session._keeper._ready = None
        rig.sandbox.error = SandboxError("Docker went away.", hint="Start it.")
        await rig.session.send("please")
        ended = await rig.rest()
        assert ended.sentence == "Docker went away."
        rig.sandbox.error = None
        rig.events.clear()
        await rig.session.send("again")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE


async def test_a_waiting_action_still_waits_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        session_id = rig.session.transcript.session_id
        before = str(rig.session.transcript.entries)
    model = ScriptedModel(says("done"))
    async with running(tmp_path, model, resume=session_id) as rig:
        assert str(rig.session.transcript.entries) == before
        [same] = await rig.waiting()
        assert same.id == deed.id
        await rig.until(lambda: deed.id in rig.session._desk._waiting)
        await rig.allow(same)
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert [i for i, _ in rig.terminal.ran] == [deed.id]
        assert responses(model)[0]["output"] == "out of x"


@pytest.mark.parametrize(
    ("fate", "state", "word"),
    [
        (NeverStarted(), ActionState.INTERRUPTED, "never started"),
        (CommandEnded(3, "late", 0, 1.0, "/workspace"), ActionState.FINISHED, "late"),
        (StillRunning(), ActionState.FINISHED, "the rest"),
        (CannotTell("The box was restarted."), ActionState.UNKNOWN, "restarted"),
    ],
)
async def test_a_dispatched_action_is_looked_up_after_a_crash(
    tmp_path: Path, fate, state: ActionState, word: str
) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.live != "")
        session_id = rig.session.transcript.session_id
    model = ScriptedModel(says("I see"))
    async with running(tmp_path, model) as _:
        pass
    from tests.engine.rig import Rig

    again = Rig(model)
    again.terminal.fate = fate
    async with running(tmp_path, model, rig=again, resume=session_id) as rig:
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert deeds(rig)[0].state is state
        assert rig.terminal.ran == []
        assert word in str(responses(model)[0])


async def test_a_turn_cut_by_a_crash_says_so(tmp_path: Path) -> None:
    model = ScriptedModel(says("half"))
    async with running(tmp_path, model) as rig:
        model.hold.clear()
        await rig.session.send("please")
        await rig.until(lambda: any(isinstance(e, ev.PartGrew) for e in rig.events))
        session_id = rig.session.transcript.session_id
    async with running(tmp_path, ScriptedModel(), resume=session_id) as rig:
        await rig.until(lambda: rig.session.transcript.turn_id == "")
        remarks = [e for e in rig.session.transcript.entries.values() if isinstance(e, Remark)]
        assert "middle of this turn" in remarks[-1].sentence


async def test_a_session_in_which_nothing_was_said_leaves_no_trace(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        assert await rig.session.sessions() == []


async def test_rows_come_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    """A write takes longer to draw than a listing: its file is looked at first."""
    model = ScriptedModel(
        calls(("write_file", {"path": "a", "content": "b"}), ("list_files", {})), says("done")
    )
    async with running(tmp_path, model) as rig:
        answer = rig.box.exec

        async def slow(*args: object, **kwargs: object) -> object:
            for _ in range(20):
                await asyncio.sleep(0)
            return await answer(*args, **kwargs)

        rig.box.exec = slow
        await rig.session.send("please")
        await rig.waiting(2)
        assert [d.preview.verb for d in deeds(rig)] == ["write", "list"]
