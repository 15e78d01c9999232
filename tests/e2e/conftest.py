"""A home and a model server of its own for each of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.program import Home
from tests.support.gemini_server import GeminiServer, finish, text


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    """A model that says one word, until a test gives it a script."""
    async with GeminiServer([[text("fine"), finish()]]) as made:
        yield made


@pytest.fixture
async def home(tmp_path: Path, server: GeminiServer, sandbox_image: str) -> AsyncIterator[Home]:
    """A person's home against that model; its box is taken away afterwards."""
    made = Home(tmp_path, server)
    yield made
    await made.remove_box(sandbox_image)
