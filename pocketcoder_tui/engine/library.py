"""Sessions as wholes, with what is kept of them in files beside the ledger."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ports import SessionSummary, Tail
from pocketcoder_tui.core.shelf import Hit, Shelf
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.engine.catalogue import LIST_HINT, Glimpse
from pocketcoder_tui.engine.exports import Format, Story, render, tell
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.outputs import Outputs

SECONDS_OF_A_DAY = 86_400
GLIMPSED = 60
"""Events at the end of a session that tell what it was about."""
TITLE_LIMIT = 200
"""Characters of a title."""
_EVERYTHING = 1 << 62
"""A place behind every event."""


class Bookcase(Protocol):
    """What is needed of a ledger; core.ports.Ledger, or a snapshot of one."""

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        """See core.ports.Ledger."""

    async def tail(self, session_id: str, at_least: int) -> Tail:
        """See core.ports.Ledger."""

    def past(self, session_id: str, before: int) -> AsyncGenerator[Sequence[ev.Durable]]:
        """See core.ports.Ledger."""

    @property
    def shelf(self) -> Shelf:
        """See core.ports.Ledger."""


class Forgets(Protocol):
    """Another place in which something of an action is kept."""

    async def forget(self, action_ids: Iterable[str]) -> None:
        """Drop what is kept of them. Raises PocketCoderError."""


class Library:
    """engine.catalogue.Catalogue. Borrows the ledger, the folder of outputs, and the journal."""

    def __init__(
        self,
        ledger: Bookcase,
        outputs: Outputs,
        elsewhere: Forgets,
        journal: Journal | None = None,
    ) -> None:
        """``journal`` is that of the session that is open, whose events must go through it."""
        self._elsewhere = elsewhere
        self._ledger = ledger
        self._outputs = outputs
        self._journal = journal

    @property
    def shelf(self) -> Shelf:
        """All that concerns the ledger alone."""
        return self._ledger.shelf

    @property
    def open_id(self) -> str:
        """See Catalogue."""
        return self._journal.session_id if self._journal is not None else ""

    # --- reading

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        """See Catalogue."""
        return await self._ledger.sessions(archived=archived)

    async def search(self, text: str, *, limit: int = 50) -> list[Hit]:
        """See Catalogue."""
        return await self.shelf.search(text, limit=limit)

    async def glimpse(self, session_id: str) -> Glimpse:
        """See Catalogue."""
        found = [s for s in await self.sessions(archived=True) if s.id == session_id]
        if not found:
            raise LedgerError(f"There is no session {session_id}.", hint=LIST_HINT)
        tail = await self._ledger.tail(session_id, GLIMPSED)
        transcript = Transcript()
        transcript.apply_all(tail.events)
        return Glimpse(found[0], transcript, whole=not tail.begins)

    async def story(self, session_id: str) -> Story:
        """See Catalogue."""
        return await asyncio.to_thread(tell, await self.events(session_id))

    async def events(self, session_id: str) -> list[ev.Durable]:
        """Every event, read some at a time, so that what must be recorded meanwhile is not held up.

        Raises LedgerError for an unknown session.
        """
        await self._ledger.tail(session_id, 1)
        events: list[ev.Durable] = []
        async with aclosing(self._ledger.past(session_id, _EVERYTHING)) as pages:
            async for page in pages:
                events += page
        return events

    async def export(self, session_id: str, form: Format) -> str:
        """See Catalogue."""
        if form is Format.LINES:
            return render(form, (), await self.shelf.export(session_id))
        return await asyncio.to_thread(render, form, await self.events(session_id), ())

    # --- changing

    async def rename(self, session_id: str, title: str) -> None:
        """See Catalogue."""
        title = " ".join(title.split())[:TITLE_LIMIT]
        if not title:
            raise LedgerError("A title has at least one word.")
        if self._journal is not None and session_id == self.open_id:
            await self._journal.write(ev.SessionTitled(title))
        else:
            await self.shelf.rename(session_id, title)

    async def archive(self, session_id: str, archived: bool = True) -> None:
        """See Catalogue."""
        if self._journal is not None and session_id == self.open_id:
            await self._journal.write(ev.SessionArchived(archived, time.time()))
        else:
            await self.shelf.archive(session_id, archived)

    async def fork(self, session_id: str, turn_id: str) -> str:
        """See Catalogue."""
        return await self.shelf.fork(session_id, turn_id)

    async def import_session(self, lines: Iterable[str], workspace: str) -> str:
        """Begin a session with an export's events; returns its id. Raises LedgerError.

        They happened elsewhere: nothing of them is open in here, and nothing is sent again.
        """
        return await self.shelf.import_session(lines, workspace)

    async def delete(self, session_id: str) -> None:
        """Remove what was said, done, printed and kept of a session.

        Raises LedgerError or CheckpointError.
        """
        if session_id and session_id == self.open_id:
            raise LedgerError(
                "This session is open.", hint="Go to another one first, or begin a new one."
            )
        gone = await self.shelf.delete(session_id)
        try:
            await asyncio.to_thread(self._outputs.forget, gone)
        except OSError as error:
            raise LedgerError(
                f"The session is deleted, but not its long outputs: {error.strerror}.",
                hint="Delete the folder of outputs beside the ledger by hand.",
            ) from error
        await self._elsewhere.forget(gone)

    async def prune(self, days: int) -> int:
        """Remove output that is older than so many days, 0 for none; returns how many.

        Raises LedgerError.
        """
        if not days:
            return 0
        before = time.time() - days * SECONDS_OF_A_DAY
        count = await self.shelf.prune(before)
        try:
            await asyncio.to_thread(self._outputs.prune, before)
        except OSError as error:
            raise LedgerError(f"Old long outputs cannot be deleted: {error.strerror}.") from error
        return count
