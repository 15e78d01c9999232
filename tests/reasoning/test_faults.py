"""Every fault of the service, over HTTP: the right error, a sentence, and never the key."""

import asyncio
import contextlib
import json
import socket
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketcoder_tui.core import errors
from pocketcoder_tui.core.model import Finish, ModelRequest, ReplyFinished
from pocketcoder_tui.reasoning import GeminiModel, faults
from tests.reasoning.conftest import ask, request
from tests.support.gemini_server import KEY, GeminiServer, Reply, finish, quota, text, usage

Make = Callable[..., GeminiModel]


def failure(status: int, word: str, message: str, **more: Any) -> dict[str, Any]:
    """An error as the service writes it."""
    return {
        "status": status,
        "json": {"error": {"code": status, "status": word, "message": message, **more}},
    }


EVENT = {"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}}
PAGE = {"status": 503, "html": f"<!doctype html><title>No {KEY}</title>"}

REFUSALS: dict[str, tuple[Reply, type[errors.ModelError], bool, float | None]] = {
    "401": (failure(401, "UNAUTHENTICATED", "No"), errors.KeyRefused, False, None),
    "403": (failure(403, "PERMISSION_DENIED", f"{KEY} no"), errors.KeyRefused, False, None),
    "400": (failure(400, "INVALID_ARGUMENT", f"Bad\n {KEY}"), errors.RequestRefused, False, None),
    "404": (failure(404, "NOT_FOUND", "models/x"), errors.ModelUnknown, False, None),
    "409": ({"status": 409, "html": "<p>no</p>"}, errors.RequestRefused, False, None),
    "302": ({"status": 302, "html": ""}, errors.RequestRefused, False, None),
    "429 a minute": (quota(), errors.QuotaSpent, True, 34.4),
    "429 a day": (quota(quota_id="RequestsPerDayPerModel"), errors.QuotaSpent, False, 34.4),
    "429 silent": (quota(delay=None), errors.QuotaSpent, True, None),
    "429 header": (
        {"status": 429, "json": [], "headers": {"retry-after": "7"}},
        errors.QuotaSpent,
        True,
        7.0,
    ),
    "500": (failure(500, "INTERNAL", "Oops"), errors.ServiceDown, True, None),
    "503": (failure(503, "UNAVAILABLE", "Busy"), errors.ServiceDown, True, None),
    "503 page": (PAGE, errors.ServiceDown, True, None),
    "503 odd": ({"status": 503, "json": "text"}, errors.ServiceDown, True, None),
    "error event": ([EVENT], errors.ServiceDown, True, None),
    "error event without a code": ([{"error": {"message": "?"}}], errors.ServiceDown, True, None),
    "closed": ({"do": "close"}, errors.NoNetwork, True, None),
    "cut before anything": ([{"do": "cut"}], errors.NoNetwork, True, None),
    "usage, then cut": ([usage(3, 0), {"do": "cut"}], errors.NoNetwork, True, None),
    "broken JSON": ([{"do": "raw", "text": 'data: {"a\n\n'}], errors.ServiceDown, True, None),
    "wrong type": ([{"candidates": "none"}], errors.ServiceDown, True, None),
    "wrong type inside": (
        [{"candidates": [{"content": {"parts": [{"text": 5}]}}]}],
        errors.ServiceDown,
        True,
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_its_own_error(gemini: Make, name: str) -> None:
    reply, kind, transient, retry_after = REFUSALS[name]
    async with GeminiServer([reply]) as server:
        with pytest.raises(errors.ModelError) as caught:
            await ask(gemini(server))
    error = caught.value
    assert type(error) is kind
    assert (error.transient, error.retry_after) == (transient, retry_after)
    assert error.sentence
    assert error.hint
    assert "\n" not in error.sentence
    assert "<" not in error.sentence
    assert KEY not in "".join(traceback.format_exception(error))


async def test_a_bad_key_is_refused_and_not_repeated(gemini: Make) -> None:
    wrong = KEY[::-1]
    async with GeminiServer() as server:
        with pytest.raises(errors.KeyRefused, match="API key not valid") as caught:
            await ask(gemini(server, api_key=wrong))
    assert wrong not in "".join(traceback.format_exception(caught.value))
    assert not server.requests


@pytest.mark.parametrize("key", ["", "  ", "with space", "new\nline", "schlüssel", "auth_tokens/x"])
async def test_an_impossible_key_sends_nothing(gemini: Make, key: str) -> None:
    async with GeminiServer() as server:
        with pytest.raises((errors.KeyMissing, errors.KeyRefused)) as caught:
            await ask(gemini(server, api_key=key))
    assert not server.seen
    assert not key.strip() or key not in caught.value.sentence


@pytest.mark.parametrize("reply", [EVENT, {"do": "cut"}, {"do": "raw", "text": "data: {\n\n"}])
async def test_a_fault_after_the_first_part_is_a_cut_reply(gemini: Make, reply: Any) -> None:
    async with GeminiServer([[text("half"), usage(9, 1), reply]]) as server:
        parts, ending = await ask(gemini(server))
    assert [p.text for p in parts] == ["half"]
    assert ending.finish is Finish.CUT
    assert ending.detail
    assert ending.usage.prompt == 9


async def test_silence_longer_than_the_limit_ends_the_call(gemini: Make) -> None:
    async with GeminiServer([{"do": "stall"}, [text("half"), {"do": "stall"}]]) as server:
        model = gemini(server, timeout_seconds=0.1)
        with pytest.raises(errors.NoNetwork, match="silent"):
            await ask(model)
        _, ending = await ask(model)
    assert ending.finish is Finish.CUT


async def test_nobody_listening(gemini: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(errors.NoNetwork):
            await ask(gemini(f"http://127.0.0.1:{port}"))


async def test_a_name_that_does_not_resolve(gemini: Make) -> None:
    with pytest.raises(errors.NoNetwork):
        await ask(gemini("http://no-such-host.invalid"))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://[", "http://a b/"])
async def test_an_address_that_is_none(gemini: Make, url: str) -> None:
    with pytest.raises(errors.RequestRefused, match="address"):
        await ask(gemini(url))


@pytest.mark.parametrize("name", ["../secrets", "a?b", "a b", "", "modèle"])
async def test_a_model_name_that_is_none(gemini: Make, name: str) -> None:
    async with GeminiServer() as server:
        model = gemini(server, name=name)
        with pytest.raises(errors.ModelUnknown):
            await anext(model.stream(ModelRequest(name, "", (), ())))
    assert not server.seen


async def test_the_connection_is_used_again_after_a_refusal(gemini: Make) -> None:
    async with GeminiServer([failure(500, "INTERNAL", "x"), [text("ok"), finish()]]) as server:
        model = gemini(server)
        with pytest.raises(errors.ServiceDown):
            await ask(model)
        await ask(model)
        await ask(model)
        await asyncio.wait_for(model.aclose(), 5)
    assert server.connections == 1


ENDINGS = {
    "STOP": Finish.DONE,
    "MAX_TOKENS": Finish.LIMIT,
    "SAFETY": Finish.REFUSED,
    "RECITATION": Finish.REFUSED,
    "PROHIBITED_CONTENT": Finish.REFUSED,
    "MALFORMED_FUNCTION_CALL": Finish.MALFORMED,
    "UNEXPECTED_TOOL_CALL": Finish.MALFORMED,
    "TOO_MANY_TOOL_CALLS": Finish.MALFORMED,
    "MISSING_THOUGHT_SIGNATURE": Finish.MALFORMED,
    "MALFORMED_RESPONSE": Finish.MALFORMED,
    "CONTINUATION": Finish.CUT,
    "LANGUAGE": Finish.OTHER,
    "OTHER": Finish.OTHER,
    "NEVER_HEARD": Finish.OTHER,
}


@pytest.mark.filterwarnings("ignore:NEVER_HEARD")
@pytest.mark.parametrize("reason", ENDINGS)
async def test_a_finish_reason(gemini: Make, reason: str) -> None:
    async with GeminiServer([[finish(reason)], [finish(reason, "In\nwords.")]]) as server:
        model = gemini(server)
        _, plain = await ask(model)
        _, worded = await ask(model)
    assert plain.finish is worded.finish is ENDINGS[reason]
    assert plain.detail == ("" if reason == "STOP" else reason)
    assert worded.detail == "In words."


async def test_a_stream_without_an_ending_is_cut(gemini: Make) -> None:
    a_list = {"do": "raw", "text": "data: [1]\n\n"}
    async with GeminiServer([[text("half")], [], [a_list]]) as server:
        model = gemini(server)
        for _ in range(3):
            assert (await ask(model))[1].finish is Finish.CUT


async def test_a_blocked_prompt_is_refused(gemini: Make) -> None:
    async with GeminiServer([[{"promptFeedback": {"blockReason": "SAFETY"}}]]) as server:
        parts, ending = await ask(gemini(server))
    assert (parts, ending.finish, ending.detail) == ([], Finish.REFUSED, "SAFETY")


def test_a_long_message_becomes_one_bounded_line() -> None:
    line = faults.one_line("a\x1b[31m\r\n\u2028b " + "x" * 10_000)
    assert line.startswith("a [31m b x")
    assert len(line) == faults.LONGEST_SENTENCE


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
PARTS = st.lists(
    ANYTHING | st.fixed_dictionaries({}, optional={"text": ANYTHING, "functionCall": ANYTHING})
)
CANDIDATES = st.lists(
    ANYTHING
    | st.fixed_dictionaries(
        {},
        optional={
            "content": ANYTHING | st.fixed_dictionaries({"parts": PARTS | ANYTHING}),
            "finishReason": ANYTHING,
            "finishMessage": ANYTHING,
        },
    )
)
CHUNKS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "candidates": CANDIDATES | ANYTHING,
        "usageMetadata": ANYTHING,
        "promptFeedback": ANYTHING | st.fixed_dictionaries({"blockReason": ANYTHING}),
        "error": ANYTHING | st.fixed_dictionaries({"code": ANYTHING, "details": ANYTHING}),
    },
)


async def _feed(chunks: list[Any]) -> None:
    events = [{"do": "raw", "text": f"data: {json.dumps(chunk)}\n\n"} for chunk in chunks]
    async with GeminiServer([events]) as server:
        model = GeminiModel(api_key=KEY, name="m", base_url=server.base_url)
        with contextlib.suppress(errors.ModelError):
            await ask(model)
        await model.aclose()


@pytest.mark.filterwarnings("ignore")
@given(st.lists(CHUNKS, max_size=4))
@settings(max_examples=40, deadline=None)
def test_chunks_of_any_shape_end_in_a_reply_or_a_model_error(chunks: list[Any]) -> None:
    asyncio.run(_feed(chunks))


@given(st.integers(300, 599), ANYTHING | st.fixed_dictionaries({"error": ANYTHING}))
def test_an_error_body_of_any_shape_is_explained(status: int, body: Any) -> None:
    error = faults.refusal(status, body)
    assert error.sentence
    assert len(error.sentence) < 500


async def test_closing_the_model_ends_its_streams(gemini: Make) -> None:
    async with GeminiServer([[text("half"), {"do": "stall"}], [text("ok"), finish()]]) as server:
        model = gemini(server)
        stream = model.stream(request())
        await anext(stream)
        await model.aclose()
        ending = await asyncio.wait_for(anext(stream), 5)
        assert isinstance(ending, ReplyFinished)
        assert ending.finish is Finish.CUT
        parts, _ = await ask(model)
    assert parts[0].text == "ok"
