"""The reading half of a ledger, the same over the file one owns and over a copy of another's."""

import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import TypeVar

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.ports import SessionSummary, Tail
from pocketcoder_tui.ledger import reading

T = TypeVar("T")


class Reader:
    """What core.ports.Ledger says of reading, given ``read``."""

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` in the connection's thread. Raises LedgerError."""
        raise NotImplementedError

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        """See core.ports.Ledger; times are Unix seconds of the recording."""
        return await self.read(partial(reading.sessions, archived))

    async def replay(self, session_id: str) -> list[Durable]:
        """See core.ports.Ledger."""
        return await self.read(partial(reading.replay, session_id))

    async def tail(self, session_id: str, at_least: int) -> Tail:
        """See core.ports.Ledger."""
        return await self.read(partial(reading.tail, session_id, at_least))

    async def past(self, session_id: str, before: int) -> AsyncGenerator[Sequence[Durable]]:
        """See core.ports.Ledger."""
        after = 0
        while after < before:
            found = await self.read(partial(reading.page, session_id, after, before))
            after = found.begins
            if found.events:
                yield found.events
