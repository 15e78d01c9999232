"""The working program's side of the control socket: it answers the same person's programs only.

The socket is 0600 in a folder of 0700, and every caller's user id is asked of the kernel
(SO_PEERCRED, unix(7)): nothing in the box and nobody else on the machine can decide.
"""

import asyncio
import contextlib
import logging
import os
import select
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from pocketcoder_tui.control.protocol import (
    REQUEST_LIMIT,
    ControlError,
    check_request,
    decode,
    encode,
    refusal,
)
from pocketcoder_tui.core.errors import PocketCoderError

log = logging.getLogger(__name__)

Respond = Callable[[dict[str, Any]], AsyncGenerator[dict[str, Any]]]
"""Answers one request, with as many objects as it takes; closing it ends the request."""

_CREDENTIALS = struct.Struct("3i")
"""pid, uid, gid: struct ucred, unix(7)."""
_CALLERS = 32
"""Connections at once."""
_PATIENCE = 10.0
"""Seconds within which a caller must have sent its request."""
_STALLED = 60.0
"""Seconds for which a caller may leave answers unread that have filled the way to it."""
_LAST_WORDS = 0.05
"""Seconds of silence after which a caller has been told all, once the program ends."""
_FAREWELL = 2.0
"""Seconds in which callers are told the rest, once the program ends."""


class ControlServer:
    """Owns the socket, its file and the connections, from ``start`` to ``aclose``."""

    def __init__(self, path: Path, respond: Respond) -> None:
        self._path = path
        self._respond = respond
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    async def start(self) -> None:
        """Listen. A socket that an earlier process left is taken away. Raises ControlError."""
        try:
            listening = _listen(self._path)
        except OSError as error:
            raise ControlError(
                f"The control socket {self._path} cannot be made: {error.strerror}.",
                hint="Other programs cannot decide then; this one works.",
            ) from error
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listening, limit=REQUEST_LIMIT
        )

    async def aclose(self) -> None:
        """Tell everybody the rest, hang up, and take the socket away."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        self._ending.set()
        if self._callers:
            await asyncio.wait(self._callers, timeout=_FAREWELL)
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of the server's runs in a task of its own
        self._callers.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()  # the caller hung up, or does not read
        except asyncio.CancelledError:
            writer.transport.abort()  # the program ends, and waits for no reader
        finally:
            self._callers.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _require_same_person(writer)
            if len(self._callers) > _CALLERS:
                raise ControlError("Too many programs ask at once.", hint="Try again.")
            body = await _request(reader)
            if _hung_up(writer):
                return  # nobody waits for the answer: what was asked is not done behind their back
            hung_up = asyncio.create_task(reader.read(1))
            ending = asyncio.create_task(self._ending.wait())
            try:
                async with contextlib.aclosing(self._respond(body)) as answers:
                    await _send(answers, writer, hung_up, ending)
            finally:
                hung_up.cancel()
                ending.cancel()
        except PocketCoderError as error:
            writer.write(encode(refusal(error)))
            await writer.drain()
        except Exception:  # boundary: a caller must not end the program that works
            log.exception("a request over the control socket failed")
            fault = ControlError("PocketCoder made an error of its own; the log has the details.")
            writer.write(encode(refusal(fault)))
            await writer.drain()


async def _request(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The one line that a caller sends. Raises ControlError."""
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
    except TimeoutError as error:
        raise ControlError("No request came.") from error
    except ValueError as error:
        raise ControlError(f"A request has at most {REQUEST_LIMIT} bytes.") from error
    body = decode(line)
    check_request(body)
    return body


async def _send(
    answers: AsyncGenerator[dict[str, Any]],
    writer: asyncio.StreamWriter,
    hung_up: "asyncio.Task[bytes]",
    ending: "asyncio.Task[bool]",
) -> None:
    """Write the answers as they come, until they end, nobody reads them, or the program ends."""
    while True:
        coming = asyncio.ensure_future(anext(answers, None))
        try:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait({coming, hung_up, ending}, return_when=first)
            if ending.done() and not coming.done():
                await asyncio.wait({coming, hung_up}, timeout=_LAST_WORDS, return_when=first)
        finally:  # also when the program ends: what still runs cannot be closed
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
        if coming.cancelled():
            return
        answer = coming.result()
        if answer is None:
            return
        writer.write(encode(answer))
        async with asyncio.timeout(_STALLED):
            await writer.drain()


def _listen(path: Path) -> socket.socket:
    """Make the socket, for its owner only; until then the folder keeps others out. Raises OSError.

    A socket's path has at most 107 bytes (unix(7)); through the folder's descriptor it is short.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.chmod(path.name, 0o600, dir_fd=folder)
        listening.listen(_CALLERS)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    finally:
        os.close(folder)
    return listening


def _hung_up(writer: asyncio.StreamWriter) -> bool:
    """Whether the caller has gone already; one that gave up after a long stop has."""
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))


def _require_same_person(writer: asyncio.StreamWriter) -> None:
    """Raises ControlError for a caller that runs as somebody else."""
    peer: socket.socket = writer.get_extra_info("socket")
    data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _pid, uid, _gid = _CREDENTIALS.unpack(data)
    if uid != os.geteuid():
        raise ControlError("Only the person who started this pocketcoder may ask it.")
