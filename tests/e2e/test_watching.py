"""Two programs on one workspace, in real terminals: the second one watches the first one."""

import os
import signal
import sys

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import screen
from tests.support.gemini_server import GeminiServer, call, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


async def test_the_second_one_watches(home: Home, server: GeminiServer) -> None:
    command = 'echo "over $((6 * 7))"'
    server.script = [
        [call("shell", {"command": command}), finish()],
        [text("I counted."), finish()],
    ]
    (home.folder / "other").mkdir()
    argv = [sys.executable, "-m", "pocketcoder_tui", str(home.workspace)]
    async with home.started() as owner:
        await ask(owner, "count for me")
        await owner.until("Waiting for you · 1")
        async with screen(home.folder / "other", argv, home.env) as second:
            seen = await second.until("F5 watches it, read-only")
            assert f"process {owner.programs[0]}" in " ".join(seen.split())
            second.press("F5")
            seen = await second.until("Waiting elsewhere · 1")
            assert "WATCHING" in seen
            assert "count for me" in seen
            second.press("C-y")
            second.press("y")
            await second.until("decide where it works")
            assert "Waiting for you · 1" in owner.text
            await press_decision(owner, "y", "I counted.")
            await second.until("I counted.")
            seen = await second.until("exit 0")
            # The line is in the terminal that both show.
            await second.until("over 42")
            os.kill(owner.programs[0], signal.SIGKILL)
            seen = await second.until("has left this session")
            assert "ENDED" in seen
            assert "Traceback" not in seen
            second.press("C-r")
            seen = await second.until(lambda shown: " ASK " in shown and "I counted." in shown)
            second.press("C-q")
            await second.until("ended with 0")


async def test_watching_where_nobody_works(home: Home) -> None:
    async with home.started("--watch") as shown:
        await shown.until("No pocketcoder works in this folder.")
        await shown.until("ended with 1")


async def test_watching_from_the_start(home: Home, server: GeminiServer) -> None:
    (home.folder / "other").mkdir()
    argv = [sys.executable, "-m", "pocketcoder_tui", "--watch", str(home.workspace)]
    async with home.started() as owner:
        await ask(owner, "say something")
        await owner.until("fine")
        async with screen(home.folder / "other", argv, home.env, size=(40, 12)) as second:
            await second.until("WATCHING")
            await second.until("fine")
            second.type("mine")
            second.press("Enter")
            await second.until("You watch")
            assert "mine" in second.text
            second.press("C-q")
            await second.until("ended with 0")
