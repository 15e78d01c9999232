"""A conversation with the real SDK over HTTP: what streams in, and what goes back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pocketcoder_tui.core.model import Finish, Message, PartKind, ReplyPart, Role, ToolResult, Usage
from pocketcoder_tui.reasoning import GeminiModel
from pocketcoder_tui.reasoning.contents import SERVICE
from tests.reasoning.conftest import SHELL, ask, request
from tests.support.gemini_server import KEY, GeminiServer, finish, part, text, thought, usage

Make = Callable[..., GeminiModel]


async def test_text_and_thoughts_stream_in_order(gemini: Make) -> None:
    script = [thought("let me "), thought("see"), text("Hi"), text(" you"), usage(7, 2, thoughts=3)]
    async with GeminiServer([[*script, usage(7, 5, thoughts=4, cached=6), finish()]]) as server:
        parts, ending = await ask(gemini(server))
    assert [(p.kind, p.text) for p in parts] == [
        (PartKind.THOUGHT, "let me "),
        (PartKind.THOUGHT, "see"),
        (PartKind.TEXT, "Hi"),
        (PartKind.TEXT, " you"),
    ]
    assert ending.finish is Finish.DONE
    assert ending.usage == Usage(prompt=7, cached=6, output=5, thoughts=4, total=16)


async def test_pieces_arrive_before_the_reply_is_over(gemini: Make) -> None:
    script = [text("first"), {"do": "wait", "event": "go"}, text("second"), finish()]
    async with GeminiServer([script]) as server:
        stream = gemini(server).stream(request())
        first = await anext(stream)
        assert isinstance(first, ReplyPart)
        assert first.text == "first"
        server.event("go").set()
        assert [getattr(item, "text", "") async for item in stream] == ["second", ""]


async def test_the_request_is_what_the_service_documents(gemini: Make) -> None:
    async with GeminiServer() as server:
        await ask(gemini(server, thinking_level="low"))
    (body,) = server.requests
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hello"}]}]
    assert body["store"] is False
    assert body["systemInstruction"]["parts"] == [{"text": "You are a test."}]
    assert body["generationConfig"] == {
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}
    }
    (declared,) = body["tools"][0]["functionDeclarations"]
    assert declared["parametersJsonSchema"] == SHELL.parameters
    (seen,) = server.seen
    assert seen["path"] == "/v1beta/models/gemini-3.8-flash:streamGenerateContent"
    assert "x-pocketcoder-call" not in seen["headers"]


async def test_parts_go_back_verbatim_with_their_signatures(gemini: Make) -> None:
    signed = {"functionCall": {"name": "shell", "args": {"command": "ls"}, "id": "a1"}}
    wire = [
        {"text": "plan", "thought": True},
        {"text": "Two commands."},
        signed | {"thoughtSignature": "c2ln+/s=", "unheardOf": {"snake_case": [1, 2.5, None]}},
        {"functionCall": {"name": "shell", "args": {"command": "pwd", "n": 1.0}, "futureKey": "x"}},
        {"somethingNew": {"deep": [{"a": None}]}},
        {"text": "", "thoughtSignature": "//8="},
    ]
    async with GeminiServer([[*map(part, wire), finish()], [text("done"), finish()]]) as server:
        model = gemini(server)
        parts, _ = await ask(model)
        assert [p.raw for p in parts] == wire
        assert [p.kind for p in parts][4:] == [PartKind.OTHER, PartKind.TEXT]
        first, second = (p.call for p in parts if p.call is not None)
        results = (ToolResult(first, {"output": "a"}), ToolResult(second, {"error": "denied"}))
        await ask(
            model,
            Message(Role.USER, text="hello"),
            Message(Role.MODEL, parts=tuple(parts), provider="gemini"),
            Message(Role.USER, results=results),
        )
    assert (first.wire_id, second.wire_id) == ("a1", None)
    assert first.id != second.id
    assert server.requests[1]["contents"] == [
        {"role": "user", "parts": [{"text": "hello"}]},
        {"role": "model", "parts": wire},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "shell", "response": {"output": "a"}, "id": "a1"}},
                {"functionResponse": {"name": "shell", "response": {"error": "denied"}}},
            ],
        },
    ]


async def test_a_compressed_answer_is_read_too(gemini: Make) -> None:
    async with GeminiServer([[text("größer " * 2000), finish()]], compress=True) as server:
        parts, ending = await ask(gemini(server))
    assert parts[0].text == "größer " * 2000
    assert ending.finish is Finish.DONE


async def test_separators_inside_strings_do_not_split_an_event(gemini: Make) -> None:
    words = "a\u2028b\u2029c\u0085d\x1ee"
    event = 'data: {"candidates":[{"content":{"parts":[{"text":"' + words.replace("\x1e", "\\u001e")
    raw = {"do": "raw", "text": event + '"}]}}]}\n\n'}
    async with GeminiServer([[raw, finish()]]) as server:
        parts, _ = await ask(gemini(server))
    assert parts[0].text == parts[0].raw["text"] == words


async def test_a_cancelled_task_ends_the_stream(gemini: Make) -> None:
    async with GeminiServer([[text("one"), {"do": "stall"}]]) as server:
        model = gemini(server)
        task = asyncio.create_task(ask(model))
        await server.stalled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_a_cancelled_task_does_not_wait_for_the_first_byte(gemini: Make) -> None:
    async with GeminiServer([{"do": "stall"}]) as server:
        task = asyncio.create_task(ask(gemini(server)))
        await server.stalled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_closing_the_iterator_ends_the_stream(gemini: Make) -> None:
    async with GeminiServer([[text("one"), {"do": "stall"}]]) as server:
        stream = gemini(server).stream(request())
        await anext(stream)
        await stream.aclose()
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_two_streams_at_once_do_not_mix(gemini: Make) -> None:
    def reply(body: dict[str, Any]) -> list[dict[str, Any]]:
        said = body["contents"][-1]["parts"][0]["text"]
        return [text(f"{said} {n}") for n in range(50)] + [finish()]

    async with GeminiServer([reply]) as server:
        model = gemini(server)
        replies = await asyncio.gather(
            *(ask(model, Message(Role.USER, text=name)) for name in ("left", "right"))
        )
    for name, (parts, _) in zip(("left", "right"), replies, strict=True):
        assert [p.text for p in parts] == [f"{name} {n}" for n in range(50)]


async def test_a_reply_of_ten_megabytes_is_whole(gemini: Make) -> None:
    piece = "x" * 1_000_000
    async with GeminiServer([[*[text(piece)] * 10, finish()]]) as server:
        parts, ending = await ask(gemini(server))
    assert sum(len(p.text) for p in parts) == 10_000_000
    assert ending.finish is Finish.DONE


@pytest.mark.parametrize("name", ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"])
async def test_the_environment_does_not_turn_the_client(
    gemini: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "another")
    monkeypatch.setenv("GEMINI_API_KEY", "a-third")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://elsewhere.invalid")
    async with GeminiServer([[text("ok"), finish()]]) as server:
        parts, _ = await ask(gemini(server))
    assert parts[0].text == "ok"
    assert server.seen[0]["path"].startswith("/v1beta/models/")


def test_the_environment_does_not_name_another_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://elsewhere.invalid")
    from pocketcoder_tui.reasoning import sdk

    connection = sdk.Connection("key", "", "v1beta", 1.0)
    options = connection._client._api_client.get_read_only_http_options()
    assert options["base_url"] == SERVICE


async def test_a_key_that_the_service_repeats_is_taken_out(gemini: Make) -> None:
    async with GeminiServer([[finish("OTHER", f"project of {KEY}")]]) as server:
        _, ending = await ask(gemini(server))
    assert ending.detail == "project of (key)"
