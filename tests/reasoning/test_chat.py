"""What only endpoints of chat completions do: odd calls, reasoning fields, and what is sent."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from pocketcoder_tui.core.errors import QuotaSpent, ServiceDown
from pocketcoder_tui.core.model import (
    UNREADABLE,
    Finish,
    Message,
    ModelRequest,
    PartKind,
    ReplyPart,
    Role,
    ToolResult,
)
from pocketcoder_tui.reasoning.chat import ChatModel, chat_address
from pocketcoder_tui.reasoning.chatwire import to_body
from tests.reasoning.conftest import MODEL, SHELL, ask, request
from tests.support.gemini_server import KEY
from tests.support.openai_server import (
    OpenAIServer,
    call,
    delta,
    finish,
    text,
    thought,
)


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., ChatModel]]:
    async with AsyncExitStack() as stack:

        def made(server: OpenAIServer, **settings: Any) -> ChatModel:
            given = {"api_key": KEY, "name": "m-1", "base_url": server.base_url, **settings}
            model = ChatModel(**given)
            stack.push_async_callback(model.aclose)
            return model

        yield made


Make = Callable[..., ChatModel]


def calls_of(parts: list[ReplyPart]) -> list[tuple[str, dict[str, Any]]]:
    return [(p.call.tool, dict(p.call.arguments)) for p in parts if p.call is not None]


ONE, TWO = '{"command": "one"}', '{"command": "two"}'


@pytest.mark.parametrize(
    "chunks",
    [
        [call("shell", ONE, "a", 0), call("shell", TWO, "b", 1)],
        [call("shell", ONE, "a", 0), call("shell", TWO, "b", 0)],
        [call("shell", ONE, "a", None), call("shell", TWO, "b", None)],
        [
            call("shell", "", "a", 0),
            call("shell", "", "b", 1),
            call("", ONE),
            call("", TWO, None, 1),
        ],
        [call("shell", json.loads(ONE), "a", 0), call("shell", json.loads(TWO), "b", 1)],
    ],
    ids=["numbered", "all numbered alike", "not numbered", "interleaved", "as objects"],
)
async def test_parallel_calls_are_told_apart(make: Make, chunks: list[dict[str, Any]]) -> None:
    async with OpenAIServer([[*chunks, finish("tool_calls")]]) as server:
        parts, ending = await ask(make(server))
    assert calls_of(parts) == [("shell", {"command": "one"}), ("shell", {"command": "two"})]
    assert [p.call.wire_id for p in parts if p.call is not None] == ["a", "b"]
    assert ending.finish is Finish.DONE


async def test_calls_without_ids_get_one_that_goes_back(make: Make) -> None:
    async with OpenAIServer(
        [[call("shell", ONE), finish("stop")], [text("done"), finish()]]
    ) as server:
        model = make(server)
        parts, _ = await ask(model)
        made = parts[0].call
        assert made is not None
        assert made.wire_id is None
        reply = Message(Role.MODEL, parts=tuple(parts), provider="openai", model=MODEL)
        told = Message(Role.USER, results=(ToolResult(made, {"output": "x"}),))
        await ask(model, Message(Role.USER, "hello"), reply, told)
    _, _, assistant, tool = server.requests[-1]["messages"]
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"] == made.id
    assert assistant["tool_calls"][0]["function"]["arguments"] == ONE


@pytest.mark.parametrize("broken", ['{"command": ', "[1]", "NaN", '{"n": 1e999}', "[" * 5000])
async def test_arguments_that_are_no_json_reach_no_tool(make: Make, broken: str) -> None:
    script = [[call("shell", broken, "a"), finish("tool_calls")], [text("done"), finish()]]
    async with OpenAIServer(script) as server:
        model = make(server)
        parts, ending = await ask(model)
        assert calls_of(parts) == [("shell", {UNREADABLE: broken})]
        assert ending.finish is Finish.DONE
        reply = Message(Role.MODEL, parts=tuple(parts), provider="openai", model=MODEL)
        await ask(model, Message(Role.USER, "hello"), reply)
    sent = server.requests[-1]["messages"][-1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {UNREADABLE: broken}


@pytest.mark.parametrize("reason", ["length", "error"])
async def test_calls_of_a_reply_that_was_cut_are_not_made(make: Make, reason: str) -> None:
    async with OpenAIServer([[call("shell", ONE, "a"), finish(reason)]]) as server:
        parts, ending = await ask(make(server))
    assert parts == []
    assert ending.finish in {Finish.LIMIT, Finish.CUT}


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": None},
        {"choices": [None, 1]},
        {"choices": "no"},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {"content": 5, "tool_calls": {"a": 1}}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [5, None]}}]},
        {"usage": {"prompt_tokens": "many", "completion_tokens_details": None}},
    ],
)
async def test_wrong_types_are_passed_over(make: Make, chunk: dict[str, Any]) -> None:
    async with OpenAIServer([[chunk, text("fine"), chunk, finish()]]) as server:
        parts, ending = await ask(make(server))
    assert [part.text for part in parts] == ["fine"]
    assert ending.finish is Finish.DONE


@pytest.mark.parametrize(
    "call_piece",
    [{"index": [], "function": {"name": 5, "arguments": 6}}, {"index": {}, "function": None}],
)
async def test_a_call_of_wrong_types_names_no_tool(make: Make, call_piece: dict[str, Any]) -> None:
    async with OpenAIServer([[delta(tool_calls=[call_piece]), finish()]]) as server:
        parts, _ = await ask(make(server))
    assert calls_of(parts) == [("", {})]


async def test_an_answer_that_is_no_stream(make: Make) -> None:
    message = {"role": "assistant", "content": "whole", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "shell", "arguments": ONE}}
    ]}  # fmt: skip
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    overloaded = {"error": {"message": "Busy.", "code": 503}}
    script = [{"status": 200, "json": body}, {"status": 200, "json": overloaded}]
    async with OpenAIServer(script) as server:
        parts, ending = await ask(make(server))
        assert parts[0].text == "whole"
        assert calls_of(parts) == [("shell", {"command": "one"})]
        assert ending.finish is Finish.DONE
        with pytest.raises(ServiceDown, match=r"Busy\."):
            await ask(make(server))


async def test_an_account_without_credit_is_not_waited_for(make: Make) -> None:
    error = {"error": {"message": "You exceeded.", "code": "insufficient_quota"}}
    async with OpenAIServer([{"status": 429, "json": error}]) as server:
        with pytest.raises(QuotaSpent, match="no credit") as caught:
            await ask(make(server))
    assert not caught.value.transient


async def test_reasoning_goes_back_while_the_message_is_worked_on(make: Make) -> None:
    details = [{"type": "reasoning.encrypted", "data": "opaque", "id": "r"}]
    first = [
        thought("let "),
        thought("me"),
        delta(reasoning_details=details),
        call("shell", ONE, "a"),
        finish("tool_calls"),
    ]
    async with OpenAIServer([first, [text("done"), finish()]]) as server:
        model = make(server)
        parts, _ = await ask(model)
        assert [p.kind for p in parts][:2] == [PartKind.THOUGHT] * 2
        made = parts[-1].call
        assert made is not None
        person = Message(Role.USER, "hello")
        reply = Message(Role.MODEL, parts=tuple(parts), provider="openai", model=MODEL)
        told = Message(Role.USER, results=(ToolResult(made, {"output": "x"}),))
        await ask(model, person, reply, told)
        at_work = server.requests[-1]["messages"][2]
        await ask(model, person, reply, told, Message(Role.USER, "and now"))
        later = server.requests[-1]["messages"][2]
        other = Message(Role.MODEL, parts=tuple(parts), provider="openai", model="another")
        await ask(model, person, other, told)
        switched = server.requests[-1]["messages"][2]
    assert at_work["reasoning_content"] == "let me"
    assert at_work["reasoning_details"] == details
    for message in (later, switched):
        assert set(message) == {"role", "content", "tool_calls"}


async def test_what_is_sent(make: Make) -> None:
    async with OpenAIServer() as server:
        await ask(
            make(server, thinking_level="low"), Message(Role.USER, "a"), Message(Role.USER, "b")
        )
    body = server.requests[0]
    assert server.seen[0]["path"] == "/v1/chat/completions"
    assert body["model"] == MODEL
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["reasoning_effort"] == "low"
    assert body["tools"][0]["function"]["parameters"] == SHELL.parameters
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"] == "a\n\nb"


async def test_no_key_is_needed_on_this_machine(make: Make) -> None:
    async with OpenAIServer(key="") as server:
        parts, _ = await ask(make(server, api_key=""))
        assert "authorization" not in server.seen[0]["headers"]
    assert parts[0].text == "ok"


@pytest.mark.parametrize(
    ("host", "field"),
    [
        ("api.openai.com", {"store": False}),
        ("openrouter.ai", {"provider": {"data_collection": "deny"}}),
        ("127.0.0.1", {}),
        ("api.openai.com.evil.example", {}),
    ],
)
def test_a_service_is_asked_to_keep_nothing(host: str, field: dict[str, Any]) -> None:
    asked: ModelRequest = request()
    body = to_body(asked, MODEL, level="", host=host)
    assert {k: v for k, v in body.items() if k in {"store", "provider"}} == field


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "https://api.openai.com/v1"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1"),
    ],
)
def test_addresses(given: str, used: str) -> None:
    assert chat_address(given) == used
