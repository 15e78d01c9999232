"""The one way to write to a ledger: a transaction whose records are announced before it commits."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.ledger.chain import SEAL_AFTER, Chain, note_of
from pocketcoder_tui.ledger.head import Head
from pocketcoder_tui.ledger.projection import append
from pocketcoder_tui.ledger.verify_audit import Event


class Writer:
    """Writes to a verified ledger, in its connection's thread. Borrows connection and head."""

    def __init__(
        self, db: sqlite3.Connection, chain: Chain, head: Head, clock: Callable[[], float]
    ) -> None:
        self.db = db
        self.chain = chain
        self.wrote = False
        """True once anything was written by this process."""
        self._head = head
        self._clock = clock

    @contextmanager
    def transaction(self, of: str) -> Iterator[None]:
        """Commit what is written within, or nothing of it; ``of`` names it for the fail points.

        Raises sqlite3.Error, or OSError when the head cannot be written.
        """
        db, point = self.db, self.chain.point()
        if not self.wrote:
            self._head.unseal()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self.chain.end != point.end:
                self._head.announce(self.chain.end)
            failpoints.reach("before commit", of)
            db.execute("COMMIT")
        except BaseException:
            self.chain.back(point)
            raise
        finally:
            # SQLite ends the transaction by itself when the disk is full; a second end would fail.
            if db.in_transaction:
                db.execute("ROLLBACK")
        self.wrote = True
        failpoints.reach("after commit", of)
        if self.chain.end != point.end:
            self._head.confirm()

    def record(self, session_id: str, events: tuple[Durable, ...]) -> None:
        """Append events in one transaction, and what follows from them; see core.ports.Ledger."""
        with self.transaction(events[-1].kind):
            for event in events:
                at = self.now()
                row = append(self.db, session_id, event, at)
                self.cover(row, note_of(event))

    def cover(self, row: Event, note: AuditNote | None = None) -> None:
        """Bring a written event under the chain, with a record of its own when it is due one."""
        _, session_id, at, _, _ = row
        digest = self.chain.take(row)
        if note is not None:
            self.chain.add(self.db, note, at, session_id, digest)
        elif len(self.chain.leaves) >= SEAL_AFTER:
            self.chain.add(self.db, AuditNote(AuditKind.LOG), at)

    def note(self, note: AuditNote, session_id: str | None = None) -> int:
        """Add a record in the caller's transaction; returns its number."""
        return self.chain.add(self.db, note, self.now(), session_id)

    def now(self) -> float:
        """The moment, Unix seconds."""
        return float(self._clock())
