"""Recorded answers of the real service, replayed over HTTP to the real SDK."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.core import errors
from pocketcoder_tui.core.model import Finish, Message, Role, ToolResult
from pocketcoder_tui.reasoning import GeminiModel
from tests.reasoning.conftest import ask
from tests.support.gemini_server import GeminiServer, Reply, finish, text

Make = Callable[..., GeminiModel]

LINES = (Path(__file__).parent / "data" / "gemini-exchanges.jsonl").read_text().splitlines()
EXCHANGES = {entry["id"].rsplit("/", 1)[-1]: entry for entry in map(json.loads, LINES)}

EXPECTED: dict[str, Finish | tuple[type[errors.ModelError], bool, float | None]] = {
    "multi_tool_streaming.yaml#0": Finish.DONE,
    "multi_tool_streaming.yaml#1": Finish.DONE,
    "thinking-streaming.yaml#0": Finish.DONE,
    "thinking-streaming.yaml#1": Finish.DONE,
    "streaming-success-thinking-reply-thought-summary.txt#0": Finish.DONE,
    "context-compress-interactive.compress.responses#0": Finish.MALFORMED,
    "test_multimodal_tool_return_matrix[direct-uploaded_file-video-google_vertex].yaml#0": (
        Finish.MALFORMED
    ),
    "unary-failure-quota-exceeded.json#0": (errors.QuotaSpent, True, None),
    "chat_real_error_scenarios_gemini_gemini-2_5-flash_handles_context_length_exceeded_errors"
    ".yml#0": (
        errors.QuotaSpent,
        True,
        48.0,
    ),
    "chat_error_handling_with_gemini_gemini-2_5-flash_raises_appropriate_auth_error.yml#0": (
        errors.KeyRefused,
        False,
        None,
    ),
    "streaming-failure-prompt-blocked-safety.txt#0": Finish.REFUSED,
    "unary-failure-only-prompt-feedback.json#0": Finish.REFUSED,
    "streaming-failure-invalid-json.txt#0": Finish.CUT,
    "streaming-failure-recitation-no-content.txt#0": Finish.REFUSED,
}


def answer(entry: dict[str, Any]) -> Reply:
    """The recorded answer as a reply of the local server."""
    if entry["status"] != 200:
        return {"status": entry["status"], "json": entry["json"]}
    chunks: list[dict[str, Any]] = entry.get("chunks") or [entry["json"]]
    return chunks


def wire_parts(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """All parts of the recorded answer."""
    found = []
    for chunk in entry.get("chunks") or [entry.get("json") or {}]:
        for candidate in chunk.get("candidates") or []:
            found += candidate.get("content", {}).get("parts", [])
    return found


def test_every_recorded_exchange_has_an_expectation() -> None:
    assert set(EXPECTED) == set(EXCHANGES)


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_recorded_answer(gemini: Make, name: str) -> None:
    entry, expected = EXCHANGES[name], EXPECTED[name]
    async with GeminiServer([answer(entry), [text("next"), finish()]]) as server:
        model = gemini(server)
        if isinstance(expected, tuple):
            kind, transient, retry_after = expected
            with pytest.raises(kind) as caught:
                await ask(model)
            assert (caught.value.transient, caught.value.retry_after) == (transient, retry_after)
            return
        parts, ending = await ask(model)
        assert ending.finish is expected
        assert [part.raw for part in parts] == wire_parts(entry)
        calls = [part.call for part in parts if part.call is not None]
        reply = Message(Role.MODEL, parts=tuple(parts), provider="gemini")
        results = tuple(ToolResult(call, {"output": "x"}) for call in calls)
        await ask(model, Message(Role.USER, text="q"), reply, Message(Role.USER, results=results))
    _, *rest = server.requests[1]["contents"]
    if parts:
        assert rest.pop(0) == {"role": "model", "parts": wire_parts(entry)}
    answers = [part["functionResponse"] for content in rest for part in content["parts"]]
    assert [(a["name"], a.get("id")) for a in answers] == [(c.tool, c.wire_id) for c in calls]
