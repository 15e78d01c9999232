"""An action that waits is changed by the person, a decision is taken back until it has left."""

import asyncio
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.core.terminal import CommandHeld
from pocketcoder_tui.core.transcript import Deed
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import Rig, running


def told(rig: Rig) -> list[dict[str, object]]:
    """What the model got for the calls of its first reply, in their order."""
    [message] = [m for m in rig.model.requests[1].messages if m.results]
    return [dict(result.response) for result in message.results]


def state_of(rig: Rig, action_id: str) -> ActionState:
    return rig.session.transcript.deed(action_id).state


async def second_row(rig: Rig, first: Deed) -> Deed:
    """The row that took the place of another one."""
    await rig.until(lambda: any(d.action.supersedes == first.id for d in waiting(rig)))
    return next(d for d in waiting(rig) if d.action.supersedes == first.id)


def waiting(rig: Rig) -> list[Deed]:
    return rig.session.transcript.waiting


# --- changing


async def test_an_edited_command_waits_for_its_own_decision(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("rm -rf x"), says("ok"))) as rig:
        await rig.session.send("please")
        [old] = await rig.waiting()
        await rig.session.review.edit(old.id, "rm x")
        new = await second_row(rig, old)
        assert state_of(rig, old.id) is ActionState.SUPERSEDED
        assert new.preview.text == "rm x"
        assert new.edited
        assert rig.terminal.ran == []
        with pytest.raises(TransitionRefused):
            await rig.allow(old)
        await rig.allow(new)
        await rig.rest()
        assert rig.terminal.ran == [(new.id, "rm x")]
        [answer] = told(rig)
        assert "rm x" in str(answer["changed_by_the_person"])
        assert "rm -rf x" not in str(answer)


async def test_an_edited_command_that_waits_is_still_the_persons_after_a_crash(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"))) as rig:
        await rig.session.send("please")
        [old] = await rig.waiting()
        await rig.session.review.edit(old.id, "ls -a")
        new = await second_row(rig, old)
        session_id = rig.session.transcript.session_id
    async with running(tmp_path, ScriptedModel(says("ok")), resume=session_id) as rig:
        [same] = await rig.waiting()
        assert (same.id, same.edited, same.preview.text) == (new.id, new.edited, "ls -a")
        await rig.until(lambda: same.id in rig.session._desk._waiting)
        await rig.session.review.edit(same.id, "ls -l")
        third = await second_row(rig, same)
        await rig.allow(third)
        await rig.rest()
        assert rig.terminal.ran == [(third.id, "ls -l")]


async def test_an_edited_command_whose_directory_changes_stays_edited(tmp_path: Path) -> None:
    model = ScriptedModel(shell("cd /workspace/sub", "ls"), says("ok"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        move, ls = await rig.waiting(2)
        await rig.session.review.edit(ls.id, "ls -a")
        edited = await second_row(rig, ls)
        await rig.allow(move)
        again = await second_row(rig, edited)
        assert again.edited == edited.edited
        assert again.action.cwd == "/workspace/sub"
        await rig.allow(again)
        await rig.rest()


@pytest.mark.parametrize("text", ["ls", "", "l\0s", "l\ud800"])
async def test_an_edit_that_changes_nothing_or_fits_nothing_is_refused(
    tmp_path: Path, text: str
) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("ok"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(TransitionRefused):
            await rig.session.review.edit(deed.id, text)
        assert [d.id for d in waiting(rig)] == [deed.id]
        await rig.allow(deed)
        await rig.rest()
        assert rig.terminal.ran == [(deed.id, "ls")]


async def test_an_edit_after_the_decision_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("ok"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        go_on = rig.disk.hold("action_decided")
        deciding = asyncio.ensure_future(rig.allow(deed))
        await asyncio.wait_for(rig.disk.reached["action_decided"].wait(), 10)
        with pytest.raises(TransitionRefused, match="decided already"):
            await rig.session.review.edit(deed.id, "rm x")
        go_on.set()
        await deciding
        await rig.rest()
        assert rig.terminal.ran == [(deed.id, "ls")]


async def test_a_comment_reaches_the_model_with_the_result(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("ok"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.session.decide(deed.id, Outcome.ALLOW, "only this once")
        await rig.rest()
        [answer] = told(rig)
        assert answer["comment_of_the_person"] == "only this once"
        assert answer["output"] == "out of ls"
        assert "error" not in answer


# --- hunks

OLD = "".join(f"line {n}\n" for n in range(40))
NEW = OLD.replace("line 2\n", "LINE 2\n").replace("line 30\n", "LINE 30\nmore\n")


def peeked(text: str) -> ExecResult:
    return ExecResult(0, b"/workspace/a.txt\0" + b"0" * 64 + b"\0" + text.encode(), b"")


async def test_a_part_of_a_change_is_a_change_of_its_own(tmp_path: Path) -> None:
    ask = calls(("write_file", {"path": "a.txt", "content": NEW}))
    async with running(tmp_path, ScriptedModel(ask, says("ok"))) as rig:
        rig.box.answer = peeked(OLD)
        await rig.session.send("please")
        [old] = await rig.waiting()
        await rig.session.review.keep_hunks(old.id, {1})
        new = await second_row(rig, old)
        expected = OLD.replace("line 30\n", "LINE 30\nmore\n")
        assert new.action.call.arguments == {"path": "a.txt", "content": expected}
        assert "LINE 2" not in new.preview.text
        assert (new.preview.added, new.preview.removed) == (2, 1)
        await rig.allow(new)
        await rig.rest()
        [answer] = told(rig)
        assert "changed_by_the_person" in answer


@pytest.mark.parametrize("chosen", [set(), {0, 1}, {7}])
async def test_no_part_the_whole_and_what_is_not_there_are_refused(
    tmp_path: Path, chosen: set[int]
) -> None:
    ask = calls(("write_file", {"path": "a.txt", "content": NEW}))
    async with running(tmp_path, ScriptedModel(ask)) as rig:
        rig.box.answer = peeked(OLD)
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(TransitionRefused):
            await rig.session.review.keep_hunks(deed.id, chosen)
        assert [d.id for d in waiting(rig)] == [deed.id]


async def test_parts_of_a_file_that_changed_are_not_taken(tmp_path: Path) -> None:
    ask = calls(("write_file", {"path": "a.txt", "content": NEW}))
    async with running(tmp_path, ScriptedModel(ask)) as rig:
        rig.box.answer = peeked(OLD)
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.box.answer = peeked(OLD + "other\n")
        with pytest.raises(TransitionRefused, match="changed since"):
            await rig.session.review.keep_hunks(deed.id, {1})


async def test_the_second_change_of_a_file_is_shown_anew_after_the_first(tmp_path: Path) -> None:
    ask = calls(
        ("write_file", {"path": "a.txt", "content": "one\n"}),
        ("write_file", {"path": "/workspace/./a.txt", "content": "two\n"}),
        ("write_file", {"path": "b.txt", "content": "other\n"}),
    )
    async with running(tmp_path, ScriptedModel(ask, says("ok"))) as rig:
        rig.box.answer = peeked("")
        await rig.session.send("please")
        first, second, other = await rig.waiting(3)
        await rig.allow(first)
        again = await second_row(rig, second)
        assert {d.id for d in waiting(rig)} == {again.id, other.id}


async def test_two_changes_of_a_file_that_were_allowed_together_are_not_both_written(
    tmp_path: Path,
) -> None:
    ask = calls(
        ("write_file", {"path": "a.txt", "content": "one\n"}),
        ("write_file", {"path": "a.txt", "content": "two\n"}),
    )
    async with running(tmp_path, ScriptedModel(ask, says("ok"))) as rig:
        rig.box.answer = peeked("")
        await rig.session.send("please")
        first, second = await rig.waiting(2)
        await asyncio.gather(rig.allow(first), rig.allow(second))
        again = await second_row(rig, second)
        assert state_of(rig, first.id) is ActionState.FINISHED
        assert [d.id for d in waiting(rig)] == [again.id]


# --- taking back


async def test_a_command_that_waits_for_a_prompt_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("ok"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.terminal.main.held.put_nowait(CommandHeld("You are typing there.", True))
        await rig.allow(deed)
        await rig.until(lambda: bool(rig.session.transcript.deed(deed.id).held))
        assert await rig.session.review.undo() == deed.id
        again = await second_row(rig, deed)
        assert state_of(rig, deed.id) is ActionState.SUPERSEDED
        rig.terminal.main.held.put_nowait(None)
        await rig.deny(again)
        await rig.rest()
        assert rig.terminal.ran == []


async def test_a_command_behind_another_one_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("one", "two"), says("ok"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        one, two = await rig.waiting(2)
        await rig.allow(one)
        await rig.allow(two)
        await rig.until(lambda: bool(rig.terminal.ran))
        assert await rig.session.review.undo() == two.id
        again = await second_row(rig, two)
        with pytest.raises(TransitionRefused, match="has left"):
            await rig.session.review.undo()
        rig.terminal.gate.set()
        await rig.allow(again)
        await rig.rest()
        assert rig.terminal.ran == [(one.id, "one"), (again.id, "two")]


async def test_what_has_left_cannot_be_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("ok"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        go_on = rig.disk.hold("action_dispatched")
        await rig.allow(deed)
        await asyncio.wait_for(rig.disk.reached["action_dispatched"].wait(), 10)
        with pytest.raises(TransitionRefused, match="has left"):
            await rig.session.review.undo()
        go_on.set()
        rig.terminal.gate.set()
        await rig.rest()
        assert rig.terminal.ran == [(deed.id, "ls")]


async def test_a_denial_is_taken_back_while_the_model_does_not_know(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("one", "two"), says("ok"))) as rig:
        await rig.session.send("please")
        one, two = await rig.waiting(2)
        await rig.deny(one, "no")
        assert await rig.session.review.undo() == one.id
        again = await second_row(rig, one)
        assert state_of(rig, one.id) is ActionState.DENIED
        await rig.allow(two)
        await rig.until(lambda: bool(rig.terminal.ran))
        await rig.allow(again)
        await rig.rest()
        assert [text for _, text in rig.terminal.ran] == ["two", "one"]
        assert [answer["output"] for answer in told(rig)] == ["out of one", "out of two"]


async def test_a_denial_that_the_model_knows_stays(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("one"), says("ok"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        with pytest.raises(TransitionRefused, match="not decided anything"):
            await rig.session.review.undo()
        await rig.deny(deed)
        await rig.rest()
        with pytest.raises(TransitionRefused, match="told of the denial"):
            await rig.session.review.undo()


async def test_stopping_wins_over_taking_back(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        rig.terminal.main.held.put_nowait(CommandHeld("You are typing there.", True))
        await rig.allow(deed)
        await rig.until(lambda: bool(rig.session.transcript.deed(deed.id).held))
        stopping = asyncio.ensure_future(rig.session.stop())
        undoing = asyncio.ensure_future(rig.session.review.undo())
        await asyncio.gather(stopping, undoing, return_exceptions=True)
        await rig.until(lambda: not any(d.state.is_open for d in everything(rig)))
        assert rig.terminal.ran == []
        kinds = [e.kind for e in rig.session._journal.events if isinstance(e, ev.TurnEnded)]
        assert len(kinds) == 1


def everything(rig: Rig) -> list[Deed]:
    return [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]
