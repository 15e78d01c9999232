"""What a damaged ledger still holds is saved in a new one; the damaged one is only read."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.ledger import SqliteLedger, recover, restore
from pocketcoder_tui.ledger.inspection import examine, records
from pocketcoder_tui.ledger.pages import Pages
from tests.ledger.samples import OPENING, SESSION, action, decided, life_to
from tests.ledger.tampering import TABLES, change, files_of, flip, put_files

BIG = "x" * 30_000


async def saved_events(path: Path, to: Path) -> list[ev.Durable]:
    """What is saved of a ledger's one session; also that the original stays as it is."""
    before = files_of(path)
    done = recover(path, to)
    assert files_of(path) == before
    assert examine(to)
    assert done.sessions == 1
    async with await SqliteLedger.open(to) as ledger:
        return await ledger.replay(SESSION)


def own(events: list[ev.Durable]) -> list[ev.Durable]:
    """Without what begins every session and what says that it was recovered."""
    return [e for e in events if not isinstance(e, ev.SessionStarted | ev.Inherited)]


async def whole(path: Path) -> list[ev.Durable]:
    async with await SqliteLedger.open(path) as ledger:
        return own(await ledger.replay(SESSION))


async def test_everything_is_saved_of_a_ledger_whose_chain_is_broken(
    filled: Path, tmp_path: Path
) -> None:
    events = await whole(filled)
    change(filled, TABLES["who decided"], random.Random(1))
    to = tmp_path / "saved.db"
    assert own(await saved_events(filled, to)) == events
    last = list(records(to))[-1][0]
    assert last["kind"] in ("recovered", "closed")
    facts = next(r["facts"] for r, _, _ in records(to) if r["kind"] == "recovered")
    assert facts == {"events": len(events) + 1, "lost": 0, "sessions": 1}


async def test_the_log_that_a_crash_left_is_read_too(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        await ledger.record(SESSION, ev.MessageQueued("m", BIG, 1.0))
        left = put_files(tmp_path / "left", files_of(path))
    assert files_of(left)["ledger.db-wal"]
    saved = await saved_events(left, tmp_path / "saved.db")
    assert own(saved) == [OPENING[1], ev.MessageQueued("m", BIG, 1.0)]


async def test_a_log_that_is_damaged_counts_up_to_there(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        for n in range(20):
            await ledger.record(SESSION, ev.MessageQueued(f"m{n}", f"text {n}", 1.0))
        files = files_of(path)
    log = files["ledger.db-wal"]
    middle = len(log) // 2
    files["ledger.db-wal"] = log[:middle] + bytes([log[middle] ^ 1]) + log[middle + 1 :]
    left = put_files(tmp_path / "left", files)
    saved = [e for e in await saved_events(left, tmp_path / "s.db") if e.kind == "message_queued"]
    assert 0 < len(saved) < 20


@pytest.mark.parametrize("ruin", ["header", "schema", "half", "holes"])
async def test_much_is_saved_of_a_file_that_sqlite_cannot_read(
    filled: Path, tmp_path: Path, ruin: str
) -> None:
    events = await whole(filled)
    content = files_of(filled)["ledger.db"]
    ruined = {
        "header": b"\0" * 100 + content[100:],
        "schema": content[:100] + b"\0" * 3_996 + content[4_096:],
        "half": content[: len(content) // 2],
        "holes": b"".join(
            bytes(4_096) if n % 5 == 4 else content[n * 4_096 : (n + 1) * 4_096]
            for n in range(len(content) // 4_096)
        ),
    }[ruin]
    put_files(filled.parent, files_of(filled) | {"ledger.db": ruined})
    with pytest.raises(LedgerError):
        await whole(filled)
    saved = own(await saved_events(filled, tmp_path / "saved.db"))
    assert saved
    if ruin in ("header", "schema"):
        assert saved == events
    transcript = Transcript()
    transcript.apply_all(saved)


async def test_nothing_that_was_open_can_be_decided_or_sent_again(
    path: Path, tmp_path: Path
) -> None:
    waiting, left = action("w"), action("l")
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, *life_to(waiting, ActionState.WAITING))
        await ledger.record(SESSION, *life_to(left, ActionState.DISPATCHED))
    transcript = Transcript()
    transcript.apply_all(await saved_events(path, tmp_path / "s.db"))
    states = {e.id: e.state for e in transcript.entries.values() if isinstance(e, Deed)}
    assert states == {"w": ActionState.SUPERSEDED, "l": ActionState.UNKNOWN}
    async with await SqliteLedger.open(tmp_path / "s.db") as ledger:
        with pytest.raises(LedgerError):
            await ledger.record(SESSION, decided(waiting))


async def test_what_was_saved_can_be_put_in_the_ledgers_place(filled: Path, tmp_path: Path) -> None:
    events = await whole(filled)
    put_files(filled.parent, {"ledger.db": files_of(filled)["ledger.db"][:-10]})
    recover(filled, tmp_path / "s.db")
    restore(filled, tmp_path / "s.db", "ada")
    assert own(await whole(filled))[:20] == events[:20]
    assert examine(filled)


async def test_a_deleted_session_is_not_brought_back(path: Path, tmp_path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", BIG, 1.0))
        await ledger.record("o", ev.SessionStarted("o", "/w", 1.0), ev.SessionTitled("stays"))
        await ledger.shelf.delete(SESSION)
    assert recover(path, tmp_path / "s.db").sessions == 1
    async with await SqliteLedger.open(tmp_path / "s.db") as ledger:
        assert [s.title for s in await ledger.sessions()] == ["stays"]


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 10_000, b"\x0d" * 100_000, b"SQLite format 3\0"],
    ids=["empty", "text", "leaves", "header"],
)
async def test_a_file_that_holds_nothing_of_ours_is_a_sentence(
    path: Path, tmp_path: Path, content: bytes
) -> None:
    put_files(path.parent, {"ledger.db": content})
    with pytest.raises(LedgerError, match="Nothing in"):
        recover(path, tmp_path / "s.db")
    assert not (tmp_path / "s.db").exists()


async def test_a_ledger_in_use_and_a_file_that_is_there_are_refused(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError, match="owns this workspace's ledger"):
        recover(path, tmp_path / "s.db")
    with pytest.raises(LedgerError, match="There is a file"):
        recover(path, path)
    with pytest.raises(LedgerError):
        recover(tmp_path / "nowhere.db", tmp_path / "s.db")


async def test_any_flipped_bit_leaves_something_to_save(filled: Path, tmp_path: Path) -> None:
    draw = random.Random(5)
    content = files_of(filled)["ledger.db"]
    for n in range(40):
        put_files(filled.parent, {"ledger.db": flip(content, draw.randrange(len(content) * 8))})
        done = recover(filled, tmp_path / f"{n}.db")
        assert done.events > 150


def test_every_row_of_a_sound_file_is_read_off_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    rows = [
        (n, "ä" * (n * 97 % 20_000), n * 1.5, None, bytes(n % 7), -(n**5), n % 2)
        for n in range(1, 400)
    ]
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b, c, d, e, f, g)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        db.commit()
    found = {row.rowid: row.values for row in Pages(path.read_bytes(), b"").rows()
             if len(row.values) == 7}  # fmt: skip
    assert found == {n: (None, *rest) for n, *rest in rows}
