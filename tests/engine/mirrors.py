"""A session that is served on a real socket, and a mirror of it, for tests."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from pocketcoder_tui.control import ControlServer
from pocketcoder_tui.core.events import Event
from pocketcoder_tui.core.transcript import Remark
from pocketcoder_tui.engine.mirror import MirrorWorkbench
from pocketcoder_tui.engine.mirroring import Watched, mirrored


class Watcher:
    """A mirror with ears."""

    def __init__(self, socket: Path) -> None:
        self.mirror = MirrorWorkbench(socket)
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self.mirror.listen(self._heard)

    def _heard(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait for a fact to become true with some event."""
        async with asyncio.timeout(10):
            while not fact():
                self._news.clear()
                await self._news.wait()

    async def same_as(self, session: Watched) -> None:
        """Wait until the mirror shows, byte for byte, what the owner shows."""
        await self.until(lambda: repr(self.mirror.transcript) == self._of(session))
        assert repr(self.mirror.transcript) == self._of(session)

    @staticmethod
    def _of(session: Watched) -> str:
        return repr(session.journal.transcript)

    @property
    def remarks(self) -> list[str]:
        """What was said in lines of their own."""
        entries = self.mirror.transcript.entries.values()
        return [f"{e.sentence} {e.hint}" for e in entries if isinstance(e, Remark)]


@asynccontextmanager
async def served(session: Watched, socket: Path) -> AsyncIterator[ControlServer]:
    """Answer who wants to watch."""

    async def respond(body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        assert body["ask"] == "session.watch"
        async with aclosing(mirrored(session)) as lines:
            async for line in lines:
                yield line

    server = ControlServer(socket, respond)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose()


@asynccontextmanager
async def watching(socket: Path) -> AsyncIterator[Watcher]:
    """A mirror that has read the history."""
    watcher = Watcher(socket)
    try:
        await watcher.mirror.open()
        yield watcher
    finally:
        await watcher.mirror.aclose()


@asynccontextmanager
async def telling(socket: Path, *lines: bytes, then: str = "hang up") -> AsyncIterator[None]:
    """Something that listens where a pocketcoder would, and says what a test wants.

    ``then``: "hang up", or "stay" until the caller hangs up.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"".join(lines))
        await writer.drain()
        if then == "stay":
            await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(talk, str(socket))
    try:
        yield
    finally:
        server.close()
