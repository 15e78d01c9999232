"""The local server as a process of its own, as the end-to-end tests start it."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from pocketcoder_tui.reasoning import GeminiModel
from tests.reasoning.conftest import ask
from tests.support.gemini_server import finish, text

ROOT = Path(__file__).parents[2]


async def test_the_server_runs_by_itself(
    gemini: Callable[..., GeminiModel], tmp_path: Path
) -> None:
    script, requests = tmp_path / "script.json", tmp_path / "requests.jsonl"
    script.write_text(json.dumps([[text("one"), finish()], [text("two"), finish()]]))
    command = [sys.executable, "-m", "tests.support.gemini_server"]
    command += ["--script", str(script), "--requests", str(requests)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        model = gemini(f"http://127.0.0.1:{port}")
        replies = [(await ask(model))[0][0].text for _ in range(3)]
    finally:
        process.terminate()
        await process.wait()
    assert replies == ["one", "two", "two"]
    bodies = [json.loads(line) for line in requests.read_text().splitlines()]
    assert [b["contents"][0]["parts"] for b in bodies] == [[{"text": "hello"}]] * 3
