"""What a program in the box says to its proxy: HTTP/1.1, CONNECT and absolute addresses (RFC 9112).

The head is read by h11. Of what the program wrote, the host's name, the port and the path are
taken; the Host line and those that are about the connection are written anew.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import h11

from pocketcoder_tui.core.hosts import host_name, port_refusal
from pocketcoder_tui.core.network import Doorkeeper, Refused
from pocketcoder_tui.sandbox.egress.dialing import Dialler, Outside

__all__ = ["Proxy"]

_HEAD_SECONDS = 60.0
_HEAD_BYTES = 65_536
_TARGET_KEPT = 300
_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
     b"proxy-connection", b"te", b"trailer", b"upgrade", b"host", b"expect"}
)  # fmt: skip
"""Header fields that are about one connection (RFC 9110, section 7.6.1), Host, and Expect."""


class Near(Protocol):
    """A program's connection."""

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises ConnectionError."""

    async def left(self) -> None:
        """Return when the program has hung up, or will say no more."""

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ConnectionError."""

    def end(self) -> None:
        """No more data goes."""

    def close(self) -> None:
        """Both directions are over."""


class _Wanted(Exception):
    """The answer to a request that goes nowhere."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Proxy:
    """Serves one connection after the other, many at once. Borrows everything."""

    def __init__(self, doorkeeper: Doorkeeper, dialler: Dialler) -> None:
        self._doorkeeper = doorkeeper
        self._dialler = dialler
        self._carrying: dict[str, _Carried] = {}

    def cut(self, connection_id: str) -> tuple[int, int]:
        """End a connection at once; returns the bytes that went out and came back."""
        carried = self._carrying.get(connection_id)
        if carried is None:
            return 0, 0
        carried.near.close()
        carried.outside.close()
        return carried.bytes.sent, carried.bytes.received

    async def serve(self, near: Near) -> None:
        """Answer what comes over a program's connection, to its end."""
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        try:
            while await self._answer(near, http):
                http.start_next_cycle()
        except (h11.ProtocolError, OSError, TimeoutError):
            pass  # it is the program's affair what it makes of a connection that ends
        finally:
            near.close()

    async def _answer(self, near: Near, http: h11.Connection) -> bool:
        """One request. Returns whether another one may follow."""
        async with asyncio.timeout(_HEAD_SECONDS):
            request = await _next(near, http)
        if not isinstance(request, h11.Request):
            return False
        tunnel = request.method == b"CONNECT"
        try:
            host, port, path = await self._target(request)
            action_id = await self._while_there(near, host, port)
            outside, connection_id = await self._reach(action_id, host, port)
        except _Wanted as answer:
            await near.write(_words(http, answer.status, str(answer)))
            return False
        count = _Count()
        self._carrying[connection_id] = _Carried(near, outside, count)
        error = ""
        try:
            if tunnel:
                await near.write(_accepted(http))
                early = http.trailing_data[0]
                await _pump(near, outside, early, count)
                return False
            return await _exchange(near, http, request, (outside, host, path), count)
        except (OSError, h11.ProtocolError) as failure:
            error = "It was cut off." if isinstance(failure, OSError) else "It is not HTTP."
            raise
        finally:
            outside.close()
            del self._carrying[connection_id]
            await asyncio.shield(
                self._doorkeeper.closed(connection_id, count.sent, count.received, error)
            )

    async def _target(self, request: h11.Request) -> tuple[str, int, str]:
        """Host, port and path of a request. Raises _Wanted."""
        raw = request.target.decode("latin-1")
        try:
            if request.method == b"CONNECT":
                named, _, number = raw.rpartition(":")
                port, path = int(number), ""
            else:
                parts = urlsplit(raw)
                if parts.scheme != "http" or not parts.hostname:
                    raise ValueError("Only http:// and CONNECT are understood here.")
                named, port = parts.hostname, parts.port or 80
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            host = host_name(named)
            if why := port_refusal(port):
                raise ValueError(why)
        except ValueError as error:
            why = str(error) if str(error)[-1:] == "." else "The address cannot be read."
            await self._doorkeeper.turned_away(raw[:_TARGET_KEPT], why)
            raise _Wanted(403, why) from None
        return host, port, path

    async def _while_there(self, near: Near, host: str, port: int) -> str:
        """Wait for the decision for as long as the program does. Raises _Wanted, OSError."""
        asking = asyncio.ensure_future(self._doorkeeper.admit(host, port))
        leaving = asyncio.ensure_future(near.left())
        try:
            await asyncio.wait([asking, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise ConnectionResetError
            return asking.result()
        except Refused as why:
            raise _Wanted(403, str(why)) from None
        finally:
            for task in (asking, leaving):
                task.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)

    async def _reach(self, action_id: str, host: str, port: int) -> tuple[Outside, str]:
        """Look the name up, dial, record. Raises _Wanted."""
        try:
            addresses = await self._dialler.look_up(host, port)
            outside = await self._dialler.dial(addresses, port)
        except ConnectionError as error:
            await self._doorkeeper.failed(action_id, host, port, str(error))
            raise _Wanted(502, str(error)) from None
        try:
            opened = await self._doorkeeper.opened(action_id, host, port, outside.address)
        except Refused as why:
            outside.close()
            raise _Wanted(403, str(why)) from None
        except BaseException:
            outside.close()
            raise
        return outside, opened


@dataclass(slots=True)
class _Count:
    """Bytes each way."""

    sent: int = 0
    received: int = 0


class _Carried(NamedTuple):
    """A connection that is open."""

    near: Near
    outside: Outside
    bytes: _Count


async def _next(near: Near, http: h11.Connection) -> object:
    """The next event, or h11.PAUSED. Raises h11.ProtocolError, ConnectionError."""
    while True:
        event = http.next_event()
        if not isinstance(event, type) or event is h11.PAUSED:
            return event
        http.receive_data(await near.read())


async def _pump(near: Near, outside: Outside, early: bytes, count: _Count) -> None:
    """Carry bytes both ways until both have ended. Raises OSError."""

    async def outward() -> None:
        data = early or await near.read()
        while data:
            count.sent += len(data)
            await outside.write(data)
            data = await near.read()
        outside.end()

    async def inward() -> None:
        while data := await outside.read():
            count.received += len(data)
            await near.write(data)
        near.end()

    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(outward())
            both.create_task(inward())
    except* OSError as failures:
        raise ConnectionResetError from failures


async def _exchange(
    near: Near,
    http: h11.Connection,
    request: h11.Request,
    to: tuple[Outside, str, str],
    count: _Count,
) -> bool:
    """Carry one request and its answer. Returns whether another one may follow."""
    outside, host, path = to
    there = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
    chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
    left_out = _HOP | {b"content-length"} if chunked else _HOP  # RFC 9112, section 6.3
    kept = [(bytes(k), bytes(v)) for k, v in request.headers if k not in left_out]
    head = h11.Request(
        method=request.method,
        target=path,
        headers=[(b"Host", host.encode()), *kept, (b"Connection", b"close")],
    )

    async def send(event: h11.Event) -> None:
        data = there.send(event) or b""
        count.sent += len(data)
        await outside.write(data)

    async def outward() -> None:
        await send(head)
        if http.they_are_waiting_for_100_continue:
            await near.write(http.send(h11.InformationalResponse(status_code=100, headers=[])))
        while isinstance(event := await _next(near, http), h11.Data | h11.EndOfMessage):
            await send(event)
            if isinstance(event, h11.EndOfMessage):
                return

    sending = asyncio.create_task(outward())
    try:
        async for event in _answers(outside, there, count):
            await near.write(http.send(event) or b"")
        await sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return http.our_state is h11.DONE and http.their_state is h11.DONE


async def _answers(
    outside: Outside, there: h11.Connection, count: _Count
) -> AsyncIterator[h11.Event]:
    """The host's answer, with the fields left out that are about its connection."""
    while True:
        event = there.next_event()
        if event is h11.NEED_DATA:
            data = await outside.read()
            count.received += len(data)
            there.receive_data(data)
            continue
        match event:
            case h11.InformationalResponse(status_code=100):
                continue
            case h11.Response():
                headers = [(k, v) for k, v in event.headers if k not in _HOP]
                yield h11.Response(
                    status_code=event.status_code, reason=event.reason, headers=headers
                )
            case h11.Data() | h11.EndOfMessage():
                yield event
                if isinstance(event, h11.EndOfMessage):
                    return
            case h11.InformationalResponse():
                continue
            case _:
                raise ConnectionResetError


def _accepted(http: h11.Connection) -> bytes:
    return http.send(h11.Response(status_code=200, headers=[], reason=b"Connected")) or b""


def _words(http: h11.Connection, status: int, sentence: str) -> bytes:
    """An answer of the proxy's own."""
    body = f"PocketCoder: {sentence}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    reason = sentence.encode("ascii", "replace")[:200]
    head = http.send(h11.Response(status_code=status, headers=headers, reason=reason)) or b""
    data = http.send(h11.Data(data=body)) or b""
    return head + data + (http.send(h11.EndOfMessage()) or b"")
