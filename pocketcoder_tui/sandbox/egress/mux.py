"""Connections over the one stream to the program in the box, each as bytes read and written."""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from pocketcoder_tui.core.errors import ContainerGone, SandboxError
from pocketcoder_tui.core.ports import ByteStream
from pocketcoder_tui.sandbox.egress.frames import (
    LONGEST,
    WINDOW,
    Frame,
    FrameError,
    Frames,
    Kind,
    credit,
    frame,
)

__all__ = ["MOST", "Far", "Mux"]

MOST = 256
"""Connections that may be open at once, of both directions together."""
_SECONDS = 15.0
"""Within which the program in the box has to be ready, and to answer."""
_BEHIND = 4 << 20
"""Bytes that may wait for a box that does not read its stream."""


class Far:
    """One connection, seen from the host."""

    def __init__(self, mux: "Mux", number: int) -> None:
        self._mux = mux
        self.number = number
        """Its number on the stream."""
        self._held = bytearray()
        self._news = asyncio.Event()
        self._room = WINDOW
        self._allowed = WINDOW
        """Bytes that the box may still send."""
        self._roomy = asyncio.Event()
        self._ended = False
        self.over = False
        """True once it is closed, by whichever side."""
        self._leaving = asyncio.Event()
        self.settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """For one that the host opened: whether somebody listened."""

    async def read(self) -> bytes:
        """The next bytes, LONGEST at most; b"" at the end. Raises ConnectionError."""
        while not self._held:
            if self.over and not self._ended:
                raise ConnectionResetError
            if self._ended:
                return b""
            self._news.clear()
            await self._news.wait()
        data = bytes(self._held[:LONGEST])
        del self._held[: len(data)]
        self._allowed += len(data)
        if not self.over:
            self._mux.send(credit(self.number, len(data)))
        return data

    async def left(self) -> None:
        """Return when the program has hung up, or will say no more."""
        await self._leaving.wait()

    async def write(self, data: bytes) -> None:
        """Send all of it as the other side reads. Raises ConnectionError."""
        view = memoryview(data)
        while view:
            if self.over:
                raise ConnectionResetError
            if self._room <= 0:
                self._roomy.clear()
                await self._roomy.wait()
                continue
            size = min(len(view), self._room, LONGEST)
            self._room -= size
            self._mux.send(frame(Kind.DATA, self.number, bytes(view[:size])))
            view = view[size:]
        await self._mux.drain()

    def end(self) -> None:
        """No more data goes."""
        if not self.over:
            self._mux.send(frame(Kind.END, self.number))

    def close(self) -> None:
        """Both directions are over."""
        if not self.over:
            self._mux.send(frame(Kind.CLOSE, self.number))
            self._mux.forget(self)

    def heard(self, kind: Kind, data: bytes) -> None:
        """Called by the mux. Raises FrameError for what is out of order."""
        match kind:
            case Kind.DATA:
                self._allowed -= len(data)
                if self._ended or self._allowed < 0:
                    raise FrameError("The box sent more than it may.")
                self._held += data
            case Kind.END:
                self._ended = True
                self._leaving.set()
            case Kind.CREDIT:
                self._room += struct.unpack(">I", data)[0] if len(data) == 4 else WINDOW + 1
                if self._room > WINDOW:
                    raise FrameError("The box took more than was sent.")
                self._roomy.set()
            case _:
                self._mux.forget(self)
        self._news.set()

    def lost(self) -> None:
        """Called by the mux: nothing comes or goes any more."""
        self.over = True
        self._leaving.set()
        self._news.set()
        self._roomy.set()
        if not self.settled.done():
            self.settled.set_result(False)


class Mux:
    """Owns the stream. ``on_open`` is given every connection that a program in the box makes."""

    def __init__(self, stream: ByteStream, on_open: Callable[[Far], None]) -> None:
        self._stream = stream
        self._on_open = on_open
        self._known: dict[int, Far] = {}
        self._next = 2
        self._frames = Frames()
        self._out = bytearray()
        self._sending: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ports: asyncio.Future[bytes] | None = None
        self._asking = asyncio.Lock()
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why nothing comes any more."""

    async def begin(self) -> None:
        """Wait until the program in the box is ready. Raises SandboxError."""
        self._stream.follow(self._heard, lambda: self._lose("The program in the box ended."))
        try:
            async with asyncio.timeout(_SECONDS):
                await self._ready
        except TimeoutError:
            raise SandboxError("The box's way out did not start.") from None

    async def ports(self) -> list[tuple[int, str]]:
        """Ports in the box on which somebody listens, and the programs' names, untrusted.

        Raises SandboxError.
        """
        async with self._asking:
            self._ports = asyncio.get_running_loop().create_future()
            self.send(frame(Kind.PORTS))
            try:
                async with asyncio.timeout(_SECONDS):
                    waited: list[asyncio.Future[Any]] = [self._ports, self.gone]
                    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                    if not self._ports.done():
                        raise SandboxError(self.gone.result())
                    return _ports_in(self._ports.result())
            except TimeoutError:
                raise SandboxError("The box did not tell its ports.") from None
            finally:
                self._ports = None

    async def connect(self, port: int) -> Far:
        """Connect to a port in the box. Raises ConnectionRefusedError."""
        if len(self._known) >= MOST or self.gone.done():
            raise ConnectionRefusedError
        far = Far(self, self._next)
        self._next += 2
        self._known[far.number] = far
        self.send(frame(Kind.OPEN, far.number, struct.pack(">H", port)))
        try:
            if await far.settled:
                return far
        except asyncio.CancelledError:
            far.close()
            raise
        raise ConnectionRefusedError

    def send(self, data: bytes) -> None:
        """Queue frames."""
        if self.gone.done():
            return
        self._out += data
        if len(self._out) > _BEHIND:
            self._drained.clear()
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name="egress-send")

    async def drain(self) -> None:
        """Wait until little enough is queued."""
        await self._drained.wait()

    def forget(self, far: Far) -> None:
        """A connection is over."""
        self._known.pop(far.number, None)
        far.lost()

    async def aclose(self) -> None:
        """End the stream and every connection."""
        self._lose("It was closed.")
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self._stream.aclose()

    async def _send(self) -> None:
        try:
            while self._out:
                data = bytes(self._out)
                self._out.clear()
                await self._stream.write(data)
                self._drained.set()
        except ContainerGone as error:
            self._lose(error.sentence)
        finally:
            self._sending = None

    def _heard(self, data: bytes) -> None:
        if self.gone.done():
            return
        try:
            for piece in self._frames.feed(data):
                self._take(piece)
        except FrameError as error:
            self._lose(str(error))

    def _take(self, piece: Frame) -> None:
        match piece.kind:
            case Kind.READY if not self._ready.done():
                self._ready.set_result(None)
            case Kind.TROUBLE:
                self._lose("Its port is taken: " + piece.data.decode("utf-8", "replace")[:100])
            case Kind.PORTS:
                if self._ports is not None and not self._ports.done():
                    self._ports.set_result(piece.data)
            case Kind.OPEN:
                self._opened(piece.number)
            case _ if piece.number in self._known:
                self._known[piece.number].heard(piece.kind, piece.data)
            case _:
                pass  # about one that this side has closed meanwhile

    def _opened(self, number: int) -> None:
        if number % 2 == 0:
            far = self._known.get(number)
            if far is not None and not far.settled.done():
                far.settled.set_result(True)
            return
        if number in self._known or len(self._known) >= 2 * MOST:  # both may open at once
            raise FrameError("The box opened more connections than it may.")
        far = self._known[number] = Far(self, number)
        self._on_open(far)

    def _lose(self, why: str) -> None:
        if self.gone.done():
            return
        self.gone.set_result(why)
        self._drained.set()
        if not self._ready.done():
            self._ready.set_exception(SandboxError(f"The box has no way out. {why}"))
        for far in tuple(self._known.values()):
            self.forget(far)


def _ports_in(data: bytes) -> list[tuple[int, str]]:
    found = []
    for line in data.decode("utf-8", "replace").splitlines():
        number, _, name = line.partition(" ")
        if number.isascii() and number.isdigit() and len(number) <= 5 and 0 < int(number) < 65_536:
            found.append((int(number), name[:64]))
    return found
