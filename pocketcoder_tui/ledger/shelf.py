"""Sessions as wholes over one SQLite ledger, and the search file beside it."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.events import SessionArchived, SessionTitled
from pocketcoder_tui.core.shelf import Hit, Place
from pocketcoder_tui.ledger import failures, reading, searching, shelving
from pocketcoder_tui.ledger.access import Access
from pocketcoder_tui.ledger.connection import Connection, settled
from pocketcoder_tui.ledger.searching import NOTHING, Found
from pocketcoder_tui.ledger.writing import Writer

T = TypeVar("T")
log = logging.getLogger(__name__)


class SqliteShelf:
    """core.shelf.Shelf. Borrows the ledger; owns the search file's connection and its thread."""

    def __init__(self, ledger: Access) -> None:
        self._ledger = ledger
        self._index: Connection | None = None
        self._place = searching.search_path(ledger.path)
        self._one_at_a_time = asyncio.Lock()
        """Held by whoever uses the search file."""
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False

    # --- what core.shelf.Shelf promises

    async def search(self, text: str, *, session_id: str = "", limit: int = 50) -> list[Hit]:
        """See Shelf. What was recorded before the call is found."""
        find = partial(searching.find, text, session_id, limit)
        async with self._one_at_a_time:
            with failures.explained(self._place):
                found = await self._find(find)
        return await self._ledger.read(partial(_hits, found))

    async def rename(self, session_id: str, title: str) -> None:
        """See Shelf."""
        event = SessionTitled(title)
        await self._ledger.write(partial(shelving.of_session, session_id, event))
        self.changed()

    async def archive(self, session_id: str, archived: bool = True) -> None:
        """See Shelf."""
        await self._ledger.write(lambda w: _archive(session_id, archived, w))

    async def delete(self, session_id: str) -> Sequence[str]:
        """See Shelf. The search file is made anew, so that no word of it stays there."""
        gone = await self._ledger.write(partial(shelving.delete, session_id))
        async with self._one_at_a_time:
            with failures.explained(self._place):
                await self._begin_anew()
        self.changed()
        return gone

    async def fork(self, session_id: str, turn_id: str) -> str:
        """See Shelf."""
        made = await self._ledger.write(partial(shelving.fork, session_id, turn_id))
        self.changed()
        return made

    async def export(self, session_id: str) -> list[str]:
        """See Shelf. Read some at a time, so that what is recorded meanwhile is not held up."""
        lines = [await self._ledger.read(partial(shelving.export_head, session_id))]
        after = 0
        while True:
            page = await self._ledger.read(partial(reading.page, session_id, after, reading.END))
            if not page.events:
                return lines
            after = page.begins
            lines += await asyncio.to_thread(shelving.export_lines, page.events)

    async def import_session(self, lines: Iterable[str], workspace: str) -> str:
        """See Shelf."""
        made = await self._ledger.write(partial(shelving.import_session, list(lines), workspace))
        self.changed()
        return made

    async def prune(self, before: float) -> int:
        """See Shelf."""
        count = await self._ledger.write(partial(shelving.prune, before))
        if count:
            async with self._one_at_a_time:
                try:
                    await self._ask(partial(searching.forget_outputs, before))
                except (sqlite3.Error, OSError) as error:
                    log.warning("the search file is made anew: %s", error)
                    await self._begin_anew()
        return count

    # --- for the ledger

    def changed(self) -> None:
        """Something was recorded: take it in soon, so that a search need not wait for it."""
        self._again = not self._closed
        if self._again and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self._keep_up())

    async def aclose(self) -> None:
        """End what is under way and let go of the search file."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        async with self._one_at_a_time:
            await self._let_go()

    # --- how

    async def _keep_up(self) -> None:
        """A search file that cannot be kept is no reason to stop: a search says why."""
        while self._again:
            self._again = False
            async with self._one_at_a_time:
                try:
                    await self._catch_up()
                except (sqlite3.Error, OSError) as error:
                    log.warning("the search file was not brought up to date: %s", error)
                except LedgerError:
                    return  # the ledger was closed, or says itself what is wrong

    async def _find(self, find: Callable[[sqlite3.Connection], list[Found]]) -> list[Found]:
        """Catch up and look; once more with a search file made anew when it is damaged."""
        try:
            await self._catch_up()
            return await self._ask(find)
        except sqlite3.Error as error:
            log.warning("the search file is made anew: %s", error)
            await self._begin_anew()
            await self._catch_up()
            return await self._ask(find)

    async def _catch_up(self) -> None:
        """Take in what the log has and the search file has not, a batch at a time."""
        since = await self._ask(searching.reached)
        while True:
            batch = await self._ledger.read(partial(searching.passages_since, since))
            if batch is None:
                await self._begin_anew()
                since = NOTHING
                continue
            passages, now = batch
            if now == since:
                return
            await self._ask(partial(searching.take_in, passages, now))
            since = now

    async def _begin_anew(self) -> None:
        await self._let_go()
        await asyncio.to_thread(searching.remove, self._ledger.path)

    async def _let_go(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            await settled(asyncio.ensure_future(index.close()))

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._index is None:
            index = Connection(partial(searching.connect, self._ledger.path))
            await index.open()
            self._index = index
        return await self._index.run(work)


def _archive(session_id: str, archived: bool, writer: Writer) -> None:
    event = SessionArchived(archived, writer.now())
    shelving.of_session(session_id, event, writer)


def _hits(found: list[Found], db: sqlite3.Connection) -> list[Hit]:
    titles = {s.id: s.title for s in reading.sessions(True, db)}
    return [
        Hit(f.session_id, titles[f.session_id], Place(f.place), f.entry_id, f.at, f.snippet)
        for f in found
        if f.session_id in titles
    ]
