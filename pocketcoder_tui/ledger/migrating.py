"""What a migration does that SQL cannot say, in the same transaction; by the migration's number.

Like the migrations' SQL these are never changed once they were released.
"""

import sqlite3
import time
from collections.abc import Callable

from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.ledger.chain import Chain
from pocketcoder_tui.ledger.packing import part_output

Finish = Callable[[sqlite3.Connection], None]


def _move_outputs(db: sqlite3.Connection) -> None:
    """0002: what commands printed goes from their events to the table of outputs."""
    results = db.execute("SELECT seq FROM event WHERE kind = 'action_ended'").fetchall()
    for (seq,) in results:
        (body,) = db.execute("SELECT body FROM event WHERE seq = ?", (seq,)).fetchone()
        packed = part_output(body)
        if packed.output is not None:
            db.execute("UPDATE event SET body = ? WHERE seq = ?", (packed.body, seq))
            db.execute("INSERT INTO output (seq, text) VALUES (?, ?)", (seq, packed.output))


def _begin_chain(db: sqlite3.Connection) -> None:
    """0003: the first record, over every event that there was before."""
    chain = Chain.begin()
    for event in db.execute("SELECT seq, session_id, at, kind, body FROM event ORDER BY seq"):
        chain.take(event)
    note = AuditNote(AuditKind.GENESIS, {"events": len(chain.leaves)})
    chain.add(db, note, time.time())


FINISHES: dict[int, Finish] = {2: _move_outputs, 3: _begin_chain}
