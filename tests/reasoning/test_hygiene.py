"""What importing costs, and what reaches the terminal: no SDK at first, and never a warning."""

import os
import subprocess
import sys
from pathlib import Path

IMPORTS = """
import sys
import pocketcoder_tui.reasoning as reasoning
model = reasoning.GeminiModel(api_key="k", name="m")
heavy = {"google", "httpx2", "pydantic", "textual"} & set(sys.modules)
assert not heavy, heavy
import asyncio
asyncio.run(reasoning.preload())
assert "google.genai" in sys.modules
"""

ODD_ANSWERS = """
import asyncio
from pocketcoder_tui.reasoning import GeminiModel
from tests.reasoning.conftest import ask
from tests.support.gemini_server import KEY, GeminiServer, call

async def main():
    odd = {"candidates": [{"content": None, "finishReason": "BRAND_NEW"}], "extra": {"x": 1}}
    async with GeminiServer([[call("shell", {}), {"candidates": []}, odd]]) as server:
        model = GeminiModel(api_key=KEY, name="m", base_url=server.base_url)
        _, ending = await ask(model)
        assert ending.detail == "BRAND_NEW", ending
        await model.aclose()

asyncio.run(main())
"""


def run(script: str, *options: str) -> tuple[int, str, str]:
    """Run a script in a fresh interpreter; returns status, output and errors."""
    keys = {"GOOGLE_API_KEY": "one", "GEMINI_API_KEY": "two", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, *options, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env=os.environ | keys,
    )
    return done.returncode, done.stdout, done.stderr


def test_importing_the_room_loads_no_sdk() -> None:
    assert run(IMPORTS, "-W", "error") == (0, "", "")


def test_odd_answers_and_settings_write_nothing_to_the_terminal() -> None:
    assert run(ODD_ANSWERS, "-W", "always") == (0, "", "")
