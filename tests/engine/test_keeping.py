"""The keeper in a process of its own: the same answers, the same errors, and it may die."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import CheckpointError, PlanStale
from pocketcoder_tui.engine.keeping import KeeperProcess, Keeping
from pocketcoder_tui.sandbox.checkpoints import Limits
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.keepers import allowed_and_writing
from tests.engine.rig import Rig, running


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    (tmp_path / "workspace").mkdir()
    return Keeping(tmp_path / "workspace", tmp_path / "checkpoints", Limits(), 30)


@pytest.fixture
def keeper(keeping: Keeping) -> Iterator[KeeperProcess]:
    made = KeeperProcess(keeping)
    yield made
    made.close()


def pid_of(keeper: KeeperProcess) -> int:
    assert keeper._process is not None
    return keeper._process.pid


def test_taken_planned_and_brought_back(keeper: KeeperProcess, keeping: Keeping) -> None:
    place = keeping.workspace / "Makefile"
    place.write_text("one\n")
    first = keeper.take("run make", action_id="a1", session_id="s1")
    place.write_text("two\n")
    tree, difference = keeper.since(first.tree)
    assert (keeper.look(), difference.total) == (tree, 1)
    plan = keeper.plan()
    assert plan.notes == ("Makefile: a build on your machine runs it.",)
    place.write_text("three\n")
    with pytest.raises(PlanStale) as stale:
        keeper.restore(plan)
    assert stale.value.hint == "Look at the difference again."
    keeper.restore(keeper.plan())
    assert place.read_text() == "one\n"
    assert keeper.unfinished() == (2, 1)
    assert [entry.label for entry in keeper.entries()] == ["run make", "undo to 1"]
    assert keeper.prune(forget=["a1"]) == 1


def test_no_process_before_it_is_needed(keeper: KeeperProcess) -> None:
    assert keeper.unfinished() is None
    keeper.halt()
    keeper.close()
    assert keeper._process is None


def test_a_process_that_dies_is_a_sentence_and_is_started_again(
    keeper: KeeperProcess, keeping: Keeping
) -> None:
    (keeping.workspace / "f").write_text("1")
    keeper.take("one")
    os.kill(pid_of(keeper), signal.SIGKILL)
    with pytest.raises(CheckpointError, match="ended"):
        keeper.take("two")
    assert keeper.take("three").number == 2


def test_it_ends_with_its_input_and_knows_what_it_knew(
    keeper: KeeperProcess, keeping: Keeping
) -> None:
    keeper.look()
    pid = pid_of(keeper)
    keeper.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (keeping.folder / "index").exists()


def test_modules_of_a_workspace_are_never_imported(
    keeper: KeeperProcess, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pickle.py", "sitecustomize.py", "json.py"):
        (keeping.workspace / name).write_text("open('trap', 'w')")
    monkeypatch.chdir(keeping.workspace)
    monkeypatch.setenv("PYTHONPATH", str(keeping.workspace))
    keeper.take("one")
    assert not (keeping.workspace / "trap").exists()


def test_halt_ends_a_walk_at_once(keeper: KeeperProcess, keeping: Keeping) -> None:
    for n in range(3_000):
        (keeping.workspace / f"f{n}").write_text(f"{n}")
    failed: list[str] = []

    def walk() -> None:
        try:
            while True:
                keeper.take("again")
                (keeping.workspace / "f0").write_text("again")
        except CheckpointError as error:
            failed.append(error.sentence)

    keeper.look()
    walking = threading.Thread(target=walk)
    walking.start()
    while walking.is_alive():
        keeper.halt()
        walking.join(0.01)
    assert failed == ["The program that keeps checkpoints ended."]


async def test_a_session_with_it(keeping: Keeping, tmp_path: Path) -> None:
    model = ScriptedModel(shell("make"), says("done"))
    rig = Rig(model)
    rig.keeper = KeeperProcess(keeping)
    async with running(tmp_path, model, rig=rig) as rig:
        deed = await allowed_and_writing(rig, keeping.workspace / "made", "one\n")
        await rig.until(lambda: deed.changed is not None)
        assert deed.checkpoint == 1
        await rig.session.checkpoints.undo(await rig.session.checkpoints.plan())
        assert not (keeping.workspace / "made").exists()
