"""Anthropic's messages API as a Model."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from pocketcoder_tui.core.errors import ModelError
from pocketcoder_tui.core.model import Finish, ModelRequest, OfferedModel, ReplyFinished, ReplyPart
from pocketcoder_tui.reasoning import addresses, faults
from pocketcoder_tui.reasoning.blocks import PROVIDER, to_body
from pocketcoder_tui.reasoning.blocksreply import BlocksReply
from pocketcoder_tui.reasoning.keys import check_key, check_model

if TYPE_CHECKING:
    from pocketcoder_tui.reasoning.events import Connection

__all__ = ["SERVICE", "MessagesModel"]

SERVICE = "https://api.anthropic.com"
"""Anthropic's own address."""
SETTING = "POCKETCODER_ANTHROPIC_BASE_URL"
VERSION = "2023-06-01"
"""Of the interface; sent with every request."""

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status of an error that comes inside a stream ("Errors", Claude API reference)."""


class MessagesModel:
    """A Claude model; owns its connections."""

    provider = PROVIDER
    """anthropic"""

    def __init__(
        self,
        *,
        api_key: str,
        name: str,
        base_url: str = "",
        timeout_seconds: float = 600,
        thinking_level: str = "",
        max_tokens: int = 16_000,
    ) -> None:
        """Take the settings; nothing is loaded or sent before the first call.

        ``thinking_level`` is an effort (low, medium, high, max) or, for older models, a number of
        tokens. A key is needed unless ``base_url`` is on this machine.
        """
        self._key = api_key.strip()
        self._name = name.strip()
        self._url = base_url.strip().rstrip("/").removesuffix("/v1") or SERVICE
        self._timeout = timeout_seconds
        self._level = thinking_level
        self._max_tokens = max_tokens
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()

    @property
    def label(self) -> str:
        """The name with its provider."""
        return f"{PROVIDER}:{self._name}"

    @property
    def name(self) -> str:
        """The model's name in requests."""
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        """Ask once. Yields parts as they come and ends with one ReplyFinished.

        Raises ModelError subclasses while no part has arrived; afterwards a fault is a reply that
        was cut.
        """
        model = request.model or self._name
        check_model(model)
        connection = await self._connect()
        body = to_body(request, model, level=self._level, max_tokens=self._max_tokens)
        reading, fault = BlocksReply(), None
        events = connection.events("/v1/messages", body, model=model)
        try:
            async with aclosing(events) as stream:
                async for event in stream:
                    if event.get("type") == "error":
                        raise connection.failure(_status(event.get("error")), event, model=model)
                    for part in reading.parts(event):
                        yield part
        except ModelError as error:
            fault = error
        if fault is not None and not reading.begun:
            raise fault
        if fault is not None:
            yield ReplyFinished(Finish.CUT, fault.sentence, reading.usage)
            return
        for part in reading.calls():
            yield part
        yield reading.ending()

    async def offered(self) -> list[OfferedModel]:
        """The service's own list. Raises ModelError."""
        found = (await (await self._connect()).get("/v1/models?limit=1000")).get("data")
        named = ((m.get("id"), m.get("display_name")) for m in faults.mappings(found))
        return [
            OfferedModel(f"{PROVIDER}:{name}", title if isinstance(title, str) else "")
            for name, title in named
            if isinstance(name, str) and name
        ]

    async def aclose(self) -> None:
        """Let go of connections; the next call makes new ones."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _connect(self) -> "Connection":
        check_key(self._key, "Anthropic", needed=not addresses.is_loopback(self._url))
        async with self._opening:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._open)
            return self._connection

    def _open(self) -> "Connection":
        events = importlib.import_module("pocketcoder_tui.reasoning.events")
        headers = {"anthropic-version": VERSION} | ({"x-api-key": self._key} if self._key else {})
        connection: Connection = events.Connection(
            self._url, headers, key=self._key, setting=SETTING, timeout=self._timeout
        )
        return connection


def _status(error: object) -> int:
    kind = error.get("type") if isinstance(error, Mapping) else None
    return _STATUS.get(kind, 500) if isinstance(kind, str) else 500
