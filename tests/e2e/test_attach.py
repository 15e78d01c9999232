"""The box is a real terminal: a person steps into it from the screen, or from beside it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import Screen, screen
from tests.support.gemini_server import GeminiServer, call, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

SCRIPT = [
    [call("shell", {"command": "cd /tmp && answer=42"}), finish()],
    [text("Set."), finish()],
]


@pytest.fixture
async def home(tmp_path: Path, sandbox_image: str) -> AsyncIterator[Home]:
    async with GeminiServer(SCRIPT) as server:
        made = Home(tmp_path, server)
        yield made
        await made.remove_box(sandbox_image)


async def look_around(shown: Screen) -> None:
    """In the agent's own shell, its directory and variables are there."""
    await shown.until("$ ")
    shown.type("echo here:$PWD:$answer")
    shown.press("Enter")
    await shown.until("here:/tmp:42")


async def test_step_in_from_the_screen_and_back(home: Home) -> None:
    async with home.started() as shown:
        await ask(shown, "set it")
        await press_decision(shown, "y", "Set.")
        shown.press("C-t")
        await shown.until(lambda seen: "Conversation" not in seen)
        await look_around(shown)
        shown.press("C-b")
        shown.press("d")
        await shown.until("write to the agent")
        await shown.until("here:/tmp:42")


async def test_step_in_from_another_terminal(home: Home, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    async with home.started() as shown:
        await ask(shown, "set it")
        await press_decision(shown, "y", "Set.")
        argv = [sys.executable, "-m", "pocketcoder_tui", "attach", str(home.workspace)]
        async with screen(beside, argv, home.env) as other:
            await look_around(other)
            await shown.until("here:/tmp:42")
            other.press("C-b")
            other.press("d")
            await other.until("ended with 0")
        assert "write to the agent" in shown.text
