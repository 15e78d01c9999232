"""What every adapter does alike: the same neutral events for the same reply, history and fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.errors import (
    KeyMissing,
    KeyRefused,
    ModelError,
    ModelUnknown,
    NoNetwork,
    QuotaSpent,
    RequestRefused,
    ServiceDown,
)
from pocketcoder_tui.core.model import (
    Finish,
    Message,
    PartKind,
    ReplyFinished,
    ReplyPart,
    Role,
    ToolResult,
)
from tests.reasoning.adapters import ADAPTERS, Adapter
from tests.reasoning.conftest import ask, request
from tests.support.gemini_server import KEY, GeminiServer

Make = Callable[..., Any]


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    found: Adapter = request.param
    return found


@pytest.fixture
async def make(adapter: Adapter) -> AsyncIterator[Make]:
    """Makes models of the adapter, and closes them."""
    async with AsyncExitStack() as stack:

        def made(server: GeminiServer | str, **settings: Any) -> Any:
            model = adapter.model(server, **settings)
            stack.push_async_callback(model.aclose)
            return model

        yield made


def said(parts: list[ReplyPart], kind: PartKind) -> str:
    return "".join(part.text for part in parts if part.kind is kind)


async def test_text_comes_in_pieces_and_ends(adapter: Adapter, make: Make) -> None:
    async with adapter.server([adapter.text("Grü", "ße\u2028!", " \U0001f600")]) as server:
        parts, ending = await ask(make(server))
    assert [part.text for part in parts] == ["Grü", "ße\u2028!", " \U0001f600"]
    assert (ending.finish, ending.detail) == (Finish.DONE, "")


async def test_thoughts_parallel_calls_and_counts(adapter: Adapter, make: Make) -> None:
    async with adapter.server([adapter.whole()]) as server:
        parts, ending = await ask(make(server))
    assert said(parts, PartKind.THOUGHT) == "hm"
    assert said(parts, PartKind.TEXT) == "I look."
    calls = [part.call for part in parts if part.call is not None]
    assert [(c.tool, dict(c.arguments), c.wire_id) for c in calls] == [
        ("shell", {"command": "ls"}, "w1"),
        ("shell", {"command": "pwd"}, "w2"),
    ]
    assert len({c.id for c in calls}) == 2
    assert ending.finish is Finish.DONE
    used = ending.usage
    assert (used.prompt, used.cached, used.output, used.total) == (20, 8, 7, 27)


@pytest.mark.parametrize(
    ("which", "finish"),
    [("limited", Finish.LIMIT), ("refused", Finish.REFUSED), ("unknown", Finish.OTHER)],
)
async def test_endings(adapter: Adapter, make: Make, which: str, finish: Finish) -> None:
    async with adapter.server([getattr(adapter, which)()]) as server:
        _, ending = await ask(make(server))
    assert ending.finish is finish
    assert ending.detail


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        (400, RequestRefused, False),
        (401, KeyRefused, False),
        (403, KeyRefused, False),
        (404, ModelUnknown, False),
        (413, RequestRefused, False),
        (500, ServiceDown, True),
        (503, ServiceDown, True),
        (529, ServiceDown, True),
    ],
)
async def test_refusals(
    adapter: Adapter, make: Make, status: int, kind: type[ModelError], transient: bool
) -> None:
    body = adapter.error(f"It is so,\x1b[31m {KEY} said.")
    async with adapter.server([{"status": status, "json": body}]) as server:
        with pytest.raises(kind) as caught:
            await ask(make(server))
    assert "It is so, [31m (key) said." in caught.value.sentence
    assert caught.value.transient is transient


async def test_a_web_page_instead_of_an_answer(adapter: Adapter, make: Make) -> None:
    async with adapter.server([{"status": 503, "html": "<html>down</html>"}]) as server:
        with pytest.raises(ServiceDown) as caught:
            await ask(make(server))
    assert "<" not in caught.value.sentence


async def test_a_limit_says_how_long_to_wait(adapter: Adapter, make: Make) -> None:
    refusal = {"status": 429, "json": adapter.error("Slow."), "headers": {"retry-after": "17"}}
    async with adapter.server([refusal]) as server:
        with pytest.raises(QuotaSpent) as caught:
            await ask(make(server))
    assert (caught.value.retry_after, caught.value.transient) == (17.0, True)


@pytest.mark.parametrize("cut", [{"do": "cut"}, {"do": "raw", "text": "data: {broken\r\n\r\n"}])
async def test_what_breaks_before_the_first_part_raises(
    adapter: Adapter, make: Make, cut: dict[str, str]
) -> None:
    async with adapter.server([[cut]]) as server:
        with pytest.raises((NoNetwork, ServiceDown)) as caught:
            await ask(make(server))
    assert caught.value.transient


@pytest.mark.parametrize(
    "cut",
    [
        {"do": "cut"},
        {"do": "raw", "text": "data: {broken\r\n\r\n"},
        {"do": "raw", "text": "data: [1, 2]\r\n\r\n"},
    ],
)
async def test_what_breaks_later_is_a_cut(
    adapter: Adapter, make: Make, cut: dict[str, str]
) -> None:
    async with adapter.server([[*adapter.first(), cut]]) as server:
        parts, ending = await ask(make(server))
    assert said(parts, PartKind.TEXT) == "half"
    assert ending.finish is Finish.CUT
    assert ending.detail


async def test_a_stream_without_an_ending_is_a_cut(adapter: Adapter, make: Make) -> None:
    async with adapter.server([adapter.first()]) as server:
        server.last_event = ""
        parts, ending = await ask(make(server))
    assert said(parts, PartKind.TEXT) == "half"
    assert ending.finish is Finish.CUT


async def test_an_error_inside_a_stream(adapter: Adapter, make: Make) -> None:
    async with adapter.server([[adapter.failing], [*adapter.first(), adapter.failing]]) as server:
        model = make(server)
        with pytest.raises(ServiceDown, match=r"Overloaded\.") as caught:
            await ask(model)
        assert caught.value.transient
        _, ending = await ask(model)
    assert ending.finish is Finish.CUT
    assert "Overloaded." in ending.detail


async def test_a_closed_connection_and_nobody_there(adapter: Adapter, make: Make) -> None:
    async with adapter.server([{"do": "close"}]) as server:
        with pytest.raises(NoNetwork):
            await ask(make(server))
        gone = server.base_url
    with pytest.raises(NoNetwork) as caught:
        await ask(make(gone))
    assert caught.value.transient


async def test_silence_has_a_limit(adapter: Adapter, make: Make) -> None:
    async with adapter.server([{"do": "stall"}]) as server:
        with pytest.raises(NoNetwork, match="silent"):
            await ask(make(server, timeout_seconds=0.05))


async def test_cancelling_ends_the_call(adapter: Adapter, make: Make) -> None:
    async with adapter.server([[*adapter.first(), {"do": "stall"}]]) as server:
        task = asyncio.create_task(ask(make(server)))
        await server.stalled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_closing_the_stream_ends_the_call(adapter: Adapter, make: Make) -> None:
    async with adapter.server([[*adapter.first(), {"do": "stall"}]]) as server:
        async with aclosing(make(server).stream(request())) as stream:
            assert (await anext(stream)).text == "half"
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_a_slow_stream_is_read_as_it_comes(adapter: Adapter, make: Make) -> None:
    first, *rest = adapter.text("half", " and half")[-3:]
    chunks = [*adapter.text("half", " and half")[:-3], first, {"do": "wait", "event": "on"}, *rest]
    async with adapter.server([chunks]) as server:
        task = asyncio.create_task(ask(make(server)))
        await server.stalled.wait()
        server.event("on").set()
        parts, ending = await task
    assert said(parts, PartKind.TEXT) == "half and half"
    assert ending.finish is Finish.DONE


async def test_ten_megabytes(adapter: Adapter, make: Make) -> None:
    piece = "0123456789" * 100_000
    async with adapter.server([adapter.text(*[piece] * 10)]) as server:
        parts, ending = await ask(make(server))
    assert said(parts, PartKind.TEXT) == piece * 10
    assert ending.finish is Finish.DONE


async def test_a_wrong_key_and_none(adapter: Adapter, make: Make) -> None:
    async with adapter.server() as server:
        with pytest.raises(KeyRefused):
            await ask(make(server, api_key="wrong"))
        assert server.requests == []
    for broken in ("sch\u00f6n", "two words", "new\nline"):
        with pytest.raises(KeyRefused) as caught:
            await ask(make("http://127.0.0.1:1", api_key=broken))
        assert broken not in caught.value.sentence
    with pytest.raises(KeyMissing):
        await ask(make("https://models.invalid", api_key=""))


async def test_an_address_that_is_none(adapter: Adapter, make: Make) -> None:
    with pytest.raises(RequestRefused, match="address") as caught:
        await ask(make("http://"))
    assert adapter.name.upper() in caught.value.hint


async def test_the_live_list(adapter: Adapter, make: Make) -> None:
    prefix = "" if adapter.name == "gemini" else f"{adapter.name}:"
    async with adapter.server(models=("one", "two")) as server:
        offered = await make(server).offered()
        assert [model.name for model in offered] == [f"{prefix}one", f"{prefix}two"]
        with pytest.raises(KeyRefused):
            await make(server, api_key="wrong").offered()
        gone = server.base_url
    with pytest.raises(NoNetwork):
        await make(gone).offered()


async def test_a_reply_goes_back_with_its_results(adapter: Adapter, make: Make) -> None:
    """The words of the wire differ; ids, order and arguments are there in all of them."""
    async with adapter.server([adapter.whole(), adapter.text("done")]) as server:
        model = make(server)
        parts, _ = await ask(model)
        calls = [part.call for part in parts if part.call is not None]
        results = (
            ToolResult(calls[0], {"output": "file-one"}),
            ToolResult(calls[1], {"error": "denied-two"}),
        )
        reply = Message(
            Role.MODEL, parts=tuple(parts), provider=model.provider, model=request().model
        )
        await ask(model, Message(Role.USER, "hello"), reply, Message(Role.USER, results=results))
    wire = json.dumps(server.requests[-1])
    places = [wire.index(word) for word in ("hello", "I look.", "w1", "file-one", "denied-two")]
    assert places == sorted(places)
    assert wire.count('"w1"') == wire.count('"w2"') == 2
    assert "block" not in wire.replace("content_block", "")


async def test_another_providers_reply_is_rebuilt(adapter: Adapter, make: Make) -> None:
    call = ToolCall("c" * 32, "shell", {"command": "ls"}, "foreign-id")
    parts = (
        ReplyPart(PartKind.THOUGHT, "secret thought", raw={"signed": "foreign"}),
        ReplyPart(PartKind.TEXT, "I look.", raw={"odd": True}),
        ReplyPart(PartKind.CALL, call=call, raw={"odd": True}),
    )
    told = [
        Message(Role.USER, "hello"),
        Message(Role.MODEL, parts=parts, provider="elsewhere", model="m-1"),
        Message(Role.USER, results=(ToolResult(call, {"output": "file-one"}),)),
    ]
    async with adapter.server() as server:
        await ask(make(server), *told)
    wire = json.dumps(server.requests[-1])
    for word in ("hello", "I look.", "shell", "file-one"):
        assert word in wire
    for word in ("secret thought", "foreign", "odd"):
        assert word not in wire


async def test_the_ending_is_the_last_item(adapter: Adapter, make: Make) -> None:
    async with adapter.server([adapter.whole()]) as server:
        items = [item async for item in make(server).stream(request())]
    assert [isinstance(item, ReplyFinished) for item in items].count(True) == 1
    assert isinstance(items[-1], ReplyFinished)
