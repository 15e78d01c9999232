"""Backups are whole, are verified before they replace anything, and what they replace is kept."""

import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.core.failpoints import VARIABLE
from pocketcoder_tui.ledger import SqliteLedger, back_up, restore
from pocketcoder_tui.ledger.head import head_path
from pocketcoder_tui.ledger.inspection import examine, records
from tests.ledger.limits import files_no_larger_than
from tests.ledger.samples import OPENING, SESSION, action, life_to
from tests.ledger.tampering import TABLES, change, files_of, put_files

LATER = ev.SessionTitled("after the backup")


async def events_of(path: Path) -> list[ev.Durable]:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.verified()
        return await ledger.replay(SESSION)


async def add(path: Path, *events: ev.Durable) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *events)


async def test_a_backup_is_the_ledger_and_is_private(filled: Path) -> None:
    before = files_of(filled)
    backup = back_up(filled)
    assert files_of(filled) == before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    found = examine(backup, beside_head=False)
    assert found.chain.end == examine(filled).chain.end
    assert back_up(filled) != backup


async def test_the_owner_makes_a_backup_while_it_works(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        with pytest.raises(LedgerError, match="owns this workspace's ledger"):
            back_up(path)
        backup = await ledger.backup(tmp_path / "deep" / "copy.db")
        await ledger.record(SESSION, LATER)
        assert len(await ledger.replay(SESSION)) == len(OPENING) + 1
    assert examine(backup, beside_head=False).events == len(OPENING)
    with pytest.raises(LedgerError, match="There is a file"):
        back_up(path, backup)


async def test_a_damaged_ledger_is_not_backed_up(filled: Path) -> None:
    change(filled, TABLES["who decided"], random.Random(1))
    with pytest.raises(LedgerDamaged):
        back_up(filled)
    assert not (filled.parent / "backups").exists()


@pytest.mark.parametrize("size", [0, 4096, 50_000])
async def test_no_space_for_a_backup_leaves_nothing(filled: Path, size: int) -> None:
    before = files_of(filled)
    with files_no_larger_than(size), pytest.raises(LedgerError):
        back_up(filled)
    assert files_of(filled) == before
    assert not list(filled.parent.glob("backups/*"))


async def test_a_restored_ledger_is_the_backup_and_says_what_it_replaced(filled: Path) -> None:
    backup = back_up(filled)
    then = await events_of(filled)
    await add(filled, LATER)
    replaced = examine(filled).chain.end
    done = restore(filled, backup, "ada")
    assert await events_of(filled) == then
    last = list(records(filled))[-1][0]
    assert last["kind"] == "restored"
    assert last["facts"] == {
        "who": "ada",
        "replaced": replaced.seq,
        "replaced_hash": replaced.hash,
    }
    assert done.kept is not None
    assert await events_of(done.kept) == [*then, LATER]
    await add(filled, *life_to(action("more"), ActionState.FINISHED))
    assert examine(filled)


async def test_what_a_crash_left_is_kept_with_its_log(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        backup = await ledger.backup(tmp_path / "backup.db")
        await ledger.record(SESSION, LATER)
        left = put_files(tmp_path / "left", files_of(path))
    done = restore(left, backup, "ada")
    assert await events_of(left) == list(OPENING)
    assert done.kept is not None
    assert await events_of(done.kept) == [*OPENING, LATER]


async def test_a_ruined_or_lost_ledger_is_put_back(filled: Path) -> None:
    backup = back_up(filled)
    then = await events_of(filled)
    whole = files_of(filled)
    for ruin in (
        {"ledger.db": b"x" * 10_000},
        {"ledger.db": whole["ledger.db"][:9_000]},
        {"ledger.db.head": b"x" * 1024},
        {"ledger.db-wal": b"x" * 5_000},
    ):
        put_files(filled.parent, whole | ruin)
        restore(filled, backup, "ada")
        assert await events_of(filled) == then
    for suffix in ("", ".head"):
        put_files(filled.parent, whole)
        filled.with_name(filled.name + suffix).unlink()
        restore(filled, backup, "ada")
        assert await events_of(filled) == then


async def test_a_backup_goes_into_an_empty_workspace(filled: Path, tmp_path: Path) -> None:
    backup, then = back_up(filled), await events_of(filled)
    place = tmp_path / "new" / "ledger.db"
    assert restore(place, backup, "ada").kept is None
    assert await events_of(place) == then


async def test_a_bad_backup_changes_nothing(filled: Path, tmp_path: Path) -> None:
    backup = back_up(filled)
    await add(filled, LATER)
    before = files_of(filled)
    whole = backup.read_bytes()
    broken = {
        "cut": whole[: len(whole) // 2],
        "no database": b"x" * 100,
        "empty": b"",
    }
    places = [put(tmp_path / name, content) for name, content in broken.items()]
    forged = put(tmp_path / "forged", whole)
    change(forged, TABLES["a denial turned"], random.Random(1))
    for place in (*places, forged, tmp_path / "nowhere"):
        with pytest.raises(LedgerError) as refused:
            restore(filled, place, "ada")
        assert refused.value.hint
        assert files_of(filled) == before
    async with await SqliteLedger.open(filled):
        with pytest.raises(LedgerError, match="owns"):
            restore(filled, backup, "ada")


def put(place: Path, content: bytes) -> Path:
    place.write_bytes(content)
    return place


RESTORE = """
import sys
from pathlib import Path
from pocketcoder_tui.ledger import restore
restore(Path(sys.argv[1]), Path(sys.argv[2]), "ada")
"""


@pytest.mark.parametrize(
    "point",
    [
        "before rename: a copy",
        "before announcing: the head",
        "after announcing: the head",
        "before exchange: a restored ledger",
        "after exchange: a restored ledger",
        "before confirming: the head",
    ],
)
async def test_killed_in_the_middle_it_is_the_old_one_or_the_new_one(
    filled: Path, point: str
) -> None:
    backup = back_up(filled)
    then = await events_of(filled)
    await add(filled, LATER)
    assert restored_and_killed(filled, backup, point) == -signal.SIGKILL
    assert await events_of(filled) in (then, [*then, LATER])
    assert examine(filled)
    restore(filled, backup, "ada")
    assert await events_of(filled) == then


def restored_and_killed(path: Path, backup: Path, point: str) -> int:
    return subprocess.run(
        [sys.executable, "-c", RESTORE, path, backup],
        env=os.environ | {VARIABLE: point},
        capture_output=True,
        check=False,
        timeout=60,
    ).returncode


@pytest.mark.parametrize("size", [0, 4096, 50_000])
async def test_no_space_for_a_restored_ledger_leaves_the_old_one(filled: Path, size: int) -> None:
    backup = back_up(filled)
    before = files_of(filled)
    with files_no_larger_than(size), pytest.raises(LedgerError):
        restore(filled, backup, "ada")
    assert files_of(filled) == before
    assert head_path(filled).exists()
