"""The numbered migrations that ship with the program, and how one is applied."""

import sqlite3
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.ledger.migrating import FINISHES

APPLICATION_ID = 0x504F434B
"""Marks the file as ours ("POCK"), see https://www.sqlite.org/pragma.html#pragma_application_id."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    """From 1, without gaps."""
    name: str
    sql: str
    """Statements only; the transaction around them is ours."""


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations that this version knows, in order; files are named ``NNNN_name.sql``."""
    folder = resources.files("pocketcoder_tui.ledger").joinpath("migrations")
    found = []
    for entry in folder.iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


def newest() -> int:
    """The number of the last migration that this version knows."""
    return migrations()[-1].number


def applied(connection: sqlite3.Connection) -> list[tuple[int, str, float]]:
    """The migrations that a database has: number, name, when (Unix seconds), in order."""
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'"
    if connection.execute(query).fetchone() is None:
        return []
    rows = connection.execute("SELECT number, name, applied_at FROM migration ORDER BY number")
    return [(int(number), str(name), float(at)) for number, name, at in rows]


def migrate(connection: sqlite3.Connection, steps: tuple[Migration, ...] | None = None) -> None:
    """Apply the migrations that a database lacks, each in one transaction with its record.

    ``steps`` stands for those that ship. Raises sqlite3.Error; the steps before it stay.
    """
    version = max((number for number, _, _ in applied(connection)), default=0)
    for step in migrations() if steps is None else steps:
        if step.number > version:
            _apply(connection, step)


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{step.sql}")
        connection.execute(
            "INSERT INTO migration (number, name, applied_at) VALUES (?, ?, ?)",
            (step.number, step.name, time.time()),
        )
        if finish := FINISHES.get(step.number):
            finish(connection)
        failpoints.reach("before commit", f"migration {step.number}")
        connection.execute("COMMIT")
        failpoints.reach("after commit", f"migration {step.number}")
    finally:
        # Also after a full disk, which ends the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
