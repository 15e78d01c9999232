"""One visit: a connection of the host's loopback joined to an sshd in the box.

Bytes go both ways as fast as the slower side takes them, and no more is held than one piece and
what asyncio and the wire hold (64 KiB and 1 MiB). Everything after the handshake is encrypted, so
who came in is known by sshd's own words alone, which are not to be trusted: what is odd ends it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.sandbox.frames import STDOUT, FrameReader
from pocketcoder_tui.sandbox.ssh.serving import GRACE, VisitLog
from pocketcoder_tui.sandbox.wires import Wire

__all__ = ["Visit"]

_PIECE = 1 << 16
"""Bytes copied at once."""
_LATE = GRACE + 5
"""Seconds until somebody must have come in, as the host counts them."""
_SILENT = 180.0
"""Seconds without a byte from the box: sshd asks a silent client every 30 s, so nobody is there."""


class Visit:
    """One connection. Owns it and the sshd's wire; ``aclose`` or the end of either ends both."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        open_wire: Callable[[], Awaitable[Wire]],
        on_key: Callable[["Visit", str], bool],
    ) -> None:
        """``on_key`` is told which key is said to have come in, and says whether that may be."""
        self._reader = reader
        self._writer = writer
        self._open_wire = open_wire
        self._on_key = on_key
        writer.transport.set_write_buffer_limits(high=0)  # what is drained has left
        self._log = VisitLog()
        self._limit = asyncio.timeout(_LATE)
        self.fingerprint = ""
        """The key that is said to have come in; empty before that."""
        self.last_words = ""
        """What sshd said last."""

    async def serve(self) -> None:
        """Carry the visit to its end. Raises SandboxError when no sshd could be started."""
        wire: Wire | None = None
        try:
            async with self._limit:
                wire = await self._open_wire()
                await self._both_ways(wire)
        except TimeoutError:
            return  # nobody came in, or nobody is there any more
        finally:
            self._writer.transport.abort()
            if wire is not None:
                await wire.aclose()

    def hang_up(self) -> None:
        """Cut the connection now; ``serve`` ends soon after."""
        self._writer.transport.abort()

    async def _both_ways(self, wire: Wire) -> None:
        """Copy until the box's side ends, or the visitor's does and sshd has seen it."""
        sending = asyncio.create_task(self._to_box(wire))
        try:
            await self._from_box(wire)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _to_box(self, wire: Wire) -> None:
        try:
            while data := await self._reader.read(_PIECE):
                await wire.write(data)
        except (OSError, PocketCoderError):
            pass  # one of the two is gone
        await wire.aclose()  # sshd reads its end, and we do from it

    async def _from_box(self, wire: Wire) -> None:
        frames = FrameReader()
        while data := await wire.read():
            for stream, piece in frames.feed(data):
                if stream != STDOUT:
                    if not self._heard(piece):
                        return
                    continue
                self._writer.write(piece)
            if self.fingerprint:
                self._limit.reschedule(asyncio.get_running_loop().time() + _SILENT)
            try:
                await self._writer.drain()
            except OSError:
                return
        with contextlib.suppress(OSError):
            self._writer.write_eof()
            await self._writer.drain()

    def _heard(self, piece: bytes) -> bool:
        """Take what sshd says; False when the visit must end."""
        for fingerprint in self._log.feed(piece):
            if self.fingerprint or not fingerprint:
                return False  # somebody comes in once, and sshd's lines are short
            self.fingerprint = fingerprint
            if not self._on_key(self, fingerprint):
                return False
        self.last_words = self._log.last or self.last_words
        return True
