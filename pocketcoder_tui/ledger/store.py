"""The ledger itself: events in, events and sessions out."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.ledger import failures, opening
from pocketcoder_tui.ledger.codec import decode
from pocketcoder_tui.ledger.connection import Connection, settled
from pocketcoder_tui.ledger.ownership import Ownership
from pocketcoder_tui.ledger.projection import append

T = TypeVar("T")

_SESSIONS = """
SELECT s.id, s.title, s.started, e.at,
    (SELECT count(*) FROM turn AS t WHERE t.session_id = s.id),
    (SELECT count(*) FROM action AS a WHERE a.session_id = s.id
        AND a.state IN ('proposed', 'waiting', 'allowed', 'dispatched'))
FROM session AS s
JOIN event AS e ON e.seq = (SELECT max(seq) FROM event WHERE session_id = s.id)
ORDER BY e.seq DESC
"""


class SqliteLedger:
    """core.ports.Ledger over one SQLite file.

    Owns the file's lock, the one connection to it and that connection's thread, from ``open`` to
    ``aclose``.
    """

    def __init__(
        self, path: Path, ownership: Ownership, connection: Connection, clock: Callable[[], float]
    ) -> None:
        """For ``open`` alone."""
        self._path = path
        self._ownership = ownership
        self._connection = connection
        self._clock = clock
        self._closed = False

    @classmethod
    async def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> Self:
        """Own and open the ledger at ``path``, made when it is not there and migrated when old.

        ``clock`` gives the moment of recording in Unix seconds. Raises LedgerError: owned by
        another process, not a ledger, damaged, from a newer version, unreadable, read-only, no
        space. In all these cases the file is as it was.
        """
        opened: list[Self] = []

        async def work() -> Self:
            ownership = opening.take(path)
            connection = Connection(partial(opening.connect, path))
            try:
                await connection.open()
            except BaseException:
                ownership.release()
                raise
            opened.append(cls(path, ownership, connection, clock))
            return opened[0]

        try:
            return await settled(asyncio.ensure_future(work()))
        except BaseException:
            for ledger in opened:
                await ledger.aclose()
            raise

    async def record(self, session_id: str, *events: Durable) -> None:
        """Append events in one durable transaction, and move the actions they are about.

        Raises TransitionRefused when an action's life does not allow the step, LedgerError when
        an event cannot be kept exactly or the disk fails; in all cases nothing was changed. When
        the task is cancelled the transaction still ends, then the cancellation goes on.
        """
        if events:
            await self._run(partial(_record, session_id, events, self._clock))

    async def replay(self, session_id: str) -> list[Durable]:
        """Every event of a session, in order. Raises LedgerError for an unknown session."""
        return await self._run(partial(_replay, session_id))

    async def sessions(self) -> list[SessionSummary]:
        """All sessions, the last changed first; times are Unix seconds of the recording."""
        return await self._run(_sessions)

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

    async def _close(self) -> None:
        try:
            await self._connection.close()
        except sqlite3.Error as error:
            raise failures.from_sqlite(self._path, error) from error
        finally:
            self._ownership.release()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise LedgerError("The ledger is closed.")
        try:
            return await self._connection.run(work)
        except sqlite3.Error as error:
            raise failures.from_sqlite(self._path, error) from error
        except UnicodeEncodeError as error:
            raise LedgerError("A text holds half of a character, which cannot be kept.") from error
        except OverflowError as error:
            raise LedgerError("A number is too large to be kept.") from error


def _record(
    session_id: str,
    events: tuple[Durable, ...],
    clock: Callable[[], float],
    db: sqlite3.Connection,
) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for event in events:
            append(db, session_id, event, clock())
        db.execute("COMMIT")
    finally:
        # SQLite ends the transaction by itself when the disk is full; a second end would fail.
        if db.in_transaction:
            db.execute("ROLLBACK")


def _replay(session_id: str, db: sqlite3.Connection) -> list[Durable]:
    bodies = db.execute("SELECT body FROM event WHERE session_id = ? ORDER BY seq", (session_id,))
    events = [decode(body) for (body,) in bodies]
    if not events:
        raise LedgerError(
            f"There is no session {session_id}.", hint="Run: pocketcoder sessions, for a list."
        )
    return events


def _sessions(db: sqlite3.Connection) -> list[SessionSummary]:
    return [SessionSummary(*row) for row in db.execute(_SESSIONS)]
