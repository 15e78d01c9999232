"""A ledger that another process owns, as it stood at one moment: its files, copied, to be read.

The owner's lock keeps SQLite out of the files, and the owner is asked for nothing. The write-ahead
log is copied after the database. Both are taken again when the database was written to or the log
was begun anew meanwhile, so what is copied is a state that was committed: frames after the last
whole transaction are left out by SQLite itself (https://www.sqlite.org/fileformat.html, 4.4).
"""

import asyncio
import fcntl
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import failures, schema
from pocketcoder_tui.ledger.connection import Connection, settled
from pocketcoder_tui.ledger.inspection import inspect
from pocketcoder_tui.ledger.keykeeping import SqliteKeys
from pocketcoder_tui.ledger.ownership import owned_by, owned_since, owner_of
from pocketcoder_tui.ledger.reader import Reader
from pocketcoder_tui.ledger.rulekeeping import SqliteRules
from pocketcoder_tui.ledger.shelf import SqliteShelf
from pocketcoder_tui.ledger.store import SqliteLedger
from pocketcoder_tui.ledger.writing import Writer

T = TypeVar("T")
PREFIX = "reading-"
"""How the name of a copy's folder begins, beside the ledger."""
_TRIES = 50
_LOG_HEADER = 32
"""Bytes at the beginning of a log that are new whenever it is begun anew."""


class _Copy(NamedTuple):
    """A folder of one's own with a ledger's files in it, and the descriptor that locks it."""

    folder: Path
    lock: int
    ledger: Path


class Snapshot(Reader):
    """The reading half of core.ports.Ledger. Owns the copy and its connection until ``aclose``."""

    def __init__(self, of: Path, copy: _Copy, connection: Connection) -> None:
        """For ``take`` alone."""
        self.path = copy.ledger
        self.owner = owner_of(of) or 0
        """The pid of the process that owns the ledger; 0 when it is unknown or just ended."""
        self.since = owned_since(of)
        """Since when it does, Unix seconds."""
        self.taken = time.time()
        """When the copy was made, Unix seconds."""
        self._copy = copy
        self._connection = connection
        self._closed = False
        self.shelf = SqliteShelf(self)
        self.keys = SqliteKeys(self)
        self.rules = SqliteRules(self)

    @classmethod
    async def take(cls, path: Path) -> Self:
        """Copy the ledger at ``path`` and open the copy. Raises LedgerError."""
        made: list[Self] = []

        async def work() -> Self:
            copy = await asyncio.to_thread(_copied, path)
            connection = Connection(partial(_connect, copy.ledger))
            try:
                await connection.open()
            except BaseException:
                _remove(copy)
                raise
            made.append(cls(path, copy, connection))
            return made[0]

        try:
            with failures.explained(path):
                return await settled(asyncio.ensure_future(work()))
        except BaseException:
            for snapshot in made:
                await snapshot.aclose()
            raise

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` in the connection's thread. Raises LedgerError."""
        with failures.explained(self.path):
            return await self._connection.run(work)

    async def write(self, work: Callable[[Writer], T]) -> T:
        """Refuse: only the owner writes. Raises LedgerError."""
        raise LedgerError(owned_by(self.owner, self.since), hint=failures.BUSY_HINT)

    async def aclose(self) -> None:
        """Close and delete the copy; twice is harmless."""
        if not self._closed:
            self._closed = True
            await settled(asyncio.ensure_future(self._close()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _close(self) -> None:
        try:
            await self.shelf.aclose()
            await self._connection.close()
        finally:
            await asyncio.to_thread(_remove, self._copy)


async def open_to_look(path: Path) -> SqliteLedger | Snapshot:
    """Open a ledger for reading: itself, or a snapshot while another process owns it.

    Raises LedgerError.
    """
    try:
        return await SqliteLedger.open(path)
    except LedgerError:
        if owner_of(path) in (None, os.getpid()):
            raise
    return await Snapshot.take(path)


# --- the copy


def _copied(path: Path) -> _Copy:
    """Copy a ledger into a folder of its own beside it. Raises OSError, LedgerError."""
    _sweep(path.parent)
    copy = _new_folder(path)
    try:
        for _ in range(_TRIES):
            before = _state(path)
            shutil.copyfile(path, copy.ledger)
            _copy_log(path, copy.ledger)
            if _state(path) == before:
                if inspect(copy.ledger).version != schema.newest():
                    raise LedgerError(
                        f"The ledger {path} is of an older version, and another program has it.",
                        hint=failures.BUSY_HINT,
                    )
                return copy
        raise LedgerError(
            f"The ledger {path} is written to without a pause.", hint="Try again in a moment."
        )
    except BaseException:
        _remove(copy)
        raise


def _state(path: Path) -> tuple[int, int, int, bytes]:
    """What tells that the database was written to, or its log begun anew."""
    facts = path.stat()
    with suppress(FileNotFoundError), _log_of(path).open("rb") as log:
        return facts.st_ino, facts.st_size, facts.st_mtime_ns, log.read(_LOG_HEADER)
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, b""


def _copy_log(path: Path, to: Path) -> None:
    _log_of(to).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.copyfile(_log_of(path), _log_of(to))


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _new_folder(path: Path) -> _Copy:
    """Make a folder (0700) and lock it, so that nobody takes it for one that was left behind."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=path.parent))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return _Copy(folder, lock, folder / path.name)


def _sweep(beside: Path) -> None:
    """Remove copies whose process was killed; those that are in use are locked."""
    for folder in beside.glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if any(folder.iterdir()):  # an empty one was made this moment
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _remove(copy: _Copy) -> None:
    shutil.rmtree(copy.folder, ignore_errors=True)
    os.close(copy.lock)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # Before the log is first read: its index is on the heap then.
        for statement in ("locking_mode = EXCLUSIVE", "trusted_schema = OFF", "query_only = ON"):
            db.execute(f"PRAGMA {statement}").fetchall()
        db.execute("SELECT count(*) FROM session").fetchone()
    except BaseException:
        db.close()
        raise
    return db
