"""A change of what the host runs that no decision named: put back, asked about, and kept whole."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    ActionState,
    DecidedBy,
    Decision,
    Outcome,
    ToolCall,
)
from pocketcoder_tui.core.checkpoints import CheckpointMade
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.core.holding import HELD, Placed
from pocketcoder_tui.core.terminal import Job
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine import holding as engine_holding
from pocketcoder_tui.engine.history import history
from pocketcoder_tui.gatekeeper.effects import Kind, effects_of
from pocketcoder_tui.gatekeeper.manifests import harmless
from pocketcoder_tui.gatekeeper.naming import named_by
from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.gatekeeper.policy import MODES, judge
from pocketcoder_tui.gatekeeper.rules import NotOffered, Place, Rule, Scope, denials, offers
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, holding
from tests.engine.fakes import ScriptedModel, Step, calls, says, shell
from tests.engine.keepers import allowed_and_writing
from tests.engine.rig import Rig, running


def keeper_of(path: Path, kind: type[CheckpointKeeper] = CheckpointKeeper) -> CheckpointKeeper:
    (path / "workspace").mkdir(exist_ok=True)
    return kind(path / "workspace", path / "c", guarded=guarded, harmless=harmless)


def rig_of(path: Path, *steps: Step, kind: type[CheckpointKeeper] = CheckpointKeeper) -> Rig:
    rig = Rig(ScriptedModel(*steps))
    rig.keeper = keeper_of(path, kind)
    return rig


def held(rig: Rig) -> list[Deed]:
    return [d for d in rig.session.transcript.waiting if d.action.call.tool == HELD]


async def planted(rig: Rig, write: Callable[[], object]) -> Deed:
    """Let a command write while it runs; returns the row that waits afterwards."""
    rig.terminal.gate.clear()
    await rig.session.send("please")
    [deed] = await rig.waiting()
    await rig.allow(deed)
    await rig.until(lambda: bool(rig.terminal.ran))
    await asyncio.to_thread(write)
    rig.terminal.gate.set()
    await rig.until(lambda: deed.changed is not None)
    [row] = held(rig)
    return row


def plant(path: Path, text: str = "evil\n", mode: int = 0o640) -> Callable[[], None]:
    """Write ``.envrc``, and a file that does not matter."""

    def write() -> None:
        (path / "workspace" / "plain").write_text("x")
        (path / "workspace" / ".envrc").write_text(text)
        (path / "workspace" / ".envrc").chmod(mode)

    return write


def told(rig: Rig) -> str:
    return "\n".join(m.text for m in history(rig.session._journal.events) if m.note)


async def test_it_is_put_back_and_allowing_puts_exactly_that_in_place(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    file = tmp_path / "workspace" / ".envrc"
    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, plant(tmp_path))
        assert not file.exists()
        assert row.preview.title == ".envrc"
        assert "+evil" in row.preview.text
        assert "make" in row.preview.notes[0]
        assert "put back" in told(rig)
        await rig.allow(row)
        await rig.until(lambda: row.state is ActionState.FINISHED)
        assert row.execution is not None
        assert (row.execution.status, row.execution.error) == (0, "")
        assert file.read_text() == "evil\n"
        assert file.stat().st_mode & 0o777 == 0o640
        assert "the person allowed the change" in told(rig)
        await rig.until(lambda: row.changed is not None)
        assert held(rig) == []
        await rig.session.checkpoints.undo(await rig.session.checkpoints.plan(row.checkpoint))
        assert not file.exists()


async def test_denying_leaves_it_and_tells_the_model_why(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    (tmp_path / "workspace" / ".envrc").write_text("mine\n")
    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, plant(tmp_path))
        await rig.deny(row, "not in this project")
        await rig.until(lambda: row.state is ActionState.DENIED)
        assert "not in this project" in told(rig)
    assert (tmp_path / "workspace" / ".envrc").read_text() == "mine\n"


async def test_what_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    file = tmp_path / "workspace" / ".envrc"
    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, plant(tmp_path))
        await rig.session.checkpoints._watch.over.wait()
        file.write_text("the person's own\n")
        await rig.allow(row)
        await rig.until(lambda: row.state is ActionState.FINISHED)
        assert row.execution is not None
        assert row.execution.status == 1
        assert ".envrc is not as it was" in row.execution.error
        assert file.read_text() == "the person's own\n"
        assert "is not as it was" in told(rig)


class Cut(CheckpointKeeper):
    """A keeper whose process ends before anything is put back."""

    def put_back(self, tree: str) -> Placed:
        raise CheckpointError("It ended.")


async def test_a_crash_before_the_put_back_leaves_a_row_and_no_file(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"), kind=Cut)
    file = tmp_path / "workspace" / ".envrc"
    async with running(tmp_path, rig.model, rig=rig):
        await allowed_and_writing(rig, file, "evil\n")
        await rig.until(lambda: bool(held(rig)))
        await rig.rest()
        session_id = rig.session.transcript.session_id
    assert file.exists()
    again = rig_of(tmp_path, says("done"))
    async with running(tmp_path, again.model, rig=again, resume=session_id):
        [row] = held(again)
        await again.until(lambda: row.id in again.session._desk._waiting)
        await again.allow(row)
        await again.until(lambda: row.state is ActionState.FINISHED)
        assert row.execution is not None
        assert row.execution.error == ""
        assert file.read_text() == "evil\n"


async def test_a_row_waits_again_in_the_next_process(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, plant(tmp_path))
        await rig.rest()
        session_id = rig.session.transcript.session_id
    again = rig_of(tmp_path, says("done"))
    async with running(tmp_path, again.model, rig=again, resume=session_id):
        [same] = held(again)
        assert same.id == row.id
        assert same.preview == row.preview
        await again.until(lambda: same.id in again.session._desk._waiting)
        await again.deny(same)
    assert not (tmp_path / "workspace" / ".envrc").exists()


async def test_the_end_of_the_program_leaves_nothing_unlooked_at(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    file = tmp_path / "workspace" / ".envrc"
    async with running(tmp_path, rig.model, rig=rig):
        await allowed_and_writing(rig, file, "evil\n")
        await rig.rest()
        assert not held(rig)
    assert not file.exists()


async def test_a_stop_does_not_answer_it(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), shell("more"), says("done"))
    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, plant(tmp_path))
        await rig.waiting(2)
        await rig.session.stop()
        [waits] = await rig.waiting()
        assert waits.id == row.id
        await rig.allow(row)
        await rig.until(lambda: row.state is ActionState.FINISHED)
    assert (tmp_path / "workspace" / ".envrc").exists()


@pytest.mark.parametrize("mode", ["contained", "plan"])
async def test_no_mode_answers(tmp_path: Path, mode: str) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    async with running(tmp_path, rig.model, rig=rig):
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: bool(rig.terminal.ran))
        await rig.session.rulebook.change_mode(mode)
        await asyncio.to_thread(plant(tmp_path))
        rig.terminal.gate.set()
        await rig.until(lambda: deed.changed is not None)
        [row] = held(rig)
        assert "no mode and no rule" in row.why


async def test_many_are_one_row_and_beyond_the_limit_they_are_only_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "MOST_HELD", 3)
    rig = rig_of(tmp_path, shell("make"), says("done"))
    folder = tmp_path / "workspace"

    def write() -> None:
        (folder / "plain").write_text("x")
        for number in range(5):
            (folder / f"{number}.mk").write_text("evil\n")

    async with running(tmp_path, rig.model, rig=rig):
        row = await planted(rig, write)
        assert row.action.call.arguments["paths"] == ["0.mk", "1.mk", "2.mk"]
        assert any("2 more files" in note for note in row.preview.notes)
        assert list(folder.glob("*.mk")) == []
        await rig.allow(row)
        await rig.until(lambda: row.state is ActionState.FINISHED)
        assert len(list(folder.glob("*.mk"))) == 3


@pytest.mark.parametrize("busy", [True, False])
async def test_between_actions_it_is_the_person_s_if_no_program_may_have_done_it(
    tmp_path: Path, busy: bool
) -> None:
    rig = rig_of(tmp_path, shell("one"), shell("two"), says("done"))
    file = tmp_path / "workspace" / ".envrc"
    async with running(tmp_path, rig.model, rig=rig):
        first = await allowed_and_writing(rig, tmp_path / "workspace" / "made", "by the action")
        [deed] = await rig.waiting()
        await rig.until(lambda: first.changed is not None)
        await rig.session.checkpoints._watch.over.wait()
        file.write_text("mine or not")
        if busy:
            rig.terminal.running.append(Job(7, "", False, 9.0, "server"))
        await rig.allow(deed)
        await rig.rest()
        assert file.exists() is not busy
        assert len(held(rig)) == busy
        trees = [e.tree for e in rig.events if isinstance(e, CheckpointMade)]
        assert len(trees) == 2


async def test_a_change_by_a_file_tool_that_was_shown_stands(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, calls(("write_file", {"path": ".envrc", "content": "x"})), says("done"))
    async with running(tmp_path, rig.model, rig=rig):
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: deed.state is ActionState.DISPATCHED)
        (tmp_path / "workspace" / ".envrc").write_text("x")
        await rig.rest()
        await rig.until(lambda: deed.changed is not None)
        assert held(rig) == []
    assert (tmp_path / "workspace" / ".envrc").read_text() == "x"


async def test_an_undo_is_no_change_by_a_program(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("echo x > Makefile"), shell("two"), says("done"))
    file = tmp_path / "workspace" / "Makefile"
    async with running(tmp_path, rig.model, rig=rig):
        first = await allowed_and_writing(rig, file, "all:\n")
        [second] = await rig.waiting()
        await rig.until(lambda: first.changed is not None)
        rig.terminal.running.append(Job(7, "", False, 9.0, "server"))
        await rig.session.checkpoints.undo(await rig.session.checkpoints.plan())
        assert not file.exists()
        await rig.allow(second)
        await rig.rest()
        assert held(rig) == []
        assert not file.exists()


async def test_what_cannot_be_put_back_is_named_once(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, shell("make"), says("done"))
    folder = tmp_path / "workspace" / "a"
    folder.mkdir()
    (folder / "Makefile").write_text("all:\n")

    def write() -> None:
        folder.rename(folder.with_name("b"))
        folder.symlink_to("b")

    async with running(tmp_path, rig.model, rig=rig):
        await planted(rig, write)
        notices = [e for e in rig.events if isinstance(e, ev.Noticed)]
        assert [n.sentence for n in notices] == [engine_holding.STUCK]
        assert "a/Makefile" in notices[0].hint
        assert not (folder.with_name("b") / "Makefile").exists()


def held_action() -> Action:
    call = ToolCall("c", HELD, {"paths": ["a/.envrc"], "tree": "00", "during": "x"})
    return Action("a", "s", "t", "", call, "", "")


@pytest.mark.parametrize("mode", MODES)
def test_no_allow_rule_answers_and_a_deny_rule_does(mode: str) -> None:
    places = [
        Place("write_file", "/workspace/a/.envrc"),
        Place("write_file", "/workspace", below=True),
        Place(HELD, "/workspace/a/.envrc"),
    ]
    allow = [Rule(f"{n}", Outcome.ALLOW, p, Scope.WORKSPACE, 0.0) for n, p in enumerate(places)]
    assert judge(held_action(), mode=mode, rules=allow, held=True).outcome is None
    for place in places:
        deny = Rule("d", Outcome.DENY, place, Scope.WORKSPACE, 0.0)
        found = judge(held_action(), mode=mode, rules=[*allow, deny])
        assert found.outcome is (None if place.tool == HELD else Outcome.DENY)
    effect, writes = effects_of(held_action()).effects
    assert writes.kind is Kind.WRITES
    assert effect.kind is Kind.GUARDED
    assert effect.sentence == (
        "Changes /workspace/a/.envrc: direnv runs it when you enter the folder."
    )
    assert isinstance(offers(held_action()), NotOffered)
    assert denials(held_action()) == ()


@pytest.mark.parametrize(
    ("command", "by", "named"),
    [
        ("echo x > .envrc", DecidedBy.PERSON, {".envrc"}),
        ("echo x > .envrc", DecidedBy.RULE, set()),
        ("echo x > .envrc", DecidedBy.MODE, set()),
        ("cd a && make", DecidedBy.PERSON, set()),
        ("echo x > a/Makefile", DecidedBy.PERSON, {"a/Makefile"}),
        ("echo x > $m", DecidedBy.PERSON, set()),
    ],
)
def test_what_a_decision_names(command: str, by: DecidedBy, named: set[str]) -> None:
    action = Action("a", "s", "t", "", ToolCall("c", "shell", {"command": command}), "", "")
    assert named_by(action, Decision("a", Outcome.ALLOW, by, action.digest)) == named
    assert named_by(action, Decision("a", Outcome.DENY, by, action.digest)) == set()
    assert named_by(action, None) == set()


def test_only_what_tells_of_a_package_may_change() -> None:
    old = b'{"name": "a", "version": "1", "scripts": {"x": "y"}}'
    assert harmless("a/package.json", old, old.replace(b'"1"', b'"2"'))
    assert not harmless("a/package.json", old, old.replace(b'"y"', b'"z"'))
    assert not harmless("a/package.json", old, old.replace(b'"version"', b'"bin"'))
    assert not harmless(
        "a/package.json", old, b'{"name": "a", "scripts": {}, "scripts": {"x": "y"}}'
    )
    assert not harmless("a/package.json", old, b"[" * 100_000)
    assert not harmless("Makefile", b"{}", b"{}")
    assert not harmless(".vscode/package.json", old, old.replace(b'"1"', b'"2"'))
