"""`pocketcoder backup`, `restore` and `recover`, as a person runs them."""

import asyncio
import random
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.ledger.inspection import examine
from pocketcoder_tui.ledger.ownership import Ownership
from tests.cli.conftest import Run, Typed
from tests.ledger.tampering import TABLES, change, files_of, fill, put_files, released


@pytest.fixture
def ledger(paths: Paths) -> Path:
    """The workspace's ledger, with many actions, closed."""
    paths.prepare()
    asyncio.run(fill(paths.ledger))
    return paths.ledger


def test_a_backup_goes_where_it_is_told_or_beside_the_ledger(
    run: Run, ledger: Path, tmp_path: Path
) -> None:
    done = run("backup", "--to", str(tmp_path / "mine.db"))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path / "mine.db") in done.stdout
    assert examine(tmp_path / "mine.db", beside_head=False).events == examine(ledger).events
    assert run("backup").returncode == 0
    assert len(list((ledger.parent / "backups").iterdir())) == 1
    again = run("backup", "--to", str(tmp_path / "mine.db"))
    assert (again.returncode, "There is a file" in again.stderr) == (1, True)


def test_a_restore_asks_first(typed: Typed, run: Run, ledger: Path, tmp_path: Path) -> None:
    backup = tmp_path / "mine.db"
    run("backup", "--to", str(backup))
    before = files_of(ledger)
    silent = run("restore", str(backup))
    assert (silent.returncode, "--yes" in silent.stderr) == (1, True)
    status, said = typed("restore", str(backup), question="[y/N]", answer="n\n")
    assert (status, "Nothing was changed." in said) == (1, True)
    assert files_of(ledger) == before
    status, said = typed("restore", str(backup), question="[y/N]", answer="y\n")
    assert (status, "Restored" in said, "What was there before is in" in said) == (0, True, True)
    assert examine(ledger).chain.end.seq == examine(backup, beside_head=False).chain.end.seq + 1


def test_a_ledger_of_an_older_version_is_restored_and_brought_forward(
    run: Run, paths: Paths, tmp_path: Path
) -> None:
    old = put_files(tmp_path / "old", {"ledger.db": released(1)})
    done = run("restore", "--yes", str(old))
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 records" in done.stdout
    assert run("audit", "verify").returncode == 0
    assert "rounding" in run("sessions").stdout


def test_what_a_damaged_ledger_holds_is_recovered_and_put_in_its_place(
    run: Run, ledger: Path
) -> None:
    events = examine(ledger).events
    change(ledger, TABLES["a denial turned"], random.Random(1))
    damaged = files_of(ledger)
    assert run("backup").returncode == 1
    done = run("recover")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Saved {events} events of 1 session in" in done.stdout
    assert "Your rules are not taken along" in done.stdout
    assert files_of(ledger) == damaged
    restore = done.stdout.strip().splitlines()[-1].rpartition("restore ")[2]
    assert run("restore", "--yes", restore).returncode == 0
    assert run("audit", "verify").returncode == 0
    assert "rounding" in run("sessions").stdout


@pytest.mark.parametrize("command", [["backup"], ["recover"], ["restore", "--yes", "FILE"]])
def test_a_ledger_in_use_is_a_sentence(
    run: Run, ledger: Path, tmp_path: Path, command: list[str]
) -> None:
    run("backup", "--to", str(tmp_path / "mine.db"))
    argv = [word.replace("FILE", str(tmp_path / "mine.db")) for word in command]
    with Ownership(ledger):
        done = run(*argv)
    assert done.returncode == 1
    assert "owns this workspace's ledger" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_there_is_a_sentence(run: Run, tmp_path: Path) -> None:
    for argv in (["backup"], ["recover"], ["restore", "--yes", str(tmp_path / "nowhere")]):
        done = run(*argv)
        assert done.returncode == 1
        assert done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "text").write_text("no database")
    done = run("restore", "--yes", str(tmp_path / "text"))
    assert (done.returncode, "not a ledger" in done.stderr) == (1, True)
