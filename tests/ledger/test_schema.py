"""Migrations run in order, each whole or not at all, and ship with the package."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pocketcoder_tui.ledger import SqliteLedger, schema, schema_report
from pocketcoder_tui.ledger.schema import Migration, applied, migrate, migrations, newest
from tests.ledger.samples import OPENING, SESSION


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def test_numbers_have_no_gaps_and_the_transaction_is_not_theirs() -> None:
    assert [m.number for m in migrations()] == list(range(1, newest() + 1))
    for migration in migrations():
        words = migration.sql.upper()
        assert "COMMIT" not in words
        assert "ROLLBACK" not in words
        assert "PRAGMA" not in words


def test_every_table_is_strict(db: sqlite3.Connection) -> None:
    migrate(db)
    query = "SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'"
    strict = dict(db.execute(query).fetchall())
    assert "event" in strict
    assert set(strict.values()) == {1}


def test_a_second_run_changes_nothing(db: sqlite3.Connection) -> None:
    migrate(db)
    before = list(db.iterdump())
    migrate(db)
    assert list(db.iterdump()) == before


def test_a_failing_migration_leaves_those_before_it_and_nothing_of_itself(
    db: sqlite3.Connection,
) -> None:
    first = Migration(newest() + 1, "good", "CREATE TABLE good (a ANY) STRICT;")
    second = Migration(
        newest() + 2, "bad", "CREATE TABLE half (a ANY) STRICT; INSERT INTO nowhere VALUES (1);"
    )
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(db, (*migrations(), first, second))
    assert not db.in_transaction
    assert [number for number, _, _ in applied(db)] == [*range(1, newest() + 2)]
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert "good" in tables
    assert "half" not in tables
    mended = Migration(newest() + 2, "bad", "CREATE TABLE half (a ANY) STRICT;")
    migrate(db, (*migrations(), first, mended))
    assert applied(db)[-1][:2] == (newest() + 2, "bad")


async def test_an_older_ledger_is_brought_forward_and_keeps_what_it_has(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
    step = Migration(newest() + 1, "more", "ALTER TABLE session ADD COLUMN note TEXT;")
    more = (*migrations(), step)
    monkeypatch.setattr(schema, "migrations", lambda: more)
    assert schema_report(path).newest == step.number
    assert schema_report(path).version == step.number - 1
    assert schema_report(path).problem == ""
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.replay(SESSION) == list(OPENING)
    assert [m.number for m in schema_report(path).migrations] == [m.number for m in more]
