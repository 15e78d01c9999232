"""`pocketcoder audit`: verify, show, export, and the verifier that anybody can run."""

import asyncio
import json
import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.ledger.inspection import examine
from pocketcoder_tui.ledger.ownership import Ownership
from tests.cli.conftest import Run
from tests.ledger.tampering import TABLES, change, fill


@pytest.fixture
def ledger(paths: Paths) -> Path:
    """The workspace's ledger, with many actions, closed."""
    paths.prepare()
    asyncio.run(fill(paths.ledger))
    return paths.ledger


def test_a_whole_ledger_is_said_to_hold(run: Run, ledger: Path) -> None:
    done = run("audit", "verify")
    end = examine(ledger).chain.end
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{end.seq} records" in done.stdout
    assert end.hash in done.stdout
    as_json = run("audit", "verify", "--json")
    said = json.loads(as_json.stdout)
    assert as_json.returncode == 0
    assert (said["schema"], said["ok"], said["sentence"]) == (1, True, "")
    assert (said["records"], said["head"]) == (end.seq, end.hash)
    assert said["events"] == said["covered"] > 100


def test_a_damaged_ledger_is_said_to_be_and_is_a_failure(run: Run, ledger: Path) -> None:
    change(ledger, TABLES["who decided"], random.Random(1))
    done = run("audit", "verify")
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert "pocketcoder recover" in done.stderr
    assert "Traceback" not in done.stderr
    as_json = run("audit", "verify", "--json")
    said = json.loads(as_json.stdout)
    assert as_json.returncode == 1
    assert (said["ok"], "is damaged" in said["sentence"], bool(said["hint"])) == (False, True, True)


def test_the_records_are_shown_from_the_end(run: Run, ledger: Path) -> None:
    lines = run("audit", "show").stdout.splitlines()
    assert len(lines) == 50
    assert "closed" in lines[-1]
    assert any("decision" in line and "who=ada" in line for line in lines)
    every = run("audit", "show", "--last", "0").stdout.splitlines()
    assert "genesis" in every[0]
    assert len(every) == examine(ledger).chain.end.seq
    (last,) = run("audit", "show", "--last", "1", "--json").stdout.splitlines()
    assert json.loads(last)["kind"] == "closed"


def test_an_export_is_verified_by_the_verifier_it_comes_with(
    run: Run, ledger: Path, tmp_path: Path
) -> None:
    end = examine(ledger).chain.end
    exported = run("audit", "export", "--to", str(tmp_path / "chain.jsonl"))
    assert exported.returncode == 0
    assert end.hash in exported.stdout
    assert stat.S_IMODE((tmp_path / "chain.jsonl").stat().st_mode) == 0o600
    assert run("audit", "export").stdout == (tmp_path / "chain.jsonl").read_text()
    (tmp_path / "verify.py").write_text(run("audit", "verifier").stdout)
    argv = [sys.executable, "-I", "-S", "verify.py", "chain.jsonl", end.hash]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert end.hash in done.stdout
    again = run("audit", "export", "--to", str(tmp_path / "chain.jsonl"))
    assert (again.returncode, "already" in again.stderr) == (1, True)
    nowhere = run("audit", "export", "--to", str(tmp_path / "no" / "where"))
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (1, True)


@pytest.mark.parametrize("what", ["verify", "show", "export"])
def test_a_ledger_in_use_and_one_that_is_not_there_are_sentences(
    run: Run, paths: Paths, what: str
) -> None:
    done = run("audit", what)
    assert (done.returncode, "There is no ledger" in done.stderr) == (1, True)
    paths.prepare()
    asyncio.run(fill(paths.ledger, actions=4))
    with Ownership(paths.ledger):
        done = run("audit", what)
    assert done.returncode == 1
    assert "owns this workspace's ledger" in done.stderr
    assert "Quit it first" in done.stderr


def test_nothing_is_written_by_looking(run: Run, ledger: Path) -> None:
    before = {p.name: p.read_bytes() for p in ledger.parent.iterdir() if p.is_file()}
    for what in (["verify"], ["show"], ["export"]):
        assert run("audit", *what).returncode == 0
    assert {p.name: p.read_bytes() for p in ledger.parent.iterdir() if p.is_file()} == before
