"""From a path to an open connection of ours: owned, looked at, made or migrated, and set up."""

import os
import sqlite3
import stat
from contextlib import ExitStack, closing
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.ledger import failures, schema
from pocketcoder_tui.ledger.chain import last_link
from pocketcoder_tui.ledger.copying import copy, place_for
from pocketcoder_tui.ledger.head import Head, check_end, head_path, read_head, sync_folder
from pocketcoder_tui.ledger.inspection import CHAINED, Facts, inspect, no_head
from pocketcoder_tui.ledger.ownership import Ownership
from pocketcoder_tui.ledger.verification import verify

BUSY_SECONDS = 2.0
"""How long to wait for a program that only reads the file for a moment, such as a doctor's."""

_SETTINGS = (
    # A commit is on the disk when it returns.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # REPLACE deletes rows; only with this are they guarded by the delete triggers.
    "PRAGMA recursive_triggers = ON",
    "PRAGMA trusted_schema = OFF",
    # What a person deleted is not left in a free page.
    "PRAGMA secure_delete = ON",
    # Take the lock now rather than at the first record.
    "BEGIN EXCLUSIVE",
    "COMMIT",
)


def take(path: Path) -> Ownership:
    """Own the ledger at ``path``; its folder is made (0700) when it is not there.

    Raises LedgerError.
    """
    with failures.explained(path):
        _make_folder(path.parent)
    return Ownership(path)


class Opening:
    """Opens a ledger that the caller owns. Owns its head, and its file for reading it as a whole.

    The file is opened before SQLite opens it and closed after: closing any descriptor of it in
    between would drop SQLite's locks (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """

    head: Head
    file: int
    """A descriptor of the database file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._undo = ExitStack()

    def connect(self) -> sqlite3.Connection:
        """Return the connection; a missing or empty file is made, an older one brought forward.

        Nothing is written to a file that is not a ledger of ours, or does not end where its head
        says. Raises LedgerError, and then nothing stays open.
        """
        with failures.explained(self._path):
            try:
                return self._connect()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of head and file, once the connection is closed; twice is harmless."""
        self._undo.close()

    def _connect(self) -> sqlite3.Connection:
        path = self._path
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            self._make()
        facts = inspect(path)
        self._take_head(facts)
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        self.file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._undo.callback(os.close, self.file)
        with ExitStack() as undo:
            connection = _open(path)
            undo.callback(connection.close)
            _set_up(connection)
            # Left by inspect; nobody else is in the file, and our own index is on the heap.
            path.with_name(path.name + "-shm").unlink(missing_ok=True)
            self._bring_forward(connection, facts)
            self.head.settle(last_link(connection))
            undo.pop_all()
        return connection

    def _take_head(self, facts: Facts) -> None:
        """Compare the end of the chain with the head, before the file is opened to be written."""
        path = self._path
        mark = read_head(path)
        if facts.version >= CHAINED:
            if mark is None:
                raise no_head(path)
            check_end(path, mark, facts.end)
        self.head = Head(path)
        self._undo.callback(self.head.close)

    def _bring_forward(self, connection: sqlite3.Connection, facts: Facts) -> None:
        """Apply the migrations that the ledger lacks, after a check and a backup."""
        if facts.version == schema.newest():
            return
        if facts.version >= CHAINED:
            verify(self._path, connection, self.head.mark, self.file)
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise LedgerDamaged(f"The ledger {self._path} is damaged: {answer.splitlines()[-1]}.")
        self.head.unseal()
        copy(connection, place_for(self._path, f"schema-{facts.version}"))
        schema.migrate(connection)

    def _make(self) -> None:
        """Make a new ledger beside its place and move it there, so that it is whole or absent."""
        path = self._path
        mark = read_head(path)
        if mark is not None and (mark.coming or mark.now).seq > 1:
            raise LedgerDamaged(
                f"The ledger {path} is gone, and its audit head knows of "
                f"{(mark.coming or mark.now).seq} records.",
                hint="Put a backup back (pocketcoder restore FILE), or, if you removed the ledger "
                f"yourself, remove {head_path(path)} too.",
            )
        head_path(path).unlink(missing_ok=True)
        Head(path).close()
        new = path.with_name(path.name + ".new")
        parts = [new.with_name(new.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
        with ExitStack() as undo:
            for part in parts:
                part.unlink(missing_ok=True)
                undo.callback(part.unlink, missing_ok=True)
            make_empty(new)
            new.rename(path)
            undo.pop_all()
        sync_folder(path.parent)


def make_empty(new: Path) -> None:
    """Make a ledger of the newest schema in a file that must not exist, all in the one file.

    Raises sqlite3.Error, OSError.
    """
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(_open(new)) as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        schema.migrate(connection)
        # Last, so that all is in the file itself and nothing in a log beside it.
        _set_up(connection)


def _set_up(connection: sqlite3.Connection) -> None:
    # Before the log is first used: then its index is on the heap, and nobody else is in the file.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(f"SQLite keeps no write-ahead log here, but {mode}.")
    for statement in _SETTINGS:
        connection.execute(statement)


def _open(path: Path) -> sqlite3.Connection:
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
