"""OpenAI's chat completions as a Model: OpenAI, OpenRouter, Ollama, llama.cpp, vLLM and others."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pocketcoder_tui.core.errors import ModelError
from pocketcoder_tui.core.model import Finish, ModelRequest, OfferedModel, ReplyFinished, ReplyPart
from pocketcoder_tui.reasoning import addresses, faults
from pocketcoder_tui.reasoning.chatreply import ChatReply
from pocketcoder_tui.reasoning.chatwire import PROVIDER, to_body
from pocketcoder_tui.reasoning.keys import check_key, check_model

if TYPE_CHECKING:
    from pocketcoder_tui.reasoning.events import Connection

__all__ = ["SERVICE", "ChatModel", "chat_address"]

SERVICE = "https://api.openai.com/v1"
"""OpenAI's own address."""
SETTING = "POCKETCODER_OPENAI_BASE_URL"

_STATUS = {"invalid_request": 400, "context_length": 400, "authentication": 401, "rate_limit": 429}
"""The HTTP status of an error inside a stream, by a word of its type or code."""


class ChatModel:
    """A model behind an endpoint of this kind; owns its connections."""

    provider = PROVIDER
    """openai"""

    def __init__(
        self,
        *,
        api_key: str,
        name: str,
        base_url: str = "",
        timeout_seconds: float = 600,
        thinking_level: str = "",
    ) -> None:
        """Take the settings; nothing is loaded or sent before the first call.

        An empty ``base_url`` is OpenAI's own. A key is needed unless it is on this machine.
        """
        self._key = api_key.strip()
        self._name = name.strip()
        self._url = chat_address(base_url)
        self._timeout = timeout_seconds
        self._level = thinking_level
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
        body = to_body(request, model, level=self._level, host=urlsplit(self._url).hostname or "")
        reading, fault = ChatReply(), None
        chunks = connection.events("/chat/completions", body, model=model)
        try:
            async with aclosing(chunks) as stream:
                async for chunk in stream:
                    if chunk.get("error"):
                        raise connection.failure(_status(chunk["error"]), chunk, model=model)
                    for part in reading.parts(chunk):
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
        found = (await (await self._connect()).get("/models")).get("data")
        names = [m.get("id") for m in faults.mappings(found)]
        return [OfferedModel(f"{PROVIDER}:{n}") for n in names if isinstance(n, str) and n]

    async def aclose(self) -> None:
        """Let go of connections; the next call makes new ones."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    async def _connect(self) -> "Connection":
        check_key(self._key, "OpenAI's service", needed=not addresses.is_loopback(self._url))
        async with self._opening:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._open)
            return self._connection

    def _open(self) -> "Connection":
        events = importlib.import_module("pocketcoder_tui.reasoning.events")
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        connection: Connection = events.Connection(
            self._url, headers, key=self._key, setting=SETTING, timeout=self._timeout
        )
        return connection


def chat_address(base_url: str) -> str:
    """The address that paths are put behind; one without a path of its own gets ``/v1``."""
    url = base_url.strip().rstrip("/") or SERVICE
    try:
        bare = not urlsplit(url).path
    except ValueError:
        return url
    return f"{url}/v1" if bare else url


def _status(error: object) -> int:
    """The HTTP status that an error inside a stream stands for."""
    if not isinstance(error, Mapping):
        return 500
    code: Any = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if isinstance(code, int) and 400 <= code <= 599:
        return code
    kind = f"{error.get('type')} {code}"
    return next((status for word, status in _STATUS.items() if word in kind), 500)
