"""Raw bytes to and from one exec, on the event loop.

A plain socket is asyncio's own. A TLS connection that the SDK has opened cannot be handed over, so
one thread owns it: it alone reads and writes, and passes bytes to the loop and from it.
"""

import asyncio
import contextlib
import select
import socket
import ssl
import threading
from typing import Protocol, cast

from pocketcoder_tui.core.errors import ContainerGone

__all__ = ["PlainWire", "TlsWire", "Wire"]

_CHUNK = 1 << 16
"""Bytes read from TLS at once."""

_HELD = 1 << 20
"""Bytes that a wire holds for a slow reader before it stops reading."""


class Wire(Protocol):
    """One connection. A single task reads at a time."""

    async def read(self) -> bytes:
        """The next bytes; b"" at the end, however it came."""

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ContainerGone."""

    def end_input(self) -> None:
        """Close our direction; the program sees the end of its input. TLS cannot."""

    async def aclose(self) -> None:
        """Close the connection; a read that waits returns b""."""


def _gone() -> ContainerGone:
    return ContainerGone("The box went away while it was in use.")


class PlainWire(asyncio.Protocol):
    """A unix or TCP socket. Owns its transport."""

    def __init__(self, early: bytes) -> None:
        self._chunks = [early] if early else []
        self._size = len(early)
        self._ended = False
        self._paused = False
        self._fresh = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def over(cls, sock: socket.socket, early: bytes) -> "PlainWire":
        """Take a connected non-blocking socket."""
        loop = asyncio.get_running_loop()
        _transport, wire = await loop.create_connection(lambda: cls(early), sock=sock)
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio. A write is done when the system has all of it."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > _HELD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._fresh.set()

    def eof_received(self) -> bool:
        """Called by asyncio; the transport closes."""
        self._ended = True
        self._fresh.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._ended = True
        self._fresh.set()
        self._writable.set()
        self._closed.set()

    def pause_writing(self) -> None:
        """Called by asyncio."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self._writable.set()

    async def read(self) -> bytes:
        """The next bytes; b"" at the end."""
        while not self._chunks:
            if self._ended:
                return b""
            self._fresh.clear()
            await self._fresh.wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._paused = False
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ContainerGone."""
        if self._ended or self._transport is None or self._transport.is_closing():
            raise _gone()
        self._transport.write(data)
        await self._writable.wait()
        if self._closed.is_set():
            raise _gone()

    def end_input(self) -> None:
        """Close our direction."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        self._ended = True
        self._fresh.set()
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()


class TlsWire:
    """A TLS connection. Owns the socket and the one thread that touches it."""

    def __init__(self, sock: ssl.SSLSocket, early: bytes) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        if early:
            self._incoming.put_nowait(early)
        self._held = threading.Semaphore(_HELD // _CHUNK)
        self._lock = threading.Lock()
        self._outgoing: list[tuple[bytes, asyncio.Future[None]]] = []
        self._stopping = False
        self._ended = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._serve, name="docker-tls", daemon=True)
        self._thread.start()

    async def read(self) -> bytes:
        """The next bytes; b"" at the end."""
        if self._ended and self._incoming.empty():
            return b""
        data = await self._incoming.get()
        self._held.release()
        if not data:
            self._ended = True
        return data

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ContainerGone."""
        sent: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            if self._stopping:
                raise _gone()
            self._outgoing.append((data, sent))
        self._wake()
        await sent

    def end_input(self) -> None:
        """Do nothing: Python's TLS closes both directions or none."""

    async def aclose(self) -> None:
        """Close the connection and end the thread."""
        with self._lock:
            self._stopping = True
        self._held.release()
        self._wake()
        await asyncio.to_thread(self._thread.join)
        self._ended = True
        self._incoming.put_nowait(b"")
        self._waker.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def _serve(self) -> None:
        """The thread: move bytes until the connection ends or aclose says so."""
        pending = memoryview(b"")
        promise: asyncio.Future[None] | None = None
        try:
            while not self._stopping:
                if not pending and promise is not None:
                    self._tell(promise, None)
                    promise = None
                if not pending and self._outgoing:
                    with self._lock:
                        data, promise = self._outgoing.pop(0)
                    pending = memoryview(data)
                if self._receive():
                    continue
                if pending:
                    with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        pending = pending[self._sock.send(pending[:_CHUNK]) :]
                        continue
                if promise is None and self._outgoing:
                    continue
                writers = [self._sock] if pending else []
                select.select([self._sock, self._woken], writers, [])
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
        except (OSError, EOFError):
            pass
        finally:
            self._finish(promise)

    def _receive(self) -> bool:
        """Pass one piece to the loop; False when nothing is there. Raises EOFError at the end."""
        try:
            data = self._sock.recv(_CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        if not data:
            raise EOFError
        self._held.acquire()
        self._post(data)
        return True

    def _finish(self, promise: "asyncio.Future[None] | None") -> None:
        with self._lock:
            self._stopping = True
            waiting = [sent for _data, sent in self._outgoing]
            self._outgoing.clear()
        for sent in [*waiting, *([promise] if promise is not None else [])]:
            self._tell(sent, _gone())
        self._post(b"")
        self._sock.close()
        self._woken.close()

    def _post(self, data: bytes) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._incoming.put_nowait, data)

    def _tell(self, sent: "asyncio.Future[None]", error: Exception | None) -> None:
        def settle() -> None:
            if sent.done():
                return
            if error is None:
                sent.set_result(None)
            else:
                sent.set_exception(error)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)
