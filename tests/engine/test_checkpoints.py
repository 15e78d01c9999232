"""Checkpoints in a session: before what can write, told afterwards, and undone by the person."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.audit import AuditKind
from pocketcoder_tui.core.checkpoints import (
    MAKING,
    Checkpoint,
    CheckpointMade,
    CheckpointMissed,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.errors import CheckpointError, PlanStale
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.core.transcript import Deed, Undone
from pocketcoder_tui.engine.checkpoints import CheckpointDesk, Unkept
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.history import history
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.tools import TOOLS
from pocketcoder_tui.gatekeeper.policy import Verdict
from pocketcoder_tui.gatekeeper.toolset import LOOKING, STOPPING
from pocketcoder_tui.ledger.inspection import records
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.keepers import SlowKeeper, allowed_and_writing
from tests.engine.rig import Rig, running

FULL = "No checkpoint can be made: no space left on device."


class Failing(CheckpointKeeper):
    """A keeper whose disk is full while ``full`` is set."""

    full = True

    def look(self) -> str:
        if self.full:
            raise CheckpointError(FULL)
        return super().look()

    def take(self, *args: str, **kwargs: str) -> Checkpoint:
        if self.full:
            raise CheckpointError(FULL)
        return super().take(*args, **kwargs)


def rig_with(model: ScriptedModel, kind: type[CheckpointKeeper], path: Path) -> Rig:
    rig = Rig(model)
    (path / "workspace").mkdir(exist_ok=True)
    rig.keeper = kind(path / "workspace", path / "checkpoints")
    return rig


def kinds(rig: Rig, *wanted: type) -> list[ev.Event]:
    return [event for event in rig.events if isinstance(event, wanted)]


async def run_one(rig: Rig, path: Path, writes: str) -> Deed:
    """Allow one command, which writes a file while it runs."""
    deed = await allowed_and_writing(rig, path / "workspace" / "made", writes)
    await rig.rest()
    return deed


def test_every_tool_is_known_to_write_or_not() -> None:
    assert set(TOOLS) - LOOKING - set(STOPPING) == {
        "shell", "shell_input", "write_file", "edit_file"
    }  # fmt: skip


async def test_kept_before_it_leaves_and_told_after_its_end(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("make"), says("done"))) as rig:
        deed = await run_one(rig, tmp_path, "one\ntwo\n")
        await rig.until(lambda: deed.changed is not None)
        made, left = kinds(rig, CheckpointMade, ev.ActionDispatched)
        assert isinstance(made, CheckpointMade)
        assert isinstance(left, ev.ActionDispatched)
        assert rig.events.index(left) == rig.events.index(made) + 1
        assert deed.checkpoint == made.number == 1
        assert deed.changed is not None
        [change] = deed.changed.difference.changes
        assert (change.path, change.added, change.removed) == ("made", 2, 0)
        assert not deed.changed.beside
        [entry] = await rig.session.checkpoints.entries()
        assert (entry.label, entry.action_id) == ("run make", deed.id)


async def test_what_only_looks_is_not_kept(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("read_file", {"path": "a"})), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
        assert not kinds(rig, CheckpointMade, WorkspaceChanged)


async def test_nothing_changed_is_not_told(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("ls"), says("done"))) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
    assert kinds(rig, CheckpointMade)
    assert not kinds(rig, WorkspaceChanged)


async def test_a_full_disk_is_said_and_asked_and_the_person_may_go_on(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig = rig_with(model, Failing, tmp_path)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        [again] = await rig.waiting()
        assert rig.terminal.ran == []
        assert again.why.startswith(FULL)
        assert "Undo will not bring back" in again.why
        await rig.allow(again)
        await rig.rest()
        assert rig.terminal.ran == [(again.id, "make")]
        assert again.unkept == FULL
        assert len(kinds(rig, CheckpointMissed)) == 1
        assert not kinds(rig, CheckpointMade)


async def test_space_again_before_the_second_answer_and_it_is_kept(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig = rig_with(model, Failing, tmp_path)
    async with running(tmp_path, model, rig=rig) as rig:
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        [again] = await rig.waiting()
        assert isinstance(rig.keeper, Failing)
        rig.keeper.full = False
        await rig.allow(again)
        await rig.rest()
        assert again.checkpoint == 1
        assert not kinds(rig, CheckpointMissed)


def desk(keeper: CheckpointKeeper | None) -> CheckpointDesk:
    def fail(task: str, error: BaseException) -> None:
        raise AssertionError(task) from error

    class Nowhere:
        async def record(self, session_id: str, *events: ev.Durable) -> None:
            return None

    journal = Journal(cast(Ledger, Nowhere()), "s1")

    async def idle() -> bool:
        return False

    return CheckpointDesk(keeper, journal, Crew(fail), Masker(), idle)


def by(action_id: str, digest: str, who: DecidedBy) -> Decision:
    return Decision(action_id, Outcome.ALLOW, who, digest)


@pytest.mark.parametrize("who", [DecidedBy.MODE, DecidedBy.RULE])
async def test_without_a_checkpoint_no_mode_and_no_rule_lets_it_run(
    tmp_path: Path, who: DecidedBy
) -> None:
    from tests.ui.bench import command

    proposed = command("a1", "make")
    (tmp_path / "w").mkdir()
    keeper = Failing(tmp_path / "w", tmp_path / "store")
    checkpoints = desk(keeper)
    await checkpoints._journal.write(proposed)
    action, allows = proposed.action, Verdict(Outcome.ALLOW, "it stays inside", by=who)
    assert checkpoints.checked(action, allows) == allows  # nobody has tried yet
    with pytest.raises(Unkept, match="no space left"):
        await checkpoints.before(action, by(action.id, action.digest, who))
    asked = checkpoints.checked(action, allows)
    assert asked.outcome is None
    assert asked.why.startswith(FULL)
    with pytest.raises(Unkept):  # the answer is not a person's
        await checkpoints.before(action, by(action.id, action.digest, who))
    checkpoints.checked(action, allows)
    [missed] = await checkpoints.before(action, by(action.id, action.digest, DecidedBy.PERSON))
    assert isinstance(missed, CheckpointMissed)
    with pytest.raises(Unkept):  # the permission was for once
        await checkpoints.before(action, by(action.id, action.digest, DecidedBy.PERSON))
    await checkpoints._crew.dismiss()
    await checkpoints.aclose()


async def test_switched_off_a_mode_asks_and_a_person_is_not_bothered() -> None:
    from tests.ui.bench import command

    action = command("a1", "make").action
    checkpoints = desk(None)
    assert checkpoints.checked(action, Verdict(Outcome.ALLOW, "stays")).outcome is None
    asks = Verdict(None, "Ask mode.")
    assert checkpoints.checked(action, asks) == asks
    assert await checkpoints.before(action, by(action.id, action.digest, DecidedBy.PERSON)) == []
    with pytest.raises(CheckpointError, match="switched off"):
        await checkpoints.plan()
    await checkpoints.aclose()


async def test_a_slow_checkpoint_is_said_and_a_stop_ends_the_wait(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig = rig_with(model, SlowKeeper, tmp_path)
    async with running(tmp_path, model, rig=rig) as rig:
        assert isinstance(rig.keeper, SlowKeeper)
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.held == MAKING)
        await rig.session.stop()
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        rig.keeper.gate.set()
        assert rig.terminal.ran == []
        assert deed.held == ""


async def test_what_ran_beside_is_said(tmp_path: Path) -> None:
    one = calls(("shell", {"command": "serve", "window": "server"}))
    model = ScriptedModel([*one[:-1], *shell("make")], says("done"))
    async with running(tmp_path, model) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        for deed in await rig.waiting(2):
            await rig.allow(deed)
            await rig.until(lambda: len(rig.terminal.ran) >= 1)
        await rig.until(lambda: len(rig.terminal.ran) == 2)
        (tmp_path / "workspace" / "f").write_text("whose?")
        rig.terminal.gate.set()
        await rig.until(lambda: len(kinds(rig, WorkspaceChanged)) == 2)
        assert all(
            e.beside for e in kinds(rig, WorkspaceChanged) if isinstance(e, WorkspaceChanged)
        )


async def test_an_undo_is_shown_done_recorded_and_told(tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"), says("I see."))
    async with running(tmp_path, model) as rig:
        deed = await run_one(rig, tmp_path, "one\n")
        await rig.until(lambda: deed.changed is not None)
        plan = await rig.session.checkpoints.plan()
        assert plan.checkpoint.label == "run make"
        assert "-one" in plan.text
        restored = await rig.session.checkpoints.undo(plan)
        assert not (tmp_path / "workspace" / "made").exists()
        assert (restored.checkpoint, restored.before, restored.left) == (1, 2, ())
        [entry] = [e for e in rig.session.transcript.entries.values() if isinstance(e, Undone)]
        assert entry.label == "run make"
        assert len(kinds(rig, WorkspaceRestored)) == 1
        rig.events.clear()
        await rig.session.send("go on")
        await rig.rest()
        told = "\n".join(message.text for message in model.requests[-1].messages)
        assert "it is again as it was before `run make`. Not as you left them: made." in told
        redo = await rig.session.checkpoints.plan(restored.before)
        await rig.session.checkpoints.undo(redo)
        assert (tmp_path / "workspace" / "made").read_text() == "one\n"
    kept = [
        r["facts"] for r, _, _ in records(tmp_path / "ledger.db") if r["kind"] == AuditKind.UNDO
    ]
    assert [fact["checkpoint"] for fact in kept] == [1, 2]


async def test_an_undo_of_what_is_not_as_shown_does_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("make"), says("done"))) as rig:
        await run_one(rig, tmp_path, "one\n")
        plan = await rig.session.checkpoints.plan()
        (tmp_path / "workspace" / "made").write_text("two\n")
        with pytest.raises(PlanStale):
            await rig.session.checkpoints.undo(plan)
        assert (tmp_path / "workspace" / "made").read_text() == "two\n"
        assert not kinds(rig, WorkspaceRestored)


async def test_an_undo_that_a_crash_cut_short_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "undoing").write_text("7 4\n")
    for count in (1, 0):
        async with running(tmp_path, ScriptedModel(says("hi"))) as rig:
            await rig.session.send("hello")
            await rig.rest()
            told: Sequence[ev.Event] = [
                e for e in rig.events if isinstance(e, ev.Noticed) and "cut short" in e.sentence
            ]
            assert len(told) == count


async def test_a_resumed_session_shows_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("make"), says("done"))) as rig:
        deed = await run_one(rig, tmp_path, "one\n")
        await rig.until(lambda: deed.changed is not None)
        await rig.session.checkpoints.undo(await rig.session.checkpoints.plan())
        live, session_id = rig.session.transcript.entries, rig.session.transcript.session_id
        told = history(rig.session._journal.events)
    async with running(tmp_path, ScriptedModel(), resume=session_id) as again:
        assert again.session.transcript.entries == live
        assert history(again.session._journal.events) == told


async def test_a_deleted_session_takes_its_checkpoints_along(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("echo hush"), says("done"))) as rig:
        await run_one(rig, tmp_path, "one\n")
        session_id = rig.session.transcript.session_id
    async with running(tmp_path, ScriptedModel(shell("ls"), says("done"))) as rig:
        await run_one(rig, tmp_path, "two\n")
        await rig.session.library.delete(session_id)
        assert [e.label for e in await rig.session.checkpoints.entries()] == ["run ls"]
