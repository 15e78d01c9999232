"""A program in the box on the hatch's pipes: its bytes without the engine's daemons between.

The engine starts the program and tells of its end; only the bytes go another way. Where the pipes
cannot be had (another machine, a runtime that keeps pipes to itself), the engine's own stream
serves, and nobody above sees a difference.
"""

import asyncio
import os
from collections.abc import Callable, Sequence

from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.sandbox.hatch import Hatch, PipePair
from pocketcoder_tui.sandbox.wires import Wire

__all__ = ["PipeStream", "through_pipes"]

_HELLO = b"pocketcoder\n"
_WAIT = 5.0
"""Seconds within which the program must have opened its ends."""
_PIECE = 1 << 16
"""Bytes read at once: what a pipe holds (pipe(7))."""

_START = 'exec <"$1" >"$2" && shift 2 && echo pocketcoder && exec "$@"'


def through_pipes(pair: PipePair, argv: Sequence[str]) -> list[str]:
    """The program that opens the pipes inside, says so, and becomes ``argv``."""
    return ["sh", "-c", _START, "sh", pair.input_path, pair.output_path, *argv]


class PipeStream:
    """Implements the ByteStream port. Owns the pipes and the engine's connection."""

    def __init__(self, pair: PipePair, wire: Wire) -> None:
        self._loop = asyncio.get_running_loop()
        self._pair = pair
        self._wire = wire
        self._early = bytearray()
        self._news = asyncio.Event()
        self._on_data: Callable[[bytes], None] = self._keep
        self._on_end: Callable[[], None] = self._news.set
        self._unsent = bytearray()
        self._sent = asyncio.Event()
        self._ended = False
        self._closed = False
        self._loop.add_reader(pair.output_fd, self._receive)
        self._watch = asyncio.create_task(self._until_engine_ends(), name="pipe-engine")

    async def greeted(self, hatch: Hatch) -> bool:
        """Wait for the program's word that it has its ends; False when it will not come."""
        try:
            async with asyncio.timeout(_WAIT):
                while len(self._early) < len(_HELLO) and not self._ended:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        if not self._early.startswith(_HELLO):
            return False
        del self._early[: len(_HELLO)]
        hatch.settle(self._pair)
        return True

    async def until(self, mark: bytes) -> bytes | None:
        """What comes before a mark, before anybody follows; None when it will not come."""
        try:
            async with asyncio.timeout(_WAIT):
                while mark not in self._early and not self._ended:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        before, found, rest = bytes(self._early).partition(mark)
        self._early[:] = rest
        return before if found else None

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Hand over every piece of output, and the end once."""
        self._on_data, self._on_end = on_data, on_end
        if self._early:
            on_data(bytes(self._early))
            self._early.clear()
        if self._ended:
            on_end()

    async def write(self, data: bytes) -> None:
        """Send all of it, in order. Raises ContainerGone when the other side is gone."""
        if not self._unsent:
            data = data[self._send(data) :]
        if data and not self._ended:
            if not self._unsent:
                self._loop.add_writer(self._pair.input_fd, self._flush)
            self._unsent += data
            self._sent.clear()
        while self._unsent and not self._ended:
            await self._sent.wait()
        if self._ended:
            raise ContainerGone("The box went away while it was in use.")

    async def aclose(self) -> None:
        """End the stream; the program sees its input close."""
        if self._closed:
            return
        self._closed = True
        self._end()
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)
        self._pair.close()
        await self._wire.aclose()

    def _keep(self, data: bytes) -> None:
        """Before anybody follows."""
        self._early += data
        self._news.set()

    def _receive(self) -> None:
        try:
            data = os.read(self._pair.output_fd, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._end()

    def _send(self, data: bytes | bytearray) -> int:
        """Write what fits; returns how many bytes that was."""
        if self._ended:
            return 0
        try:
            return os.write(self._pair.input_fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            self._end()
            return 0

    def _flush(self) -> None:
        del self._unsent[: self._send(self._unsent)]
        if not self._unsent and not self._ended:
            self._loop.remove_writer(self._pair.input_fd)
            self._sent.set()

    def _end(self) -> None:
        """Nothing more comes or goes."""
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._pair.output_fd)
        self._loop.remove_writer(self._pair.input_fd)
        self._sent.set()
        self._on_end()

    async def _until_engine_ends(self) -> None:
        """What the program prints past the pipes is dropped; its end is ours."""
        while await self._wire.read():
            pass
        while not self._ended:
            # What the program wrote last may lie in the pipe still.
            self._receive()
            await asyncio.sleep(0)
