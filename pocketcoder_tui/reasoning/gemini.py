"""Gemini as a Model: one call is one stream of parts and one ending."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pocketcoder_tui.core.errors import KeyMissing, KeyRefused, ModelUnknown, RequestRefused
from pocketcoder_tui.core.model import (
    Finish,
    ModelRequest,
    OfferedModel,
    ReplyFinished,
    ReplyPart,
    Usage,
)
from pocketcoder_tui.reasoning import contents, endings, faults
from pocketcoder_tui.reasoning.addresses import is_address

if TYPE_CHECKING:
    from types import ModuleType

    from pocketcoder_tui.reasoning.events import Connection as EventConnection
    from pocketcoder_tui.reasoning.sdk import Connection

__all__ = ["GeminiModel", "preload"]


async def preload(provider: str = contents.PROVIDER) -> None:
    """Import what a provider needs in a thread, so that the first call need not wait for it."""
    module = "sdk" if provider == contents.PROVIDER else "events"
    await asyncio.to_thread(importlib.import_module, f"pocketcoder_tui.reasoning.{module}")


class GeminiModel:
    """A Gemini model behind the google-genai SDK; owns its connections."""

    def __init__(
        self,
        *,
        api_key: str,
        name: str,
        base_url: str = "",
        api_version: str = "v1beta",
        timeout_seconds: float = 600,
        thinking_level: str = "",
    ) -> None:
        """Take the settings; nothing is loaded or sent before the first call.

        ``timeout_seconds`` is the longest silence between two pieces of an answer. An empty
        ``base_url`` is the service's own address, an empty ``thinking_level`` the model's own.
        """
        self._key = api_key.strip()
        self._name = name.strip()
        self._base_url = base_url.strip()
        self._api_version = api_version
        self._timeout = timeout_seconds
        self._level = thinking_level
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()

    @property
    def provider(self) -> str:
        """gemini"""
        return contents.PROVIDER

    @property
    def label(self) -> str:
        """The model's name."""
        return self._name

    @property
    def name(self) -> str:
        """The model's name in requests."""
        return self._name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        """Ask once. Yields parts as they come and ends with one ReplyFinished.

        Raises KeyMissing, KeyRefused, QuotaSpent, ModelUnknown, ServiceDown, NoNetwork or
        RequestRefused while no part has arrived; afterwards a fault is a reply that was cut.
        """
        asked = replace(request, model=request.model or self._name)
        self._check(asked.model)
        connection = await self._connect()
        sdk = _load()
        reading = _Reading()
        fault: Exception | None = None
        chunks = connection.chunks(asked, thinking_level=self._level)
        try:
            async with aclosing(chunks) as stream:
                async for chunk in stream:
                    for part in reading.parts(chunk):
                        yield part
        except sdk.FAULTS as raised:
            fault = raised
        if fault is None:
            ending = reading.ending()
            yield replace(ending, detail=faults.without_key(ending.detail, self._key))
            return
        error = sdk.explain(fault, model=asked.model, key=self._key)
        if not reading.begun:
            # Outside the handler: the SDK's exception is not chained, it may repeat the request.
            raise error
        yield ReplyFinished(Finish.CUT, error.sentence, reading.usage)

    async def offered(self) -> list[OfferedModel]:
        """The service's own list of models that answer, without the SDK. Raises ModelError."""
        self._check(self._name)
        connection = await asyncio.to_thread(self._open_list)
        try:
            return await _offered(connection)
        finally:
            await connection.aclose()

    async def aclose(self) -> None:
        """Let go of connections; the next call makes new ones."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    def _check(self, model: str) -> None:
        """Refuse what the HTTP library would report with the value in its text."""
        if not self._key:
            raise KeyMissing("No key for Gemini is set.")
        if not (self._key.isascii() and self._key.isprintable()) or " " in self._key:
            raise KeyRefused("The key has characters that no key has.")
        if self._key.startswith("auth_tokens/"):
            raise KeyRefused("This is a short-lived token of the live service, not a key.")
        plain = model.replace("/", "").replace("-", "").replace(".", "").replace("_", "")
        if not (plain.isascii() and plain.isalnum()) or ".." in model:
            raise ModelUnknown(f"This is not a model's name: {faults.one_line(model)}")
        if self._base_url and not is_address(self._base_url):
            raise faults.bad_address()

    async def _connect(self) -> "Connection":
        async with self._opening:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._open)
            return self._connection

    def _open_list(self) -> "EventConnection":
        events = importlib.import_module("pocketcoder_tui.reasoning.events")
        base = f"{(self._base_url or contents.SERVICE).rstrip('/')}/{self._api_version}"
        headers = {"x-goog-api-key": self._key}
        setting = "POCKETCODER_GEMINI_BASE_URL"
        connection: EventConnection = events.Connection(
            base, headers, key=self._key, setting=setting, timeout=self._timeout
        )
        return connection

    def _open(self) -> "Connection":
        try:
            connection: Connection = _load().Connection(
                self._key, self._base_url, self._api_version, self._timeout
            )
        except (ImportError, ValueError, OSError) as error:
            why = faults.without_key(faults.one_line(str(error)), self._key)
        else:
            return connection
        raise RequestRefused(
            f"The Gemini client could not be set up: {why}", hint="Check the settings."
        )


class _Reading:
    """What has been read of one reply."""

    def __init__(self) -> None:
        self.begun = False
        self.usage = Usage()
        self._blocked = ""
        self._ended: tuple[Finish, str] | None = None

    def parts(self, chunk: Mapping[str, Any]) -> list[ReplyPart]:
        """Take a chunk; candidates, content and parts may each be absent, null or empty."""
        if isinstance(metadata := chunk.get("usageMetadata"), Mapping):
            self.usage = contents.usage(metadata)
        self._blocked = endings.blocked(chunk) or self._blocked
        candidates = chunk.get("candidates") or [{}]
        candidate = candidates[0]
        self._ended = endings.finish(candidate) or self._ended
        wire = (candidate.get("content") or {}).get("parts") or []
        self.begun = self.begun or bool(wire)
        return [contents.part_from_wire(raw) for raw in wire]

    def ending(self) -> ReplyFinished:
        """Say how the reply ended once the stream is over."""
        if self._ended is not None:
            finish, detail = self._ended
            return ReplyFinished(finish, faults.one_line(detail), self.usage)
        if self._blocked:
            return ReplyFinished(Finish.REFUSED, faults.one_line(self._blocked), self.usage)
        return ReplyFinished(Finish.CUT, "The answer stopped before its end.", self.usage)


MOST_PAGES = 20
"""Pages of a list that are read."""


async def _offered(connection: "EventConnection") -> list[OfferedModel]:
    found: list[OfferedModel] = []
    token = ""
    for _ in range(MOST_PAGES):
        page = await connection.get(f"/models?pageSize=1000{token}")
        found += [m for raw in faults.mappings(page.get("models")) if (m := _model(raw))]
        following = page.get("nextPageToken")
        if not isinstance(following, str) or not following:
            break
        token = f"&pageToken={quote(following, safe='')}"
    return found


def _model(raw: Mapping[str, Any]) -> OfferedModel | None:
    """A model that answers; others embed, count or draw."""
    name, does = raw.get("name"), raw.get("supportedGenerationMethods")
    if not isinstance(name, str) or (isinstance(does, list) and "generateContent" not in does):
        return None
    title, context = raw.get("displayName"), raw.get("inputTokenLimit")
    return OfferedModel(
        name.removeprefix("models/"),
        title if isinstance(title, str) else "",
        context if isinstance(context, int) else 0,
    )


def _load() -> "ModuleType":
    """Import the SDK's module; the second time it is only looked up."""
    return importlib.import_module("pocketcoder_tui.reasoning.sdk")
