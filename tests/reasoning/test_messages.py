"""What only Anthropic's messages do: signed blocks that go back as they came, and the cache."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pocketcoder_tui.core.model import (
    UNREADABLE,
    Finish,
    Message,
    PartKind,
    ReplyPart,
    Role,
    ToolResult,
)
from pocketcoder_tui.reasoning.messages import MessagesModel
from tests.reasoning.conftest import MODEL, SHELL, ask
from tests.support.anthropic_server import (
    AnthropicServer,
    Chunk,
    begin,
    block,
    call,
    finish,
    redacted,
    reply,
    text,
    thought,
)
from tests.support.gemini_server import KEY

Make = Callable[..., MessagesModel]
HELLO = Message(Role.USER, "hello")


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        def made(server: AnthropicServer, **settings: Any) -> MessagesModel:
            given = {"api_key": KEY, "name": "m-1", "base_url": server.base_url, **settings}
            model = MessagesModel(**given)
            stack.push_async_callback(model.aclose)
            return model

        yield made


def said(parts: list[ReplyPart], model: str = MODEL) -> Message:
    return Message(Role.MODEL, parts=tuple(parts), provider="anthropic", model=model)


def answers(parts: list[ReplyPart]) -> Message:
    calls = [part.call for part in parts if part.call is not None]
    results = tuple(ToolResult(made, {"output": made.wire_id}) for made in calls)
    return Message(Role.USER, results=results)


THINKING = reply(
    thought(0, "first ", "thought", signature="sig-1=="),
    redacted(1, "b3BhcXVl"),
    text(2, "I ", "look."),
    call(3, "shell", "toolu_1", '{"command": "one"}'),
    thought(4, "", signature="sig-2=="),
    call(5, "shell", "toolu_2", ""),
    reason="tool_use",
)
BLOCKS = [
    {"type": "thinking", "thinking": "first thought", "signature": "sig-1=="},
    {"type": "redacted_thinking", "data": "b3BhcXVl"},
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "toolu_1", "name": "shell", "input": {"command": "one"}},
    {"type": "thinking", "thinking": "", "signature": "sig-2=="},
    {"type": "tool_use", "id": "toolu_2", "name": "shell", "input": {}},
]


async def test_blocks_go_back_as_they_came_in_their_places(make: Make) -> None:
    async with AnthropicServer([THINKING, reply(text(0, "ok"))]) as server:
        model = make(server)
        parts, ending = await ask(model)
        assert ending.finish is Finish.DONE
        await ask(model, HELLO, said(parts), answers(parts))
    first, assistant, results = server.requests[-1]["messages"]
    assert first["content"] == [{"type": "text", "text": "hello"}]
    assert assistant == {"role": "assistant", "content": BLOCKS}
    assert [r["tool_use_id"] for r in results["content"]] == ["toolu_1", "toolu_2"]


async def test_another_models_thinking_is_left_out(make: Make) -> None:
    async with AnthropicServer([THINKING, reply(text(0, "ok"))]) as server:
        model = make(server)
        parts, _ = await ask(model)
        await ask(model, HELLO, said(parts, "another"), answers(parts))
    blocks = server.requests[-1]["messages"][1]["content"]
    assert blocks == [b for b in BLOCKS if "thinking" not in b["type"]]


async def test_thinking_that_was_cut_has_no_signature_and_stays_here(make: Make) -> None:
    cut = [begin(), *thought(0, "half a thou")[:-1], {"do": "cut"}]
    async with AnthropicServer([cut, reply(text(0, "ok"))]) as server:
        model = make(server)
        parts, ending = await ask(model)
        assert ending.finish is Finish.CUT
        assert parts[-1].kind is PartKind.THOUGHT
        await ask(model, HELLO, said(parts), Message(Role.USER, "go on"))
    (only,) = server.requests[-1]["messages"]
    assert [b["text"] for b in only["content"]] == ["hello", "go on"]


@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
async def test_calls_of_a_reply_that_did_not_end_well_are_not_made(make: Make, reason: str) -> None:
    async with AnthropicServer([reply(call(0, "shell", "t", "{}"), reason=reason)]) as server:
        parts, _ = await ask(make(server))
    assert parts == []


async def test_arguments_that_are_no_json_reach_no_tool(make: Make) -> None:
    broken = reply(call(0, "shell", "t", '{"comm', 'and": '), reason="tool_use")
    async with AnthropicServer([broken, reply(text(0, "ok"))]) as server:
        model = make(server)
        parts, _ = await ask(model)
        assert parts[0].call is not None
        assert parts[0].call.arguments == {UNREADABLE: '{"command": '}
        await ask(model, HELLO, said(parts), answers(parts))
    sent = server.requests[-1]["messages"][1]["content"][0]
    assert sent["input"] == {UNREADABLE: '{"command": '}


async def test_a_block_that_nobody_knows_is_kept_and_goes_back(make: Make) -> None:
    odd = {"type": "new_block", "payload": {"deep": [1, None]}}
    script = [reply(block(0, odd), text(1, "x")), reply(text(0, "ok"))]
    async with AnthropicServer(script) as server:
        model = make(server)
        parts, _ = await ask(model)
        assert parts[0].kind is PartKind.OTHER
        await ask(model, HELLO, said(parts), Message(Role.USER, "go on"))
    assert server.requests[-1]["messages"][1]["content"][0] == odd


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping"},
        {"type": "new_event", "x": 1},
        {"type": "content_block_start", "index": [], "content_block": 5},
        {"type": "content_block_delta", "index": {}, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_stop", "index": None},
        {"type": "message_delta", "delta": [], "usage": {"output_tokens": "many"}},
        {"type": "message_start", "message": None},
        {"type": 5},
    ],
)
async def test_wrong_types_are_passed_over(make: Make, event: Chunk) -> None:
    async with AnthropicServer([[begin(), event, *text(0, "fine"), event, *finish()]]) as server:
        parts, ending = await ask(make(server))
    assert [part.text for part in parts] == ["fine"]
    assert ending.finish is Finish.DONE


async def test_what_is_sent_and_marked_for_the_cache(make: Make) -> None:
    async with AnthropicServer() as server:
        await ask(make(server, max_tokens=5000))
    body, seen = server.requests[0], server.seen[0]
    assert seen["path"] == "/v1/messages"
    assert seen["headers"]["anthropic-version"] == "2023-06-01"
    assert body["max_tokens"] == 5000
    assert body["tools"] == [
        {"name": "shell", "description": SHELL.description, "input_schema": SHELL.parameters}
    ]
    mark = {"type": "ephemeral"}
    assert body["system"] == [{"type": "text", "text": "You are a test.", "cache_control": mark}]
    assert body["messages"][-1]["content"][-1]["cache_control"] == mark
    assert "thinking" not in body


async def test_the_history_is_only_ever_added_to(make: Make) -> None:
    """Beside the mark, which is no part of what is compared."""
    async with AnthropicServer([THINKING, reply(text(0, "ok"))]) as server:
        model = make(server)
        parts, _ = await ask(model)
        await ask(model, HELLO, said(parts), answers(parts))
        more, _ = await ask(model, HELLO, said(parts), answers(parts))
        await ask(model, HELLO, said(parts), answers(parts), said(more), Message(Role.USER, "on"))
    before, after = (unmarked(r["messages"]) for r in server.requests[-2:])
    assert after[: len(before)] == before


def unmarked(messages: list[Chunk]) -> list[Chunk]:
    plain = copy.deepcopy(messages)
    for message in plain:
        for piece in message["content"]:
            piece.pop("cache_control", None)
    return plain


@pytest.mark.parametrize(
    ("level", "thinking", "effort"),
    [
        ("high", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        ("2000", {"type": "enabled", "budget_tokens": 2000}, None),
        ("99999", {"type": "enabled", "budget_tokens": 15_999}, None),
    ],
)
async def test_thinking(make: Make, level: str, thinking: Chunk, effort: Chunk | None) -> None:
    async with AnthropicServer() as server:
        await ask(make(server, thinking_level=level))
    assert server.requests[0]["thinking"] == thinking
    assert server.requests[0].get("output_config") == effort


async def test_a_number_of_tokens_waits_while_calls_are_answered_that_had_no_thinking(
    make: Make,
) -> None:
    plain = reply(call(0, "shell", "t", "{}"), reason="tool_use")
    async with AnthropicServer([plain, reply(text(0, "ok"))]) as server:
        model = make(server, thinking_level="2000")
        parts, _ = await ask(model)
        await ask(model, HELLO, said(parts), answers(parts))
    assert "thinking" in server.requests[0]
    assert "thinking" not in server.requests[1]
