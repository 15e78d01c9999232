"""Ledgers of every released schema are brought forward, after a backup, whatever comes between."""

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.core.failpoints import VARIABLE
from pocketcoder_tui.ledger import SqliteLedger, restore, schema_report
from pocketcoder_tui.ledger.inspection import examine, records
from pocketcoder_tui.ledger.schema import newest
from tests.ledger.limits import files_no_larger_than
from tests.ledger.samples import SESSION
from tests.ledger.tampering import (
    RELEASED,
    change,
    files_of,
    put_files,
    released,
    released_files,
    statement,
)
from tests.ledger.test_store import STORY

SCHEMAS = sorted(int(p.name.split("-")[1].split(".")[0]) for p in RELEASED.glob("*.db.gz"))


@pytest.fixture(params=SCHEMAS)
def old(request: pytest.FixtureRequest, path: Path) -> Path:
    """A ledger as an older version left it."""
    return put_files(path.parent, released_files(request.param))


def backups(path: Path) -> list[Path]:
    return sorted((path.parent / "backups").glob("*"))


async def events_of(path: Path, session: str = SESSION) -> Sequence[ev.Durable]:
    async with await SqliteLedger.open(path) as ledger:
        return await ledger.replay(session)


async def test_nothing_is_lost_on_the_way(old: Path) -> None:
    events = await events_of(old)
    assert list(events[: len(STORY)]) == STORY
    outputs = [e.execution.output for e in events if isinstance(e, ev.ActionEnded)]
    assert outputs == ["out\n", "", "half \ud83e and \x00\n" * 20, "ä" * 5000]
    assert schema_report(old).version == newest()
    assert schema_report(old).problem == ""
    async with await SqliteLedger.open(old) as ledger:
        assert len(await ledger.sessions()) == 2
        assert len(await ledger.shelf.search("rounding")) >= 1
        await ledger.record(SESSION, ev.SessionTitled("goes on"))


async def test_what_was_before_the_chain_is_under_its_first_record(old: Path) -> None:
    await events_of(old)
    (genesis, _, _), *_ = records(old)
    events = [*await events_of(old), *await events_of(old, "o" * 32)]
    total = sum(not isinstance(event, ev.SessionArchived) for event in events)
    assert genesis["kind"] == "genesis"
    assert genesis["facts"] == {"events": total}
    assert genesis["log"][:2] == [1, total]
    change(old, statement("UPDATE decision SET who = 'x'"), random.Random(1))
    with pytest.raises(LedgerDamaged):
        examine(old)


async def test_a_backup_is_made_first_and_can_be_put_back(old: Path) -> None:
    before = files_of(old)
    schema = schema_report(old).version
    await events_of(old)
    (backup,) = backups(old)
    assert f"schema-{schema}" in backup.name
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    with closing(sqlite3.connect(backup)) as db:
        assert [n for (n,) in db.execute("SELECT number FROM migration")] == [*range(1, schema + 1)]
        bodies = db.execute("SELECT body FROM event ORDER BY seq").fetchall()
    place = put_files(old.parent.parent / "as-it-was", before)
    with closing(sqlite3.connect(place)) as db:
        assert db.execute("SELECT body FROM event ORDER BY seq").fetchall() == bodies
    assert len(await events_of(old)) >= len(STORY)
    assert backups(old) == [backup]  # nothing to bring forward, nothing to back up
    restore(old, backup, "ada")
    assert list((await events_of(old))[: len(STORY)]) == STORY


@pytest.mark.parametrize("size", [0, 4096, 60_000, 108_000])
async def test_no_space_for_the_backup_leaves_the_ledger_as_it_was(path: Path, size: int) -> None:
    old = put_files(path.parent, {path.name: released(1)})
    with files_no_larger_than(size), pytest.raises(LedgerError) as refused:
        await SqliteLedger.open(old)
    assert "nothing was changed" in refused.value.sentence
    assert files_of(old)["ledger.db"] == released(1)
    assert not backups(old)
    assert list((await events_of(old))[: len(STORY)]) == STORY


async def test_a_damaged_ledger_is_not_brought_forward(path: Path) -> None:
    content = released(1)
    at = content.index(b'"action_ended"')
    ruined = content[: at - 300] + bytes(200) + content[at - 100 :]
    old = put_files(path.parent, {path.name: ruined})
    with pytest.raises(LedgerError):
        await SqliteLedger.open(old)
    assert files_of(old)["ledger.db"] == ruined


OPEN = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.ledger import SqliteLedger
async def main():
    async with await SqliteLedger.open(Path(sys.argv[1])) as ledger:
        await ledger.verified()
asyncio.run(main())
"""


def opened_and_killed(path: Path, point: str) -> int:
    """Open a ledger in a process that dies at a point; returns its exit status."""
    return subprocess.run(
        [sys.executable, "-c", OPEN, path],
        env=os.environ | {VARIABLE: point},
        capture_output=True,
        check=False,
        timeout=60,
    ).returncode


@pytest.mark.parametrize(
    "point",
    [
        "before rename: a copy",
        *(f"{when} commit: migration {n}" for n in (2, 3, 4) for when in ("before", "after")),
    ],
)
async def test_killed_in_the_middle_it_is_brought_forward_the_next_time(
    old: Path, point: str
) -> None:
    past = {str(n) for n in range(1, schema_report(old).version + 1)}
    comes_by = point.rsplit(maxsplit=1)[-1] not in past
    assert opened_and_killed(old, point) == (-signal.SIGKILL if comes_by else 0)
    assert list((await events_of(old))[: len(STORY)]) == STORY
    assert examine(old)
