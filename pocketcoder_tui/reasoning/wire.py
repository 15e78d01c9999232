"""The HTTP client under the SDK, which keeps every chunk of a stream as the service sent it.

The SDK drops fields that it does not know and re-encodes signatures, so its objects cannot be sent
back verbatim. This module imports httpx2 and is therefore imported late.
"""

import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httpx2

__all__ = ["CALL_HEADER", "CONNECT_SECONDS", "Tap", "TappedClient"]

CALL_HEADER = "x-pocketcoder-call"
"""Names the tap of a request; taken off before the request leaves."""

CONNECT_SECONDS = 20.0
"""Longest wait for a connection; the SDK's own time-out is meant for the gap between chunks."""


class Tap:
    """The chunks of one call, decoded; owns the call's response."""

    def __init__(self) -> None:
        self._chunks: deque[Any] = deque()
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._response: httpx2.Response | None = None

    def own(self, response: httpx2.Response) -> None:
        """Take the response, so that closing the tap ends it."""
        self._response = response

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body, split anywhere."""
        self._pieces.append(piece)
        if b"\n" not in piece and b"\r" not in piece:
            return
        lines = b"".join(self._pieces).splitlines(keepends=True)
        # A CR at the very end may be the first half of a CRLF.
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        self._pieces = [rest]
        for line in lines:
            self._line(line.rstrip(b"\r\n"))

    def end(self) -> None:
        """Take what is left when the body is over without a blank line."""
        self._line(b"".join(self._pieces).rstrip(b"\r\n"))
        self._line(b"")
        self._pieces.clear()

    def take(self) -> dict[str, Any]:
        """Return the oldest chunk that was not taken; an empty one for JSON that is no object.

        Raises IndexError when the SDK read something that was no event.
        """
        chunk = self._chunks.popleft()
        return chunk if isinstance(chunk, dict) else {}

    async def aclose(self) -> None:
        """End the call; the service sees the connection close if its answer was not over."""
        if self._response is not None:
            await self._response.aclose()

    def _line(self, line: bytes) -> None:
        """Server-sent events (WHATWG HTML, 9.2): data lines, then a blank one."""
        if line.startswith(b"data: "):
            self._data.append(line.removeprefix(b"data: "))
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            try:
                self._chunks.append(json.loads(data))
            except ValueError:
                return  # The SDK reads the same event and reports it.


class _Tapped(httpx2.AsyncByteStream):
    """The decoded body of a response, on its way to the SDK."""

    def __init__(self, response: httpx2.Response, tap: Tap) -> None:
        self._response = response
        self._tap = tap

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_bytes():
            self._tap.feed(piece)
            yield piece
        self._tap.end()

    async def aclose(self) -> None:
        await self._response.aclose()


class TappedClient(httpx2.AsyncClient):
    """Owns the connections to the model's service; taps the streams of calls that ask for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._taps: dict[str, Tap] = {}

    def tap(self, call_id: str) -> Tap:
        """Make the tap for a call that is about to be sent with CALL_HEADER."""
        self._taps[call_id] = Tap()
        return self._taps[call_id]

    def untap(self, call_id: str) -> None:
        """Forget a call."""
        self._taps.pop(call_id, None)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send, and answer with a response whose body passes through the call's tap."""
        tap = self._taps.get(request.headers.pop(CALL_HEADER, ""))
        timeout = request.extensions.get("timeout", {})
        for kind in ("connect", "pool"):
            timeout[kind] = min(timeout.get(kind) or CONNECT_SECONDS, CONNECT_SECONDS)
        response = await super().send(request, **options)
        if tap is None or response.status_code != httpx2.codes.OK:
            return response
        tap.own(response)
        gone = {"content-encoding", "content-length", "transfer-encoding"}
        kept = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in gone]
        return httpx2.Response(
            response.status_code, headers=kept, stream=_Tapped(response, tap), request=request
        )
