"""`pocketcoder sessions`, as a person and a program use it."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import examine, records
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.cli.conftest import Run, Typed
from tests.ledger.samples import OPENING, SESSION, action, life_to
from tests.ledger.test_shelf import SECOND, over, told

EVIL = "x\x1b]52;c;eA==\x07\u202egnp.exe\x9b31m\nforged line"
AWAY, HOSTILE = "a" * 32, "b" * 32


async def fill(path: Path) -> None:
    """Three sessions: one of two turns, one put away, one with a hostile title and output."""
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(AWAY, ev.SessionStarted(AWAY, "/w", 1.0), ev.SessionTitled("old"))
        await ledger.shelf.archive(AWAY)
        await ledger.record(SESSION, *OPENING, ev.SessionTitled("rounding"), *told("1"))
        await ledger.record(SESSION, *life_to(action("a", "pytest -q"), ActionState.FINISHED))
        await ledger.record(SESSION, over(), ev.TurnStarted(SECOND, 8.0), *told("2", SECOND))
        await ledger.record(SESSION, over(SECOND))
        start = ev.SessionStarted(HOSTILE, "/w", 1.0)
        await ledger.record(HOSTILE, start, ev.SessionTitled(EVIL))
        line = ev.PersonRan(EVIL, f"cat {EVIL}", 0, f"needle {EVIL}", 0, EVIL, 0.1, 1.0)
        await ledger.record(HOSTILE, line)


@pytest.fixture
def ledger(paths: Paths) -> Path:
    """The workspace's ledger, closed."""
    paths.prepare()
    asyncio.run(fill(paths.ledger))
    return paths.ledger


HOLDER = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.ledger import SqliteLedger
async def main():
    async with await SqliteLedger.open(Path(sys.argv[1])) as ledger:
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Another process has the ledger; yields its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process.pid
        finally:
            process.kill()


def good(run: Run, *argv: str) -> str:
    """Run `pocketcoder sessions ARGS`, which must succeed; returns what it printed."""
    done = run("sessions", *argv)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(c.isprintable() or c == "\n" for c in done.stdout)
    return done.stdout


def bad(run: Run, *argv: str) -> str:
    """Run one that must be refused with a sentence; returns it."""
    done = run("sessions", *argv)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert all(c.isprintable() or c == "\n" for c in done.stderr)
    return done.stderr


def in_json(run: Run, *argv: str) -> dict[str, Any]:
    found = json.loads(good(run, *argv, "--json"))
    assert found["schema"] == 1
    return dict(found)


# --- list and search


@pytest.mark.usefixtures("ledger")
def test_the_list(run: Run, paths: Paths) -> None:
    lines = good(run).splitlines()
    assert len(lines) == 2  # the last changed first, none put away
    assert lines[0].startswith("bbbbbbbbbbbb  20")
    assert "<U+001B>]52;c;eA==<U+0007><U+202E>gnp.exe<U+009B>31m forged line" in lines[0]
    assert re.match(r"s{12}  \d{4}-\d\d-\d\d \d\d:\d\d  2 turns, 1 action +rounding$", lines[1])
    assert good(run, "--all").splitlines()[2].endswith("old  (put away)")
    assert good(run, "list", ".") == good(run)
    found = in_json(run, "--all")
    assert found["workspace"] == str(paths.workspace)
    assert found["owner"] is None
    newest = found["sessions"][1]
    assert abs(newest.pop("changed") - time.time()) < 100
    assert newest == {"id": SESSION, "title": "rounding", "started": 1.0, "turns": 2,
                      "actions": 1, "open": 0, "archived": False}  # fmt: skip
    assert found["sessions"][2]["archived"] is True


def test_an_empty_folder(run: Run) -> None:
    assert good(run).startswith("No sessions in")
    assert in_json(run)["sessions"] == in_json(run, "search", "x")["hits"] == []
    assert good(run, "search", "x") == "Nothing found for x.\n"
    for argv in (["rename", "a", "b"], ["fork", "a"], ["export", "a"], ["resume", "a"],
                 ["delete", "a", "--yes"], ["archive", "a"]):  # fmt: skip
        assert "No sessions in" in bad(run, *argv)


@pytest.mark.usefixtures("ledger")
def test_a_search_says_where(run: Run) -> None:
    said = good(run, "search", "pytest")
    assert re.match(r"s{12}  .{16}  action    rounding\n    pytest -q", said)
    assert "needle x<U+001B>" in good(run, "search", "need")
    (hit,) = in_json(run, "search", "answer", "2")["hits"]
    assert (hit["session"], hit["place"], hit["entry"]) == (SESSION, "answer", "p2")
    assert set(hit) == {"session", "title", "place", "entry", "at", "snippet"}
    assert len(in_json(run, "search", "message", "--last", "1")["hits"]) == 1
    assert len(in_json(run, "search", "message", "--last", "0")["hits"]) == 2
    assert good(run, "search", EVIL.replace("\n", " "), "nowhere").startswith("Nothing found")


# --- one session


@pytest.mark.usefixtures("ledger")
def test_a_beginning_of_an_id_is_enough(run: Run) -> None:
    good(run, "rename", "sss", "another", "name")
    assert good(run).splitlines()[0].endswith("another name")
    said = bad(run, "rename", "", "x")
    assert "There is no session ''" in said
    assert "ssssssssssss  another name" in said
    assert "Run: pocketcoder sessions" in said
    assert "<U+202E>gnp.exe" in bad(run, "rename", "nope", "x")
    assert "at least one word" in bad(run, "rename", "sss", " ", "\n")
    made = good(run, "fork", "sss").split()[3]
    again = good(run, "fork", "sss").split()[3]
    said = bad(run, "export", made[0])
    assert said.startswith("2 sessions begin with '0':")
    assert "another name (fork)" in said
    assert good(run, "export", made) != ""
    assert good(run, "export", again[:-1].upper()) != ""


@pytest.mark.usefixtures("ledger")
def test_a_session_is_put_away_and_taken_out(run: Run) -> None:
    assert "put away" in good(run, "archive", "sss")
    assert "rounding" not in good(run)
    assert "in the list" in good(run, "unarchive", "sss")
    assert "rounding" in good(run)


def test_a_fork_from_a_turn(run: Run, ledger: Path) -> None:
    made = good(run, "fork", "sss", "--turn", "1").split()[3]
    text = good(run, "export", made)
    assert "message 1" in text
    assert "message 2" not in text
    assert "Here the fork begins" in text
    assert "message 2" in good(run, "export", good(run, "fork", "sss").split()[3])
    assert good(run, "fork", made, "--turn", "1")
    said = bad(run, "fork", "sss", "--turn", "9")
    assert "There is no turn 9 that is over in rounding" in said
    assert "1  message 1\n  2  message 2" in said
    assert "No turn is over" in bad(run, "fork", "bbb")
    assert examine(ledger)


def test_a_deletion_asks_and_says_what_stays(run: Run, typed: Typed, ledger: Path) -> None:
    silent = run("sessions", "delete", "sss")
    assert (silent.returncode, "--yes" in silent.stderr) == (1, True)
    status, said = typed("sessions", "delete", "sss", question="[y/N]", answer="n\n")
    assert (status, "Nothing was deleted." in said) == (1, True)
    assert "rounding" in good(run)
    status, said = typed("sessions", "delete", "sss", question="[y/N]", answer="y\n")
    assert status == 0
    assert "rounding  (2 turns, 1 action)" in said
    assert "What stays: in the audit chain" in said
    assert "rounding" not in good(run)
    assert "There is no session" in bad(run, "export", SESSION)
    kinds = [(r["kind"], r["facts"].get("what")) for r, _, _ in records(ledger)]
    assert ("session", "deleted") in kinds
    assert ("login", None) in kinds  # who did it is accounted for
    assert "Deleted" in good(run, "delete", "bbb", "--yes")
    assert examine(ledger)


def test_a_deletion_drops_the_checkpoints_of_its_actions(
    run: Run, ledger: Path, paths: Paths
) -> None:
    (paths.workspace / "cart.py").write_text("total = 1\n")
    with CheckpointKeeper(paths.workspace, paths.checkpoints) as keeper:
        keeper.take("pytest -q", action_id="a", session_id=SESSION)
        keeper.take("another's", action_id="b", session_id=HOSTILE)
    good(run, "delete", "sss", "--yes")
    with CheckpointKeeper(paths.workspace, paths.checkpoints) as keeper:
        assert [entry.action_id for entry in keeper.entries()] == ["b"]
    assert examine(ledger)


# --- exports and imports


def test_an_export_is_imported_elsewhere(run: Run, ledger: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    file = tmp_path / "s.jsonl"
    assert "masked" in good(run, "export", "bbb", "--to", str(file))
    said = good(run, "import", str(file), "--workspace", str(there))
    assert "(0 turns, 0 actions)" in said
    assert "<U+202E>" in said
    made = said.split(", as ")[1][:32]
    back = good(run, "export", made, "--format", "jsonl", "--workspace", str(there))
    own = ("session_started", "inherited")
    first = [e for e in map(json.loads, file.read_text().splitlines()[1:]) if e["kind"] not in own]
    assert [e for e in map(json.loads, back.splitlines()[1:]) if e["kind"] not in own] == first
    assert "imported" in good(run, "export", made, "--workspace", str(there))


@pytest.mark.usefixtures("ledger")
def test_the_form_is_the_one_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    for argv, start in (
        ([], "# rounding"),
        (["--format", "html"], "<!DOCTYPE html>"),
        (["--format", "jsonl"], '{"format": "pocketcoder-session"'),
    ):
        assert good(run, "export", "sss", *argv).startswith(start)
    page = tmp_path / "page.html"
    good(run, "export", "bbb", "--to", str(page))
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.stat().st_mode & 0o777 == 0o600
    assert "already" in bad(run, "export", "sss", "--to", str(page))
    assert run("sessions", "export", "sss", "--format", "pdf").returncode == 2


@pytest.mark.usefixtures("ledger")
def test_a_link_in_the_workspace_does_not_lead_an_export_out_of_it(
    run: Run, paths: Paths, tmp_path: Path
) -> None:
    (paths.workspace / "docs").symlink_to(tmp_path)
    said = bad(run, "export", "sss", "--to", "docs/x.md")
    assert "leads out of the workspace" in said
    assert not (tmp_path / "x.md").exists()


HEADER = '{"format":"pocketcoder-session","version":1,"session":"s"}'


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "not an exported session"),
        ("hello", "not an exported session"),
        (f"{HEADER}\n\n{{}}\n", "Line 3 is no event"),
        (f'{HEADER}\n{{"kind":"messages_taken","turn_id":"t","message_ids":["m"]}}', "Line 2"),
        (HEADER + "\n" + "[" * 100_000, "Line 2 is no event"),
    ],
)
def test_what_is_no_export_is_refused_with_its_line(
    run: Run, tmp_path: Path, lines: str, said: str
) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text(lines)
    refused = bad(run, "import", str(file))
    assert said in refused
    assert "xport" in refused.partition(said)[2]  # what to do
    assert good(run).startswith("No sessions")
    assert "cannot be read" in bad(run, "import", str(tmp_path / "nothing"))
    assert "There is no folder" in bad(run, "import", str(file), "--workspace", "nowhere")


# --- while another pocketcoder works


def test_reading_works_while_another_has_the_ledger(run: Run, ledger: Path) -> None:
    with held(ledger) as pid:
        done = run("sessions", "--all")
        assert done.returncode == 0
        assert "rounding" in done.stdout
        assert f"Another pocketcoder (process {pid}, since 20" in done.stderr
        told_of = json.loads(run("sessions", "--json").stdout)["owner"]
        assert told_of["pid"] == pid
        assert abs(told_of["since"] - time.time()) < 100
        assert "pytest -q" in run("sessions", "search", "pytest").stdout
        assert run("sessions", "export", "sss").stdout.startswith("# rounding")
        assert not list(ledger.parent.glob("reading-*"))


@pytest.mark.parametrize(
    "argv",
    [
        ["rename", "sss", "x"],
        ["fork", "sss"],
        ["archive", "sss"],
        ["unarchive", "aaa"],
        ["delete", "sss", "--yes"],
        ["import", "FILE"],
    ],
    ids=lambda argv: argv[0],
)
def test_changing_is_refused_while_another_has_the_ledger(
    run: Run, ledger: Path, tmp_path: Path, argv: list[str]
) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text(HEADER)
    with held(ledger) as pid:
        said = bad(run, *(word.replace("FILE", str(file)) for word in argv))
    assert f"(process {pid}, since 20" in said
    assert "owns this workspace's ledger" in said
    assert "rounding" in good(run)


# --- resume


@pytest.mark.usefixtures("ledger")
def test_resume_wants_a_terminal_and_a_session(run: Run) -> None:
    assert "There is no session 'nope'" in bad(run, "resume", "nope")
    assert "needs a terminal" in bad(run, "resume", "sss")


def test_the_turn_that_is_named_is_a_number(run: Run) -> None:
    done = run("sessions", "fork", "x", "--turn", "-1")
    assert done.returncode == 2
    assert run("sessions", "--help").stdout.count("\n  unarchive") == 1
