"""What a ledger's file is, found out without writing to it and without owning it."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.ledger import failures, schema
from pocketcoder_tui.ledger.chain import last_link
from pocketcoder_tui.ledger.head import START, Link, check_end, read_head
from pocketcoder_tui.ledger.ownership import owned_by, owner_of
from pocketcoder_tui.ledger.verification import Verified, verify
from pocketcoder_tui.ledger.verify_audit import Broken, links

_MAGIC = b"SQLite format 3\0"
"""https://www.sqlite.org/fileformat.html, 1.3.1."""
QUIT_HINT = "Quit it first: nobody else can read the ledger while it is open."
CHAINED = 3
"""The migration that began the audit chain."""


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A migration that a database has."""

    number: int
    name: str
    applied_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """The facts that ``pocketcoder doctor`` prints about a ledger."""

    path: Path
    exists: bool
    newest: int
    """The last migration that this version of the program knows."""
    version: int = 0
    """The last migration that the file has; 0 when there is no file or it was not read."""
    migrations: tuple[AppliedMigration, ...] = ()
    tables: tuple[str, ...] = ()
    size_bytes: int = 0
    """Of the database and its write-ahead log together."""
    owner: int | None = None
    """The pid of the pocketcoder that has it open, 0 when unknown; None when nobody has."""
    records: int = 0
    """In its audit chain, all of them checked."""
    head: str = ""
    """The hash of the last one; empty when there is none."""
    problem: str = ""
    """A sentence when the ledger cannot be used; empty when it can."""
    hint: str = ""
    """What to do about the problem."""


def schema_report(path: Path) -> SchemaReport:
    """Describe the ledger at ``path``; raises nothing, a problem is part of the report.

    While a pocketcoder owns the ledger nobody else can read it (its lock is exclusive), so the
    report then names the owner and the size and no more; that is not a problem.
    """
    newest, size, exists = schema.newest(), 0, False
    try:
        size, exists = _size(path), os.path.lexists(path)
        owner = owner_of(path)
        if owner is not None:
            return SchemaReport(path, exists, newest, size_bytes=size, owner=owner)
        if not exists or size == 0:
            return SchemaReport(path, exists, newest)
        facts = inspect(path)
        end = facts.end if facts.version < CHAINED else examine(path).chain.end
    except LedgerError as error:
        owner = _owner_now(path)
        if owner is not None:
            # It was opened while we read, so what we read means nothing.
            return SchemaReport(path, exists, newest, size_bytes=size, owner=owner)
        return SchemaReport(
            path, exists, newest, size_bytes=size, problem=error.sentence, hint=error.hint
        )
    return SchemaReport(
        path,
        exists=True,
        newest=newest,
        version=facts.version,
        migrations=facts.migrations,
        tables=facts.tables,
        size_bytes=size,
        records=end.seq,
        head=end.hash if end.seq else "",
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a ledger of ours says about itself."""

    migrations: tuple[AppliedMigration, ...]
    tables: tuple[str, ...]
    end: Link
    """Where its audit chain ends."""

    @property
    def version(self) -> int:
        """The number of the last migration."""
        return self.migrations[-1].number if self.migrations else 0


def inspect(path: Path) -> Facts:
    """Read a ledger's own facts; the file is not written to, and not read as a whole.

    Raises LedgerError when it is not ours, from a newer version, damaged where it was looked at,
    or cannot be read.
    """
    with _reading(path) as connection:
        ours = connection.execute("PRAGMA application_id").fetchone()[0]
        if ours != schema.APPLICATION_ID:
            raise LedgerError(
                f"The file {path} is a database of another program.", hint=failures.FOREIGN_HINT
            )
        facts = _facts(connection)
    if facts.version > schema.newest():
        raise LedgerError(
            f"The ledger {path} was written by a newer pocketcoder (its schema is number "
            f"{facts.version}, this one knows {schema.newest()}).",
            hint="Update pocketcoder, then start again.",
        )
    return facts


def examine(path: Path, *, beside_head: bool = True) -> Verified:
    """Check everything in a ledger that has an audit chain; the file is not written to.

    ``beside_head`` is False for a file that has no audit head of its own, such as a backup.
    Raises LedgerError: in use by another process, of an older version; LedgerDamaged with what is
    wrong.
    """
    owner = owner_of(path)
    if owner not in (None, os.getpid()):
        raise LedgerError(owned_by(owner or 0), hint=QUIT_HINT)
    facts = inspect(path)
    if facts.version < CHAINED:
        raise _unchained(path)
    with failures.explained(path):
        mark = read_head(path) if beside_head else None
        if mark is not None:
            check_end(path, mark, facts.end)
        elif beside_head:
            raise no_head(path)
        # Closed after the connection: closing it before would drop SQLite's locks.
        file = path.open("rb")
    with file, _reading(path) as connection:
        return verify(path, connection, mark, file.fileno())


def records(path: Path) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield each record of a ledger's audit chain with its text and its hash, checked in order.

    The file is not written to. Raises LedgerError: in use, damaged, of an older version.
    """
    owner = owner_of(path)
    if owner is not None:
        raise LedgerError(owned_by(owner), hint=QUIT_HINT)
    if inspect(path).version < CHAINED:
        raise _unchained(path)
    with _reading(path) as connection:
        rows = connection.execute("SELECT body FROM audit ORDER BY seq")
        bodies, texts = tee(body for (body,) in rows)
        try:
            for text, (record, digest) in zip(texts, links(bodies), strict=True):
                yield record, text, digest
        except (Broken, ValueError) as error:
            raise LedgerDamaged(f"The ledger {path} is damaged: {error}.") from error


def no_head(path: Path) -> LedgerDamaged:
    """The refusal of a ledger whose head is gone."""
    return LedgerDamaged(
        f"The audit head of the ledger {path} is gone, so nobody can tell its end."
    )


def _unchained(path: Path) -> LedgerError:
    return LedgerError(
        f"The ledger {path} is of an older version, which has no audit chain yet.",
        hint="Open it once with pocketcoder; it is brought up to date then.",
    )


def _facts(connection: sqlite3.Connection) -> Facts:
    done = tuple(AppliedMigration(*row) for row in schema.applied(connection))
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    tables = tuple(str(name) for (name,) in rows)
    return Facts(done, tables, last_link(connection) if "audit" in tables else START)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to read with; what fails in it is a sentence."""
    with failures.explained(path), closing(open_to_read(path)) as connection:
        yield connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database so that its bytes stay as they are. Raises LedgerError, OSError.

    Without a write-ahead log the file is all there is, and ``immutable`` keeps SQLite from making
    files beside it. With one (after a crash) SQLite must read both, and makes a ``-shm`` file.
    Source: https://www.sqlite.org/wal.html, "Read-Only Databases".
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise LedgerError(f"The ledger {path} is not a file.", hint=failures.WRITE_HINT)
    # SQLite would say only that it is unable to open it, and takes a short file for an empty one.
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise LedgerError(
                f"The file {path} is not a ledger of PocketCoder.", hint=LedgerDamaged.hint
            )
    log = path.with_name(path.name + "-wal")
    immutable = "" if log.exists() and log.stat().st_size else "&immutable=1"
    uri = f"{path.absolute().as_uri()}?mode=ro{immutable}"
    connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _size(path: Path) -> int:
    """Bytes of a database with its log; 0 when it does not exist."""
    total = 0
    for part in (path, path.with_name(path.name + "-wal")):
        try:
            total += part.stat().st_size
        except FileNotFoundError:
            continue
        except OSError as error:
            raise failures.from_os(path, error) from error
    return total


def _owner_now(path: Path) -> int | None:
    try:
        return owner_of(path)
    except LedgerError:
        return None
