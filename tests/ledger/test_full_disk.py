"""A disk that takes no more: a sentence, nothing half written, and on when there is space."""

from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import SqliteLedger, failures, schema_report
from tests.ledger.limits import files_no_larger_than
from tests.ledger.samples import OPENING, SESSION

BIG = "x" * 300_000


async def test_sqlite_full_ends_the_transaction_and_nothing_else(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    pages = await ledger._connection.run(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await ledger._connection.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 5}"))
    with pytest.raises(LedgerError) as refusal:
        await ledger.record(SESSION, ev.SessionTitled("t"), ev.MessageQueued("m", BIG, 1.0))
    assert (refusal.value.sentence, refusal.value.hint) == (failures.FULL, failures.FULL_HINT)
    assert not ledger._connection.in_transaction
    assert await ledger.replay(SESSION) == list(OPENING)
    await ledger._connection.run(lambda db: db.execute("PRAGMA max_page_count = 100000"))
    await ledger.record(SESSION, ev.MessageQueued("m", BIG, 1.0))


async def test_a_write_that_the_system_refuses(path: Path, ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    kept: list[ev.Durable] = list(OPENING)
    refusals: list[str] = []
    log = path.with_name(path.name + "-wal")
    with files_no_larger_than(log.stat().st_size + 100_000):
        for n in range(40):
            event = ev.MessageQueued(f"m{n}", "x" * 5_000, 1.0)
            try:
                await ledger.record(SESSION, event)
                kept.append(event)
            except LedgerError as error:
                refusals.append(error.sentence)
        assert await ledger.replay(SESSION) == kept
    assert refusals
    assert all("nothing was changed" in sentence for sentence in refusals)
    await ledger.record(SESSION, ev.SessionTitled("there is space again"))
    await ledger.aclose()
    async with await SqliteLedger.open(path) as again:
        assert await again.replay(SESSION) == [*kept, ev.SessionTitled("there is space again")]


def size_of(place: Path) -> int:
    return place.stat().st_size


async def test_a_close_on_a_full_disk_is_no_damage(path: Path) -> None:
    """Its last record cannot be written, and the file must not be said to be whole with it."""
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
    log = path.with_name(path.name + "-wal")
    for extra in range(0, 20_000, 2_000):
        ledger = await SqliteLedger.open(path)
        for n in range(50):  # so that the log outgrows the file, which can be brought up to date
            await ledger.record(SESSION, ev.MessageQueued(f"m{extra}-{n}", "x", 1.0))
        with files_no_larger_than(size_of(log) + extra):
            await ledger.aclose()
        async with await SqliteLedger.open(path) as again:
            await again.verified()


@pytest.mark.parametrize("size", [0, 100, 4096, 20_000, 40_000])
async def test_no_space_for_a_new_ledger_leaves_none(path: Path, size: int) -> None:
    with files_no_larger_than(size), pytest.raises(LedgerError):
        await SqliteLedger.open(path)
    assert schema_report(path).exists is False
    assert schema_report(path).problem == ""
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
