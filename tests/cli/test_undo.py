"""`pocketcoder undo`, `diff`, `checkpoints`: shown, asked, done, recorded, and undone again."""

import asyncio
import json

import pytest

from pocketcoder_tui.cli.arguments import UsageError, parse
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.checkpoints import WorkspaceRestored
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.cli.conftest import Run, Typed

SESSION = new_id()


@pytest.fixture
def kept(paths: Paths) -> Paths:
    """A workspace in which two actions changed something."""
    paths.prepare()

    async def begin() -> None:
        async with await SqliteLedger.open(paths.ledger) as ledger:
            await ledger.record(SESSION, ev.SessionStarted(SESSION, str(paths.workspace), 1.0))

    asyncio.run(begin())
    with CheckpointKeeper(paths.workspace, paths.checkpoints) as keeper:
        keeper.take("run make", action_id="a1", session_id=SESSION)
        (paths.workspace / "Makefile").write_text("all:\n\techo hi\n")
        keeper.take("edit \x1b]0;evil\x07 Makefile", action_id="a2", session_id=SESSION)
        (paths.workspace / "Makefile").write_text("all:\n\trm -rf x\n")
    return paths


def events(paths: Paths) -> list[ev.Durable]:
    async def read() -> list[ev.Durable]:
        async with await SqliteLedger.open(paths.ledger) as ledger:
            return await ledger.replay(SESSION)

    return asyncio.run(read())


def test_listed_for_people_and_programs(kept: Paths, run: Run) -> None:
    listed = run("checkpoints").stdout.splitlines()
    assert [line.split("before ")[1] for line in listed] == [
        "run make", "edit <U+001B>]0;evil<U+0007> Makefile"
    ]  # fmt: skip
    first = json.loads(run("checkpoints", "--json").stdout.splitlines()[0])
    assert (first["number"], first["kind"], first["action_id"]) == (1, "action", "a1")


def test_diff_shows_and_changes_nothing(kept: Paths, run: Run) -> None:
    shown = run("diff", "2")
    assert shown.returncode == 0
    removed, added = [line for line in shown.stdout.splitlines() if line[:1] in "+-"][2:]
    assert removed.endswith("rm -rf x")
    assert added.endswith("echo hi")
    assert "! Makefile: a build on your machine runs it." in shown.stdout
    assert "--- Makefile\n+++ (nothing)" in run("diff", "1").stdout
    assert (kept.workspace / "Makefile").read_text() == "all:\n\trm -rf x\n"
    assert not list(kept.state.glob("look-*"))


def test_diff_works_while_a_pocketcoder_works(kept: Paths, run: Run) -> None:
    with CheckpointKeeper(kept.workspace, kept.checkpoints) as keeper:
        keeper.look()
        assert "+++ (nothing)" in run("diff", "1").stdout
        refused = run("undo", "--yes")
    assert refused.returncode == 1
    assert "Another pocketcoder" in refused.stderr


def test_undone_recorded_and_undone_again(kept: Paths, run: Run) -> None:
    done = run("undo", "--yes")
    assert done.returncode == 0, done.stderr
    assert (kept.workspace / "Makefile").read_text() == "all:\n\techo hi\n"
    [event] = [e for e in events(kept) if isinstance(e, WorkspaceRestored)]
    assert (event.restored.checkpoint, event.restored.before) == (2, 3)
    assert "pocketcoder undo 3" in done.stdout
    assert run("undo", "--yes").returncode == 0
    assert not (kept.workspace / "Makefile").exists()
    assert run("undo", "3", "--yes").returncode == 0
    assert (kept.workspace / "Makefile").read_text() == "all:\n\trm -rf x\n"
    assert run("audit", "verify").returncode == 0
    assert run("audit", "show").stdout.count("undo ") == 3


def test_it_is_asked_and_no_is_no(kept: Paths, typed: Typed, run: Run) -> None:
    status, text = typed("undo", question="Bring this back? [y/N]", answer="n\n")
    assert status == 1
    assert "Nothing was changed." in text
    assert (kept.workspace / "Makefile").exists()
    assert run("undo").returncode == 1  # nobody to ask
    status, text = typed("undo", question="Bring this back? [y/N]", answer="y\n")
    assert status == 0, text
    assert "echo hi" in (kept.workspace / "Makefile").read_text()


def test_refused_while_somebody_has_the_ledger(kept: Paths, run: Run) -> None:
    async def undo_meanwhile() -> str:
        async with await SqliteLedger.open(kept.ledger):
            return (await asyncio.to_thread(run, "undo", "--yes")).stderr

    assert "Press F6 there" in asyncio.run(undo_meanwhile())


def test_a_damaged_ledger_keeps_an_undo_from_being_done(kept: Paths, run: Run) -> None:
    data = kept.ledger.read_bytes()
    kept.ledger.write_bytes(data.replace(SESSION.encode(), new_id().encode(), 1))
    refused = run("undo", "--yes")
    assert refused.returncode == 1
    assert (kept.workspace / "Makefile").read_text() == "all:\n\trm -rf x\n"


def test_sentences_when_there_is_nothing(paths: Paths, run: Run) -> None:
    assert "no checkpoints" in run("undo").stderr
    with CheckpointKeeper(paths.workspace, paths.checkpoints) as keeper:
        keeper.take("ls")
    assert "nothing to undo" in run("undo").stderr
    assert "no checkpoint 99" in run("diff", "99").stderr


@pytest.mark.parametrize(
    ("words", "number", "workspace"),
    [([], 0, "."), (["3"], 3, "."), (["shop"], 0, "shop"), (["3", "shop"], 3, "shop"),
     (["./3"], 0, "./3")],
)  # fmt: skip
def test_number_and_folder(words: list[str], number: int, workspace: str) -> None:
    found = parse(["undo", *words])
    assert (found.number, found.workspace) == (number, workspace)


def test_two_folders_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="not the number"):
        parse(["diff", "one", "two"])
