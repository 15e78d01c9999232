"""What the tests of the model's side share: a request, and a model that is closed again."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pocketcoder_tui.core.model import (
    Message,
    ModelRequest,
    ReplyFinished,
    ReplyPart,
    Role,
    ToolSpec,
)
from pocketcoder_tui.reasoning import GeminiModel
from tests.support.gemini_server import KEY, GeminiServer

MODEL = "gemini-3.8-flash"

SHELL = ToolSpec(
    "shell",
    "Run a command.",
    {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
)


def request(*messages: Message) -> ModelRequest:
    """A request with one tool and, unless told otherwise, one message."""
    said = messages or (Message(Role.USER, text="hello"),)
    return ModelRequest(MODEL, "You are a test.", (SHELL,), said)


async def ask(model: Any, *messages: Message) -> tuple[list[ReplyPart], ReplyFinished]:
    """Ask once; checks that the reply ends with its one ReplyFinished."""
    items = [item async for item in model.stream(request(*messages))]
    *parts, ending = items
    assert isinstance(ending, ReplyFinished)
    assert all(isinstance(part, ReplyPart) for part in parts)
    return parts, ending


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local server is never asked through somebody's proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
async def gemini() -> AsyncIterator[Callable[..., GeminiModel]]:
    """Makes models for a server, and closes them."""
    async with AsyncExitStack() as stack:

        def make(server: GeminiServer | str, **settings: Any) -> GeminiModel:
            url = server if isinstance(server, str) else server.base_url
            model = GeminiModel(**{"api_key": KEY, "name": MODEL, "base_url": url, **settings})
            stack.push_async_callback(model.aclose)
            return model

        yield make
