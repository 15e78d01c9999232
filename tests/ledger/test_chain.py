"""What must be accounted for is a record in the same transaction, over the one before it."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.chain import SEAL_AFTER
from pocketcoder_tui.ledger.inspection import examine, records
from tests.ledger.samples import OPENING, SESSION, TURN, action, decided, life_to, proposed
from tests.ledger.tampering import files_of, put_files

Record = dict[str, Any]


def record_list(path: Path) -> list[Record]:
    return [record for record, _, _ in records(path)]


def of_kind(path: Path, kind: AuditKind) -> list[Record]:
    return [record for record in record_list(path) if record["kind"] == kind]


async def test_a_decision_a_dispatch_and_a_result_are_records(path: Path) -> None:
    what, no = action("a"), action("b")
    ticks: Iterator[int] = count(100)
    async with await SqliteLedger.open(path, clock=lambda: float(next(ticks))) as ledger:
        await ledger.record(SESSION, *OPENING, *life_to(what, ActionState.FINISHED))
        await ledger.record(SESSION, *life_to(no, ActionState.DENIED))
    kinds = [record["kind"] for record in record_list(path)]
    assert kinds == ["genesis", "session", "decision", "dispatch", "result", "decision", "closed"]
    yes, denial = of_kind(path, AuditKind.DECISION)
    assert yes["facts"] == {
        "action": "a",
        "outcome": "allow",
        "by": "person",
        "who": "ada",
        "digest": what.digest,
    }
    assert denial["facts"]["outcome"] == "deny"
    (dispatch,) = of_kind(path, AuditKind.DISPATCH)
    assert dispatch["facts"] == {"action": "a", "digest": what.digest}
    (result,) = of_kind(path, AuditKind.RESULT)
    assert result["facts"] == {"action": "a", "ended": "finished", "status": 0}
    assert all(record["session"] == SESSION for record in (yes, denial, dispatch, result))
    assert result["at"] > dispatch["at"] > yes["at"] > 100


async def test_no_record_holds_what_was_said_or_printed(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, ev.SessionTitled("secret title"))
        await ledger.record(SESSION, ev.MessageQueued("m", "secret message", 1.0))
        await ledger.record(SESSION, *life_to(action("a", "secret command"), ActionState.FINISHED))
    text = "".join(text for _, text, _ in records(path))
    assert "secret" not in text
    assert "because" not in text  # the reason of samples.decided
    assert "out" not in text.replace('"outcome"', "")


async def test_each_record_is_canonical_and_holds_the_hash_of_the_one_before(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, *life_to(action("a"), ActionState.FINISHED))
    before = "0" * 64
    for record, text, digest in records(path):
        assert record["prev"] == before
        assert text == json.dumps(record, sort_keys=True, separators=(",", ":"))
        before = sha256(text.encode()).hexdigest()
        assert digest == before


async def test_a_record_names_the_event_that_it_is_about(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, *life_to(action("a"), ActionState.ALLOWED))
        bodies = await ledger.read(
            lambda db: dict(db.execute("SELECT seq, body FROM event").fetchall())
        )
    (decision,) = of_kind(path, AuditKind.DECISION)
    last = decision["log"][1]
    assert '"action_decided"' in bodies[last]
    assert decision["event"] == sha256(bodies[last].encode()).hexdigest()


async def test_every_event_is_under_some_record(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        for n in range(SEAL_AFTER + 5):
            await ledger.record(SESSION, ev.PartGrew("r", "p", PartKind.TEXT, "x", {"n": n}))
        (middle,) = await ledger.read(
            lambda db: db.execute("SELECT count(*) FROM audit").fetchone()
        )
    assert middle == 3
    seen = 0
    for record in record_list(path):
        if record["log"] is not None:
            assert record["log"][0] == seen + 1
            seen = record["log"][1]
    found = examine(path)
    assert found.events == found.covered == seen
    assert of_kind(path, AuditKind.LOG)


async def test_a_refused_step_leaves_no_record_and_the_chain_goes_on(path: Path) -> None:
    what = action("a")
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, proposed(what))
        for _ in range(3):
            with pytest.raises(TransitionRefused):
                await ledger.record(SESSION, decided(what), decided(what))
        with pytest.raises(LedgerError):
            await ledger.record(SESSION, ev.TurnStarted("t", float("nan")))
        await ledger.record(SESSION, decided(what))
    assert len(of_kind(path, AuditKind.DECISION)) == 1
    assert examine(path).events == 4


async def test_what_is_no_event_can_be_noted(path: Path) -> None:
    note = AuditNote(AuditKind.RULE, {"what": "added", "rule": "ls *", "count": 1, "on": True})
    async with await SqliteLedger.open(path) as ledger:
        await ledger.note(note)
        await ledger.record(SESSION, *OPENING)
        await ledger.note(AuditNote(AuditKind.MODE, {"mode": "auto"}), SESSION)
    (rule,) = of_kind(path, AuditKind.RULE)
    (mode,) = of_kind(path, AuditKind.MODE)
    assert (rule["facts"], rule["session"]) == (note.facts, None)
    assert (mode["facts"], mode["session"]) == ({"mode": "auto"}, SESSION)


async def test_a_login_comes_before_all_that_follows(path: Path) -> None:
    for who in ("ada", "bea"):
        login = AuditNote(AuditKind.LOGIN, {"who": who})
        async with await SqliteLedger.open(path, login=login) as ledger:
            session = who * 10
            await ledger.record(session, ev.SessionStarted(session, "/w", 1.0))
    kinds = [record["kind"] for record in record_list(path)]
    assert kinds == ["genesis", "login", "session", "closed", "login", "session", "closed"]


async def test_reading_alone_leaves_no_record(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
    before = files_of(path)
    async with await SqliteLedger.open(path) as ledger:
        await ledger.replay(SESSION)
        await ledger.verified()
    assert files_of(path) == before


def run(statement: str, db: sqlite3.Connection) -> int:
    return db.execute(statement).rowcount


async def test_records_cannot_be_changed_deleted_or_put_in_between(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    for statement in (
        "UPDATE audit SET body = '' WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 1",
        "INSERT INTO audit VALUES (1, '')",
        "INSERT OR REPLACE INTO audit VALUES (1, '')",
        "INSERT INTO audit VALUES (99, '')",
    ):
        with pytest.raises(LedgerError, match=r"never|follows"):
            await ledger.read(partial(run, statement))


async def test_a_second_inheritance_is_refused(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    with pytest.raises(TransitionRefused, match="inherits nothing"):
        await ledger.record(SESSION, ev.Inherited(ev.Origin.FORK, "x", 1.0))


# --- the verifier that can be handed to anyone

VERIFIER = Path(sys.modules["pocketcoder_tui.ledger.verify_audit"].__file__ or "")


def handed_over(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the verifier where nothing is installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, *map(str, argv)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
async def exported(path: Path, tmp_path: Path) -> tuple[Path, list[str]]:
    """A ledger's records as lines in a file, with their hashes."""
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", "hi", 1.0))
        await ledger.record(SESSION, *life_to(action("a"), ActionState.FINISHED))
        await ledger.record(SESSION, ev.TurnEnded(TURN, ev.TurnOutcome.DONE, "", "", 3.0))
    file = tmp_path / "export.jsonl"
    file.write_text("".join(f"{text}\n" for _, text, _ in records(path)))
    return file, [digest for _, _, digest in records(path)]


def test_the_verifier_is_short_and_stands_alone() -> None:
    lines = VERIFIER.read_text().splitlines()
    assert len(lines) < 80
    assert not [line for line in lines if "import" in line and "pocketcoder" in line]


async def test_the_verifier_takes_an_export_and_a_ledger(
    path: Path, exported: tuple[Path, list[str]]
) -> None:
    file, hashes = exported
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    for argv in ((file,), (file, hashes[-1]), (file, hashes[2]), (path,), (path, hashes[-1])):
        done = handed_over(*argv)
        assert done.returncode == 0, done.stderr
        assert hashes[-1] in done.stdout
        assert f"{len(hashes)} records" in done.stdout
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


async def test_the_verifier_finds_what_was_changed(
    tmp_path: Path, exported: tuple[Path, list[str]]
) -> None:
    file, hashes = exported
    lines = file.read_text().splitlines()
    changed = {
        "edited": [lines[0].replace('"events":0', '"events":1'), *lines[1:]],
        "cut": lines[:-1],
        "without one": [*lines[:2], *lines[3:]],
        "with one more": [*lines[:2], lines[1], *lines[2:]],
        "reordered": [*lines[:2], lines[3], lines[2], *lines[4:]],
        "empty": [],
        "nonsense": [*lines[:2], "[]"],
        "no json": [*lines[:2], "{"],
    }
    for name, other in changed.items():
        place = tmp_path / "changed.jsonl"
        place.write_text("".join(f"{line}\n" for line in other))
        done = handed_over(place, hashes[-1])
        assert done.returncode == 1, name
        assert done.stderr.startswith("NOT VERIFIED"), name
    assert "verify_audit.py FILE" in handed_over().stderr
    assert handed_over(tmp_path / "nowhere").stderr.startswith("NOT VERIFIED")


async def test_the_verifier_finds_a_changed_event_of_a_ledger(
    path: Path, exported: tuple[Path, list[str]]
) -> None:
    files = files_of(path)
    assert files["ledger.db"].count(b'"text":"hi"') == 1
    files["ledger.db"] = files["ledger.db"].replace(b'"text":"hi"', b'"text":"ho"')
    done = handed_over(put_files(path.parent, files), exported[1][-1])
    assert "are not those of record" in done.stderr
