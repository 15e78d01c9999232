"""Server-sent events over HTTP, for the services that need no SDK of their own.

This module imports httpx2 and is therefore imported late. What went wrong comes out as a
ModelError in which no key stands.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pocketcoder_tui.core.errors import ModelError, NoNetwork, RequestRefused, ServiceDown
from pocketcoder_tui.reasoning import addresses, faults
from pocketcoder_tui.reasoning.lines import MOST_BYTES, EventLines, TooLong, load_object

__all__ = ["CONNECT_SECONDS", "Connection"]

CONNECT_SECONDS = 20.0
"""Longest wait for a connection."""

UNREADABLE = "The service answered with something that cannot be read."


class Connection:
    """Owns the connections to one service with one key."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, key: str, setting: str, timeout: float
    ) -> None:
        """``timeout`` is the longest silence in seconds; ``setting`` names the address's setting.

        Raises RequestRefused for an address or header that no request can be made of.
        """
        if not addresses.is_address(base_url):
            raise faults.bad_address(setting)
        self._base = base_url.rstrip("/")
        self._key = key
        self._setting = setting
        waits = httpx2.Timeout(timeout, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        # An endpoint on this machine is never asked through a proxy; nothing is redirected, so
        # the key goes nowhere else.
        self._http = httpx2.AsyncClient(
            headers=dict(headers),
            timeout=waits,
            trust_env=not addresses.is_loopback(base_url),
            follow_redirects=False,
        )

    async def events(
        self, path: str, body: Mapping[str, Any], *, model: str
    ) -> AsyncGenerator[dict[str, Any]]:
        """Post once and yield the data of each event, decoded; ``[DONE]`` comes as {"done": True}.

        An answer that is one JSON object instead of a stream is yielded as it is. Raises
        ModelError. Closing the generator closes the connection.
        """
        fault: Exception | None = None
        try:
            # ASCII JSON: half a character in an old output has no form in UTF-8.
            data = json.dumps(body, separators=(",", ":")).encode("ascii")
            typed = {"content-type": "application/json", "accept": "text/event-stream"}
            url = self._base + path
            async with self._http.stream("POST", url, content=data, headers=typed) as response:
                if response.status_code != httpx2.codes.OK:
                    raise await self._refusal(response, model)
                if "json" in response.headers.get("content-type", ""):
                    yield load_object(await _bounded(response))
                    return
                lines = EventLines()
                async for piece in response.aiter_bytes():
                    for data in lines.feed(piece):
                        yield _event(data)
                for data in lines.end():
                    yield _event(data)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError) as raised:
            fault = raised
        except (ValueError, RecursionError, TooLong) as raised:
            fault = raised
        if fault is not None:  # outside the handler: the library's exception may repeat a header
            raise self._explained(fault)

    async def get(self, path: str) -> dict[str, Any]:
        """Ask for a JSON object. Raises ModelError."""
        fault: Exception | None = None
        try:
            async with self._http.stream("GET", self._base + path) as response:
                if response.status_code != httpx2.codes.OK:
                    raise await self._refusal(response, "")
                return load_object(await _bounded(response))
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError) as raised:
            fault = raised
        except (ValueError, RecursionError, TooLong) as raised:
            fault = raised
        raise self._explained(fault)

    def failure(
        self, status: int, body: object, *, model: str, delay: str | None = None
    ) -> ModelError:
        """The error for a refusal, also for one inside a stream that began well."""
        error = faults.refusal(status, body, model=model, retry_header=delay)
        return faults.cleaned(error, self._key)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _refusal(self, response: httpx2.Response, model: str) -> ModelError:
        raw = await _bounded(response)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        delay = response.headers.get("retry-after")
        return self.failure(response.status_code, body, model=model, delay=delay)

    def _explained(self, fault: Exception) -> ModelError:
        match fault:
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                return faults.bad_address(self._setting)
            case httpx2.LocalProtocolError():
                return RequestRefused("The request could not be written as HTTP.")
            case httpx2.DecodingError():
                return ServiceDown(UNREADABLE)
            case TooLong():
                return ServiceDown("The service's answer is too long to be read.")
            case httpx2.HTTPError() | httpx2.StreamError() | OSError():
                return NoNetwork(faults.without_key(self._unreached(fault), self._key))
        return ServiceDown(UNREADABLE)

    def _unreached(self, fault: Exception) -> str:
        where = urlsplit(self._base).hostname
        match fault:
            case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
                return f"The model's service at {where} did not take the connection in time."
            case httpx2.TimeoutException():
                return f"The model's service at {where} fell silent."
            case httpx2.RemoteProtocolError() | httpx2.ReadError():
                return f"The model's service at {where} closed the connection too early."
        why = faults.one_line(str(fault)) or "no reason"
        return f"The model's service at {where} cannot be reached: {why}"


async def _bounded(response: httpx2.Response) -> bytes:
    pieces: list[bytes] = []
    total = 0
    async for piece in response.aiter_bytes():
        total += len(piece)
        if total > MOST_BYTES:
            raise TooLong
        pieces.append(piece)
    return b"".join(pieces)


def _event(data: bytes) -> dict[str, Any]:
    return {"done": True} if data.strip() == b"[DONE]" else load_object(data)
