"""Reading a ledger that another process owns: what was committed is there, nothing is changed."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import Snapshot, SqliteLedger, open_to_look, snapshot
from pocketcoder_tui.ledger.ownership import Ownership
from tests.ledger.samples import OPENING, SESSION, action, life_to

WRITER = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.ledger import SqliteLedger
from tests.ledger.samples import OPENING, SESSION, action, life_to
from pocketcoder_tui.core.actions import ActionState
async def main(how):
    async with await SqliteLedger.open(Path(sys.argv[1])) as ledger:
        await ledger.record(SESSION, *OPENING, ev.SessionTitled("rounding"))
        await ledger.record(SESSION, *life_to(action("a", "pytest -q"), ActionState.WAITING))
        print("open", flush=True)
        if how == "rest":
            await asyncio.to_thread(sys.stdin.read)
        n = 0
        while True:
            n += 1
            await ledger.record(
                SESSION, ev.MessageQueued(f"m{n}", f"number {n} " * 500, 1.0),
                ev.MessagesTaken(OPENING[1].turn_id, (f"m{n}",)))
            print(n, flush=True)
asyncio.run(main(sys.argv[2]))
"""


@contextmanager
def writer(path: Path, how: str = "rest") -> Iterator[subprocess.Popen[str]]:
    """A process that owns the ledger, and rests or writes without a pause."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def files(path: Path) -> dict[str, bytes]:
    """The ledger's files but the search file, which its owner brings up to date by and by."""
    found = (p for p in path.parent.iterdir() if p.is_file() and p.suffix != ".search")
    return {p.name: p.read_bytes() for p in found}


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def test_what_another_process_has_open_can_be_read_and_searched(path: Path) -> None:
    with writer(path) as process:
        before = files(path)
        async with await open_to_look(path) as found:
            assert isinstance(found, Snapshot)
            assert found.owner == process.pid
            (summary,) = await found.sessions()
            assert (summary.title, summary.actions, summary.open_actions) == ("rounding", 1, 1)
            assert [e.kind for e in await found.replay(SESSION)][:3] == [
                "session_started",
                "turn_started",
                "session_titled",
            ]
            assert [hit.entry_id for hit in await found.shelf.search("pytest")] == ["a"]
            assert (await found.shelf.export(SESSION))[1:]
            assert len((await found.tail(SESSION, 1)).events) > 0
            assert [e async for e in found.past(SESSION, 10**9)]
            for work in (
                found.shelf.rename(SESSION, "x"),
                found.shelf.delete(SESSION),
                found.shelf.import_session(["{}"], "/w"),
            ):
                with pytest.raises(LedgerError, match=f"process {process.pid}, since"):
                    await work
        await found.aclose()
        assert files(path) == before
    assert not list(path.parent.glob("reading-*"))


async def test_a_ledger_that_nobody_has_is_opened_itself(path: Path) -> None:
    async with await open_to_look(path) as found:
        assert isinstance(found, SqliteLedger)


async def test_what_was_acknowledged_is_in_the_next_snapshot(path: Path) -> None:
    """While messages are written as fast as can be, and the log is taken into the file."""
    with writer(path, "write") as process:
        assert process.stdout is not None
        for done in range(60, 721, 60):
            while int(process.stdout.readline()) < done:
                pass
            async with await Snapshot.take(path) as found:
                events = await found.replay(SESSION)
                queued = [e for e in events if isinstance(e, ev.MessageQueued)]
                assert [e.message_id for e in queued] == [f"m{n + 1}" for n in range(len(queued))]
                assert len(queued) >= done
                # Both events of a transaction, or none.
                assert events[-1].kind == "messages_taken"
                assert await found.read(integrity) == "ok"
    assert len(files(path)["ledger.db"]) > 500_000  # the log was taken in meanwhile, more than once


def integrity(db: sqlite3.Connection) -> str:
    return str(db.execute("PRAGMA integrity_check").fetchone()[0])


async def test_a_log_that_is_begun_anew_meanwhile_is_seen(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        copied: list[Path] = []
        copy = snapshot.shutil.copyfile

        def interrupted(source: Path, to: Path) -> None:
            """The first time, the database is changed right after it was copied."""
            copy(source, to)
            copied.append(Path(source))
            if len(copied) == 1:
                os.utime(path, ns=(1, 1))

        monkeypatch.setattr(snapshot.shutil, "copyfile", interrupted)
        async with await Snapshot.take(path) as found:
            assert len(await found.replay(SESSION)) == len(OPENING)
        assert copied.count(path) == 2


async def test_a_ledger_that_never_rests_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        numbers = iter(range(10_000))
        monkeypatch.setattr(snapshot, "_state", lambda path: next(numbers))
        with pytest.raises(LedgerError, match="without a pause"):
            await Snapshot.take(path)
    assert not list(path.parent.glob("reading-*"))


async def test_a_copy_that_a_kill_left_behind_is_removed_and_one_in_use_is_not(
    path: Path,
) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *life(), ev.SessionTitled("t"))
    left = path.parent / "reading-left"
    left.mkdir(mode=0o700)
    (left / "ledger.db").write_bytes(b"secret")
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("kept")
    (path.parent / "reading-link").symlink_to(elsewhere)
    async with await Snapshot.take(path) as first:
        async with await Snapshot.take(path) as second:
            assert len(await second.replay(SESSION)) == len(await first.replay(SESSION))
        assert len(await first.sessions()) == 1
        assert not left.exists()
    assert (elsewhere / "mine").read_text() == "kept"


def life() -> list[ev.Durable]:
    return [*OPENING, *life_to(action("a"), ActionState.FINISHED)]


async def test_what_cannot_be_read_is_a_sentence(path: Path) -> None:
    put(path, b"no database")
    with Ownership(path), pytest.raises(LedgerError, match="not a ledger"):
        await Snapshot.take(path)
    with pytest.raises(LedgerError):
        await Snapshot.take(path.with_name("nowhere.db"))
    assert not list(path.parent.glob("reading-*"))


async def test_a_cancelled_reader_leaves_nothing(path: Path) -> None:
    with writer(path) as process:
        task = asyncio.ensure_future(look(path))
        await asyncio.wait([task], timeout=0.001)
        task.cancel()
        await asyncio.wait([task])
        process.send_signal(signal.SIGKILL)
    async with await open_to_look(path) as found:
        assert len(await found.sessions()) == 1
    async with await Snapshot.take(path):
        pass
    assert not list(path.parent.glob("reading-*"))


async def look(path: Path) -> None:
    async with await open_to_look(path) as found:
        await found.sessions()
