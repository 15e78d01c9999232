"""One process owns a ledger; the others are told who, at once, and may look when it is free."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import SqliteLedger, owner_of, schema_report
from pocketcoder_tui.ledger.ownership import Ownership, lock_path, owned_since
from tests.ledger.samples import OPENING, SESSION

OWNER = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.core.events import SessionStarted
from pocketcoder_tui.ledger import SqliteLedger
async def main():
    async with await SqliteLedger.open(Path(sys.argv[1])) as ledger:
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Own the ledger in another process until its input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
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


async def test_the_second_process_is_told_who_owns_it(path: Path) -> None:
    with another_process(path) as process:
        with pytest.raises(LedgerError) as refusal:
            await SqliteLedger.open(path)
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(owned_since(path)))
        assert refusal.value.sentence == (
            f"Another pocketcoder (process {process.pid}, since {since})"
            " owns this workspace's ledger."
        )
        assert abs(owned_since(path) - time.time()) < 60
        assert refusal.value.hint
        assert owner_of(path) == process.pid
        report = schema_report(path)
        assert (report.owner, report.problem, report.exists) == (process.pid, "", True)
        assert report.size_bytes > 0
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert owner_of(path) is None
        async with await SqliteLedger.open(path):
            assert owner_of(path) == os.getpid()
    assert owner_of(path) is None


async def test_of_two_that_start_at_once_exactly_one_owns_it(path: Path) -> None:
    for _ in range(10):
        ends = await asyncio.gather(
            *(SqliteLedger.open(path) for _ in range(4)), return_exceptions=True
        )
        owners = [end for end in ends if isinstance(end, SqliteLedger)]
        assert len(owners) == 1
        await owners[0].aclose()
        assert sum(isinstance(end, LedgerError) for end in ends) == 3


async def test_the_same_process_owns_it_once_too(path: Path, ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError, match=str(os.getpid())):
        await SqliteLedger.open(path)
    await ledger.record(SESSION, *OPENING)
    assert await ledger.replay(SESSION) == list(OPENING)


async def test_no_other_program_reads_or_writes_an_owned_ledger(
    path: Path, ledger: SqliteLedger
) -> None:
    await ledger.record(SESSION, *OPENING)
    with (
        closing(sqlite3.connect(path, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("SELECT * FROM event")


async def test_a_ledger_open_in_another_program_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketcoder_tui.ledger.opening.BUSY_SECONDS", 0.0)
    async with await SqliteLedger.open(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="Another program"):
            await SqliteLedger.open(path)
    async with await SqliteLedger.open(path):
        assert owner_of(path) == os.getpid()


def test_probing_never_looks_like_an_owner(tmp_path: Path) -> None:
    """A doctor that looks at the lock must not keep pocketcoder from starting."""
    path = tmp_path / "ledger.db"
    lock_path(path).touch()
    with ThreadPoolExecutor(2) as pool:
        probes = [pool.submit(lambda: [owner_of(path) for _ in range(2000)]) for _ in range(2)]
        for _ in range(500):
            Ownership(path).release()
        for probe in probes:
            assert set(probe.result()) <= {None, os.getpid(), 0}


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"-1", b"12 34", "٣".encode(), b"9" * 100])
def test_a_lock_file_without_a_pid_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    with Ownership(path):
        lock_path(path).write_bytes(content)
        with pytest.raises(LedgerError, match="Another pocketcoder"):
            Ownership(path)
        assert isinstance(owner_of(path), int)
    assert owner_of(path) is None


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    path, target = tmp_path / "ledger.db", tmp_path / "precious"
    target.write_text("precious")
    lock_path(path).symlink_to(target)
    with pytest.raises(LedgerError):
        Ownership(path)
    assert target.read_text() == "precious"
    assert schema_report(path).problem
