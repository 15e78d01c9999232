"""A program's input and output in the box, held open as the port's ByteStream."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

import docker

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.frames import FrameReader
from pocketcoder_tui.sandbox.threads import Engine
from pocketcoder_tui.sandbox.wires import PlainWire, TlsWire, Wire

__all__ = ["ExecStream", "open_wire", "start_exec"]

_FLOOD = 16_384
"""Bytes in one piece that look like a flood."""


class ExecStream:
    """One exec, both of its outputs as one. Owns the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._following: asyncio.Task[None] | None = None

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Hand over every piece of output, and the end once."""
        self._following = asyncio.create_task(self._follow(on_data, on_end), name="exec-stream")

    async def _follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        frames = FrameReader()
        while data := await self._wire.read():
            payload = b"".join(piece for _stream, piece in frames.feed(data))
            if payload:
                on_data(payload)
            if len(data) >= _FLOOD:
                # A flood must not keep the loop from everything else.
                await asyncio.sleep(0)
        on_end()

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ContainerGone when the other side is gone."""
        await self._wire.write(data)

    async def aclose(self) -> None:
        """End the stream; the program sees its input close."""
        await self._wire.aclose()
        if self._following is not None:
            await asyncio.gather(self._following, return_exceptions=True)


async def open_wire(engine: Engine, exec_id: str) -> Wire:
    """Start an exec and hold its connection. Raises ContainerGone or SandboxError."""
    api = await engine.api()

    def start() -> tuple[socket.socket, bytes]:
        with translated("start a program in the box"):
            return start_exec(api, exec_id)

    starting = asyncio.ensure_future(engine.run(start))
    try:
        sock, early = await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_close_started)
        raise
    if isinstance(sock, ssl.SSLSocket):
        return TlsWire(sock, early)
    return await PlainWire.over(sock, early)


def start_exec(
    api: docker.APIClient, exec_id: str, *, tty: bool = False
) -> tuple[socket.socket, bytes]:
    """Start an exec; return its non-blocking socket and the output that came already. Blocking.

    The SDK reads the head of the answer through a buffer, so output that came together with the
    head is in that buffer and no longer in the socket. Raises SandboxError for a connection that
    is no socket, and the SDK's own errors.
    """
    held: Any = api.exec_start(exec_id, tty=tty, socket=True)
    sock = getattr(held, "_sock", None) if not isinstance(held, socket.socket) else held
    if not isinstance(sock, socket.socket):
        raise SandboxError(
            "This kind of connection to Docker cannot carry a terminal.",
            hint="Set DOCKER_HOST to a unix, ssh or tcp address.",
        )
    response = held._response
    sock.setblocking(False)
    early = b""
    with contextlib.suppress(ssl.SSLWantReadError):
        early = response.raw._fp.fp.peek(1) or b""
    if isinstance(sock, ssl.SSLSocket):
        return sock, early
    # A second descriptor of the same connection: the SDK's objects can go, the stream stays.
    ours = sock.dup()
    response.close()
    sock.close()
    ours.setblocking(False)
    return ours, early


def _close_started(starting: "asyncio.Future[tuple[socket.socket, bytes]]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result()[0].close()
