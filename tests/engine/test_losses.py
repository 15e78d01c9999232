"""What fails under a session: the disk, the box, the terminal, our own code."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import ContainerGone, LedgerError, RelayError
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.terminal import CommandEnded, StillRunning
from pocketcoder_tui.core.transcript import Deed, Remark
from pocketcoder_tui.core.transient import BoxState
from tests.engine.fakes import FakeBox, FakeTerminal, ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running


def deeds(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]


def remarks(rig: Rig) -> list[str]:
    entries = rig.session.transcript.entries.values()
    return [e.sentence for e in entries if isinstance(e, Remark)]


# --- the disk


@pytest.mark.parametrize(
    "kind",
    ["turn_started", "messages_taken", "reply_started", "part_grew", "reply_ended",
     "action_proposed", "action_waiting", "turn_ended"],
)  # fmt: skip
async def test_a_full_disk_is_said_and_the_session_goes_on(tmp_path: Path, kind: str) -> None:
    model = ScriptedModel(*[shell("x") if kind.startswith("action") else says("hm")] * 2)
    async with running(tmp_path, model) as rig:
        rig.disk.full |= {kind, "turn_ended", "noticed"}
        await rig.session.send("please")
        await rig.until(lambda: bool(remarks(rig)))
        assert remarks(rig) == ["There is no space left."]
        assert rig.terminal.ran == []
        await rig.until(lambda: not rig.session.transcript.turn_id)
        rig.disk.full.clear()
        model.steps = [says("better")]
        rig.events.clear()
        await rig.session.send("again")
        await rig.rest()
        said = [m.text for m in model.requests[-1].messages if m.text]
        assert "please" in said[0]
        assert "again" in said[-1]
        live = list(rig.session._journal.events)
        assert await rig.disk.replay(rig.session.transcript.session_id) == live


async def test_a_message_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        rig.disk.full.add("message_queued")
        with pytest.raises(LedgerError):
            await rig.session.send("please")
        assert rig.session.transcript.entries == {}


async def test_nothing_leaves_that_could_not_be_recorded(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"), says("done"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.disk.full.add("action_decided")
        with pytest.raises(LedgerError):
            await rig.allow(deed)
        assert rig.terminal.ran == []
        rig.disk.full = {"action_dispatched"}
        await rig.allow(deed)
        assert (await rig.rest()).sentence == "There is no space left."
        assert rig.terminal.ran == []


async def test_a_result_of_a_stopped_turn_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.live != "")
        await rig.session.stop()
        rig.disk.full.add("action_ended")
        rig.terminal.gate.set()
        await rig.until(lambda: "There is no space left." in remarks(rig))


async def test_a_full_disk_is_said_while_another_action_waits(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x", "y"))) as rig:
        await rig.session.send("please")
        first, second = await rig.waiting(2)
        rig.disk.full = {"action_dispatched"}
        await rig.allow(first)
        await rig.until(lambda: "There is no space left." in remarks(rig))
        assert second.state is ActionState.WAITING
        assert rig.terminal.ran == []


# --- the box and the terminal


async def test_a_terminal_lost_in_the_middle_is_asked_over_a_new_one(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x"), says("done")))
    old, new = FakeTerminal(), FakeTerminal()
    rig.next_terminals = [old, new]
    old.gate.clear()
    old.cut = RelayError("The stream ended.")
    new.fate = CommandEnded(0, "whole", 0, 1.0, "/workspace")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.live != "")
        old.closed = True  # the watch of the session has not heard of it yet
        old.gate.set()
        await rig.rest()
        assert deed.state is ActionState.FINISHED
        assert deed.execution is not None
        assert deed.execution.output == "whole"
        assert (old.asked, new.asked, new.ran) == ([], [deed.id], [])
        states = [e.state for e in rig.events if isinstance(e, transient.BoxChanged)]
        assert states[-1] is BoxState.READY


async def test_a_lost_terminal_that_cannot_be_closed_is_left_behind(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x"), says("done")))
    old, new = FakeTerminal(), FakeTerminal()
    rig.next_terminals = [old, new]
    old.cut = old.close_error = RelayError("The stream ended.")
    new.fate = CommandEnded(0, "whole", 0, 1.0, "/workspace")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert deed.state is ActionState.FINISHED


async def test_a_terminal_lost_again_while_following_is_asked_once_more(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x"), says("done")))
    first, second, third = FakeTerminal(), FakeTerminal(), FakeTerminal()
    rig.next_terminals = [first, second, third]
    first.cut = RelayError("The stream ended.")
    second.fate, second.cut_follow = StillRunning(), RelayError("It ended again.")
    third.fate = CommandEnded(4, "late", 0, 1.0, "/workspace")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
        assert deed.execution is not None
        assert (deed.execution.output, deed.execution.status) == ("late", 4)


async def test_a_terminal_that_is_never_found_again_makes_it_unknown(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x"), says("done")))
    rig.terminal.cut = RelayError("The stream ended.")
    rig.terminal.fate, rig.terminal.cut_follow = StillRunning(), RelayError("It ended again.")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert deed.state is ActionState.UNKNOWN


async def test_a_terminal_lost_while_an_old_command_is_looked_up(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.live != "")
        session_id = rig.session.transcript.session_id
    again = Rig(ScriptedModel(says("I see")))
    first, second = FakeTerminal(), FakeTerminal()
    again.next_terminals = [first, second]
    first.fate, first.cut_follow = StillRunning(), RelayError("It ended.")
    second.fate = CommandEnded(0, "late", 0, 1.0, "/workspace")
    async with running(tmp_path, again.model, rig=again, resume=session_id) as rig:
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert deeds(rig)[0].state is ActionState.FINISHED


async def test_a_replaced_box_makes_the_running_command_unknown(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x", "y"), says("done")))
    first, second = FakeTerminal(), FakeTerminal()
    rig.next_terminals = [first, second]
    first.cut = ContainerGone("The box went away.")
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        rig.sandbox.box = FakeBox("box-2")
        await rig.allow(rows["x"])
        await rig.until(lambda: rows["y"].state is ActionState.SUPERSEDED)
        assert rows["x"].state is ActionState.UNKNOWN
        [again] = await rig.waiting()
        assert (again.preview.text, again.action.container) == ("y", "box-2")
        await rig.allow(again)
        await rig.rest()
        assert [text for _, text in second.ran] == ["y"]


async def test_a_file_tool_whose_box_was_lost_is_asked_for(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(calls(("read_file", {"path": "a"})), says("done")))
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.box.answers = [
            ContainerGone("Docker did not answer."),
            ExecResult(100, b"1\nhi\n", b""),
        ]
        await rig.allow(deed)
        await rig.rest()
        assert deed.state is ActionState.FINISHED
        assert deed.execution is not None
        assert deed.execution.output == "hi\n"


async def test_a_box_that_cannot_be_had_for_a_second_question(tmp_path: Path) -> None:
    model = ScriptedModel(shell("cd /tmp", "ls"), says("done"))
    rig = Rig(model)
    first, second = FakeTerminal(), FakeTerminal()
    rig.next_terminals = [first, second]
    async with running(tmp_path, model, rig=rig):
        await rig.session.send("please")
        rows = {d.preview.text: d for d in await rig.waiting(2)}
        first.lose()
        states = (BoxState.ABSENT,)
        await rig.until(lambda: any(getattr(e, "state", "") in states for e in rig.events))
        rig.sandbox.error = ContainerGone("It is gone.")
        await rig.allow(rows["ls"])
        await rig.until(lambda: rows["ls"].state is ActionState.SUPERSEDED)
        await rig.deny(rows["cd /tmp"])
        assert (await rig.rest()).sentence == "It is gone."
        assert first.ran == second.ran == []


async def test_a_terminal_that_cannot_be_sized_is_said_and_let_go(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel(shell("x"), says("done")))
    bad, good = FakeTerminal(), FakeTerminal()
    bad.resize_error = RelayError("No size.")
    rig.next_terminals = [bad, good]
    rig.looked.clear()
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.resize(80, 24)
        rig.looked.set()
        failed = BoxState.FAILED
        await rig.until(lambda: any(getattr(e, "state", "") is failed for e in rig.events))
        assert bad.closed
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE


async def test_leaving_a_mend_ends_it(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel()) as rig:
        async with contextlib.aclosing(rig.session.mend("image")) as steps:
            assert (await anext(steps)).sentence == "mending image"
        assert rig.setup.cancelled == ["image"]


# --- our own defects


async def test_an_error_of_ours_in_a_command_ends_as_unknown(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.terminal.cut = ValueError("a defect")
        rig.terminal.fate = CommandEnded(0, "after all", 0, 1.0, "/workspace")
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert deed.state is ActionState.FINISHED


async def test_an_error_of_ours_in_a_file_tool_ends_as_unknown(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("read_file", {"path": "a"})), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.box.answers = [ValueError("a defect"), ValueError("a defect")]
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert deed.state is ActionState.UNKNOWN


async def test_an_error_of_ours_in_a_turn_is_one_sentence(tmp_path: Path) -> None:
    model = ScriptedModel(shell("x"), says("fine"))
    async with running(tmp_path, model) as rig:
        await rig.until(lambda: any(getattr(e, "state", "") == "ready" for e in rig.events))
        rig.session._keeper._ready = None
        rig.sandbox.error = ValueError("a defect")
        await rig.session.send("please")
        ended = await rig.rest()
        assert "ValueError" in ended.sentence
        rig.sandbox.error = None
        rig.events.clear()
        await rig.session.send("again")
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert len(remarks(rig)) == 1


async def test_a_listener_that_fails_does_not_break_the_session(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("x"), says("done"))) as rig:

        def broken(event: ev.Event) -> None:
            raise ValueError("a defect of the screen")

        undo = rig.session.listen(broken)
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome is ev.TurnOutcome.DONE
        assert rig.terminal.ran == [(deed.id, "x")]
        undo()


async def _open_and_close(path: Path, rig: Rig) -> None:
    async with running(path, rig.model, rig=rig):
        await rig.until(lambda: any(getattr(e, "state", "") == "ready" for e in rig.events))


async def test_closing_reaches_the_ledger_whatever_fails(tmp_path: Path) -> None:
    rig = Rig(ScriptedModel())
    rig.terminal.close_error = ValueError("a defect")
    with pytest.raises(ValueError, match="a defect"):
        await _open_and_close(tmp_path, rig)
    async with asyncio.timeout(10):
        async with running(tmp_path, ScriptedModel()):
            pass


async def test_a_box_that_dies_while_it_is_connected_is_started_again(tmp_path: Path) -> None:
    model = ScriptedModel(shell("ls"), says("ok"))
    rig = Rig(model)
    rig.sandbox.errors = [ContainerGone("It went away."), ContainerGone("It went away.")]
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert [text for _, text in rig.terminal.ran] == ["ls"]
