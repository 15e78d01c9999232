"""The ledger itself: events in, events and sessions out."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.ledger import failures, opening
from pocketcoder_tui.ledger.connection import Connection, settled
from pocketcoder_tui.ledger.copying import copy, place_for
from pocketcoder_tui.ledger.keykeeping import SqliteKeys
from pocketcoder_tui.ledger.ownership import Ownership
from pocketcoder_tui.ledger.reader import Reader
from pocketcoder_tui.ledger.rulekeeping import SqliteRules
from pocketcoder_tui.ledger.sealing import seal
from pocketcoder_tui.ledger.searching import INDEXED
from pocketcoder_tui.ledger.shelf import SqliteShelf
from pocketcoder_tui.ledger.verification import Verification
from pocketcoder_tui.ledger.writing import Writer

T = TypeVar("T")
CLOSED = "The ledger is closed."


class _Opened(NamedTuple):
    """What a ledger stands on."""

    opening: opening.Opening
    connection: Connection


class _Terms(NamedTuple):
    """How a ledger is kept; see ``SqliteLedger.open``."""

    clock: Callable[[], float]
    login: AuditNote | None


class SqliteLedger(Reader):
    """core.ports.Ledger over one SQLite file.

    Owns the file's lock, the one connection to it, that connection's thread, the audit head and
    the search file, from ``open`` to ``aclose``.
    """

    def __init__(self, path: Path, ownership: Ownership, opened: _Opened, terms: _Terms) -> None:
        """For ``open`` alone."""
        self.path = path
        self._ownership = ownership
        self._opened, self._connection = opened
        self._terms = terms
        self._closed = False
        self._check: asyncio.Task[None] | None = None
        self._writer: Writer | None = None
        self._writing = 0
        """Writes that were accepted and are not at their end."""
        self._written = asyncio.Event()
        self._shelf = SqliteShelf(self)
        self.keys = SqliteKeys(self)
        self.rules = SqliteRules(self)
        """See core.ports.Ledger."""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        login: AuditNote | None = None,
    ) -> Self:
        """Own and open the ledger at ``path``, made when it is not there and migrated when old.

        ``clock`` gives the moment of recording in Unix seconds; ``login`` is accounted for before
        anything else is written. The whole check of the file is made by ``verified``, which the
        first write waits for.

        Raises LedgerError: owned by another process, not a ledger, damaged, from a newer version,
        unreadable, read-only, no space. In all these cases the file is as it was.
        """
        made: list[Self] = []
        terms = _Terms(clock, login)

        async def work() -> Self:
            ownership = opening.take(path)
            opened = opening.Opening(path)
            connection = Connection(opened.connect)
            try:
                await connection.open()
            except BaseException:
                ownership.release()
                raise
            made.append(cls(path, ownership, _Opened(opened, connection), terms))
            return made[0]

        try:
            return await settled(asyncio.ensure_future(work()))
        except BaseException:
            for ledger in made:
                await ledger.aclose()
            raise

    # --- what core.ports.Ledger promises

    async def verified(self) -> None:
        """See core.ports.Ledger; the check is made once, in pieces, while reading goes on."""
        if self._check is None:
            if self._closed:
                raise LedgerError(CLOSED)
            self._check = asyncio.ensure_future(self._verify())
        await asyncio.shield(self._check)

    async def record(self, session_id: str, *events: Durable) -> None:
        """See core.ports.Ledger.

        Raises LedgerError too when an event cannot be kept exactly. When the task is cancelled the
        transaction still ends, then the cancellation goes on.
        """
        if events:
            await self.write(lambda writer: writer.record(session_id, events))
            if any(event.kind in INDEXED for event in events):
                self._shelf.changed()

    async def note(self, note: AuditNote, session_id: str = "") -> None:
        """See core.ports.Ledger."""

        def work(writer: Writer) -> None:
            with writer.transaction(note.kind):
                writer.note(note, session_id or None)

        await self.write(work)

    async def backup(self, to: Path | None = None) -> Path:
        """Copy the ledger while it is in use to a new file, by default in its folder of backups.

        Returns where the copy is. Raises LedgerError.
        """
        place = to or place_for(self.path, "backup")
        await self.read(lambda db: copy(db, place))
        return place

    @property
    def shelf(self) -> SqliteShelf:
        """See core.ports.Ledger."""
        return self._shelf

    async def aclose(self) -> None:
        """End what is under way, close the file and give the lock back; twice is harmless."""
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

    # --- for the ledger's other parts

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` in the connection's thread. Raises LedgerError."""
        if self._closed:
            raise LedgerError(CLOSED)
        return await self._run(work)

    async def write(self, work: Callable[[Writer], T]) -> T:
        """Call ``work`` in the connection's thread, once all is verified. Raises LedgerError."""
        if self._closed:
            raise LedgerError(CLOSED)
        self._writing += 1
        try:
            if self._writer is None:
                await self.verified()
            writer = self._writer
            if writer is None:
                raise LedgerError(CLOSED)
            return await self._run(lambda _: work(writer))
        finally:
            self._writing -= 1
            if not self._writing:
                self._written.set()

    # --- how

    async def _verify(self) -> None:
        """Check everything, a piece at a time, then account for the login."""
        opened = self._opened

        def begin(db: sqlite3.Connection) -> Verification:
            return Verification(self.path, db, opened.head.mark, opened.file)

        verification = await self._run(begin)
        steps = verification.steps()
        try:
            while await self._run(lambda _: _advance(steps)):
                if self._closed and not self._writing:
                    raise LedgerError(CLOSED)
        finally:
            await self._connection.run(lambda _: steps.close())
        writer = await self._run(
            lambda db: Writer(db, verification.found.chain, opened.head, self._terms.clock)
        )
        if self._terms.login is not None:
            await self._run(partial(_log_in, writer, self._terms.login))
            self._shelf.changed()
        self._writer = writer

    async def _close(self) -> None:
        try:
            await self._shelf.aclose()
            while self._writing:
                self._written.clear()
                await self._written.wait()
            if self._check is not None:
                await asyncio.wait([self._check])
                if not self._check.cancelled():
                    self._check.exception()  # whoever waited for it was told
            writer = self._writer
            wrote = writer is not None and writer.wrote
            if writer is not None and wrote:
                # Without this record the ledger is as a kill would leave it, and that is allowed.
                with suppress(sqlite3.Error, OSError):
                    await self._connection.run(lambda _: _say_closed(writer))
            with failures.explained(self.path):
                await self._connection.close()
            if writer is not None and wrote and not writer.chain.leaves:
                await asyncio.to_thread(seal, self.path, self._opened)
        finally:
            self._opened.close()
            self._ownership.release()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with failures.explained(self.path):
                return await self._connection.run(work)
        except UnicodeEncodeError as error:
            raise LedgerError("A text holds half of a character, which cannot be kept.") from error
        except OverflowError as error:
            raise LedgerError("A number is too large to be kept.") from error


def _advance(steps: Generator[None]) -> bool:
    """Make one step; False at the end."""
    return next(steps, "over") is None


def _log_in(writer: Writer, login: AuditNote, db: sqlite3.Connection) -> None:
    with writer.transaction(login.kind):
        writer.note(login)


def _say_closed(writer: Writer) -> None:
    with writer.transaction(AuditKind.CLOSED):
        writer.note(AuditNote(AuditKind.CLOSED))
