"""From a path to an open connection of ours: owned, checked, made or migrated, and set up."""

import os
import sqlite3
import stat
from contextlib import ExitStack, closing
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import failures, schema
from pocketcoder_tui.ledger.inspection import inspect
from pocketcoder_tui.ledger.ownership import Ownership

BUSY_SECONDS = 2.0
"""How long to wait for a program that only reads the file for a moment, such as a doctor's."""

_SETTINGS = (
    # A commit is on the disk when it returns.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # REPLACE deletes rows; only with this are they guarded by the delete triggers.
    "PRAGMA recursive_triggers = ON",
    "PRAGMA trusted_schema = OFF",
    # Take the lock now rather than at the first record.
    "BEGIN EXCLUSIVE",
    "COMMIT",
)


def take(path: Path) -> Ownership:
    """Own the ledger at ``path``; its folder is made (0700) when it is not there.

    Raises LedgerError.
    """
    try:
        _make_folder(path.parent)
    except OSError as error:
        raise failures.from_os(path, error) from error
    return Ownership(path)


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger at ``path``, which the caller owns; a missing or empty file is made.

    Nothing is written to a file that is not an intact ledger of ours. Raises LedgerError.
    """
    try:
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            _make(path)
        inspect(path)
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        with ExitStack() as undo:
            connection = _connect(path)
            undo.callback(connection.close)
            _set_up(connection)
            # Left by inspect; nobody else is in the file, and our own index is on the heap.
            path.with_name(path.name + "-shm").unlink(missing_ok=True)
            schema.migrate(connection)
            undo.pop_all()
        return connection
    except sqlite3.Error as error:
        raise failures.from_sqlite(path, error) from error
    except OSError as error:
        raise failures.from_os(path, error) from error


def _make(path: Path) -> None:
    """Make a new ledger beside its place and move it there, so that it is whole or absent."""
    new = path.with_name(path.name + ".new")
    parts = [new.with_name(new.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
    with ExitStack() as undo:
        for part in parts:
            part.unlink(missing_ok=True)
            undo.callback(part.unlink, missing_ok=True)
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_connect(new)) as connection:
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            schema.migrate(connection)
            # Last, so that all is in the file itself and nothing in a log beside it.
            _set_up(connection)
        new.rename(path)
        undo.pop_all()
    _sync_folder(path.parent)


def _set_up(connection: sqlite3.Connection) -> None:
    # Before the log is first used: then its index is on the heap, and nobody else is in the file.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(f"SQLite keeps no write-ahead log here, but {mode}.")
    for statement in _SETTINGS:
        connection.execute(statement)


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    # aiosqlite's worker thread is the only one that uses it after this one hands it over.
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _make_folder(folder: Path) -> None:
    """Make a folder and the missing ones above it, each 0700, whatever the umask says."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
