"""An aiosqlite connection that runs a whole transaction in one visit to its thread.

A statement at a time costs a hop between threads each, and leaves the transaction open while the
event loop does something else, for example cancel the task that would have ended it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial
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
        """Call ``work`` in the connection's thread; works run one after the other.

        It runs to its end also when the caller is cancelled, which then goes on afterwards.
        """
        # What aiosqlite's own _execute does, but the future is ours to shield: a task around it
        # would cost half as much again as the two hops between the threads (50 of 90 us).
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(work, self._conn)))
        return await settled(future)

    def stop(self) -> asyncio.Future[Any] | None:
        """Ask the thread to close and end; called by aiosqlite's own ``close``."""
        self._stopping = super().stop()
        return self._stopping


async def settled(future: asyncio.Future[T]) -> T:
    """Await ``future`` to its end, also when the caller is cancelled, which it then still is."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait((future,))
        # Seen here so that asyncio does not report it as lost: who was cancelled cannot take it.
        future.exception()
        raise
