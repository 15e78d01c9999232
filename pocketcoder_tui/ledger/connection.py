"""An aiosqlite connection that runs a whole transaction in one visit to its thread.

A statement at a time costs a hop between threads each, and leaves the transaction open while the
event loop does something else, for example cancel the task that would have ended it.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")


class Connection(aiosqlite.Connection):
    """Owns the thread and the SQLite connection that ``connector`` opens in it."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._stopping: asyncio.Future[Any] | None = None
        # A program that ends without closing must not hang; to the file it is like a kill.
        self._thread.daemon = True

    async def open(self) -> None:
        """Start the thread and connect; raises what the connector raises."""
        try:
            await self
        except BaseException:
            # aiosqlite asks its thread to stop and does not wait: the thread would then report to
            # a loop that may be closed, and print a traceback.
            if self._stopping is not None:
                await self._stopping
            raise

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` in the connection's thread; works run one after the other."""
        # Untyped in aiosqlite.
        execute: Callable[..., Awaitable[T]] = self._execute
        return await execute(work, self._conn)

    def stop(self) -> asyncio.Future[Any] | None:
        """Ask the thread to close and end; called by aiosqlite's own ``close``."""
        self._stopping = super().stop()
        return self._stopping


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end, also when the caller is cancelled, which it then still is."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        # Seen here so that asyncio does not report it as lost: who was cancelled cannot take it.
        task.exception()
        raise cancelled
    return task.result()
