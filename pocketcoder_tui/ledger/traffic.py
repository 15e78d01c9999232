"""What went over the box's network, in all sessions: read from the log of events."""

import sqlite3
from functools import partial

from pocketcoder_tui.core.network import (
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    NetworkEvent,
)
from pocketcoder_tui.ledger.access import Access
from pocketcoder_tui.ledger.codec import decode

__all__ = ["traffic"]

_QUERY = """
    SELECT session_id, body FROM event
    WHERE kind IN ('connection_opened', 'connection_closed', 'connection_refused')
    ORDER BY seq DESC LIMIT ?
"""


async def traffic(access: Access, last: int = 0) -> list[tuple[str, NetworkEvent]]:
    """The last events of connections, each with its session's id, the newest last; 0 for all.

    A deleted session has none. Raises LedgerError.
    """
    return await access.read(partial(_traffic, last))


def _traffic(last: int, db: sqlite3.Connection) -> list[tuple[str, NetworkEvent]]:
    found: list[tuple[str, NetworkEvent]] = []
    for session_id, body in db.execute(_QUERY, (last or -1,)):
        event = decode(body)
        if isinstance(event, ConnectionOpened | ConnectionClosed | ConnectionRefused):
            found.append((session_id, event))
    return found[::-1]
