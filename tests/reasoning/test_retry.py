"""Retries: what is tried again, how long it waits, and that it stops at once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from pocketcoder_tui.core import errors
from pocketcoder_tui.core.model import Finish, ModelRequest, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.reasoning import GeminiModel, retry, stream_with_retries
from tests.reasoning.conftest import MODEL, request
from tests.support.gemini_server import KEY, GeminiServer, finish, quota, text

Item = ReplyPart | ReplyFinished


class Flaky:
    """A model that plays a list: errors are raised, items are yielded."""

    provider = label = name = "flaky"

    def __init__(self, *calls: list[Item | errors.ModelError]) -> None:
        self.calls = list(calls)
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Item]:
        try:
            for item in self.calls.pop(0):
                if isinstance(item, errors.ModelError):
                    raise item
                yield item
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        """Nothing is held."""


class Waits:
    """Records what would have been waited for."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.told: list[tuple[str, float, int]] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def on_wait(self, error: errors.ModelError, seconds: float, attempt: int) -> None:
        self.told.append((type(error).__name__, seconds, attempt))


PART = ReplyPart(PartKind.TEXT, "x")
END = ReplyFinished(Finish.DONE)


async def collect(model: Flaky, waits: Waits, **options: int) -> list[Item]:
    stream = stream_with_retries(
        model, request(), on_wait=waits.on_wait, sleep=waits.sleep, rng=lambda: 0.0, **options
    )
    return [item async for item in stream]


def late(error: errors.ModelError, seconds: float) -> errors.ModelError:
    error.retry_after = seconds
    return error


async def test_transient_errors_are_tried_again_and_shown() -> None:
    waits = Waits()
    model = Flaky(
        [errors.ServiceDown("a")],
        [errors.NoNetwork("b")],
        [late(errors.QuotaSpent("c"), 34.4)],
        [PART, END],
    )
    assert await collect(model, waits) == [PART, END]
    assert waits.slept == [2.0, 4.0, 34.4]
    assert waits.told == [("ServiceDown", 2.0, 2), ("NoNetwork", 4.0, 3), ("QuotaSpent", 34.4, 4)]
    assert model.closed == 4


async def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    waits = Waits()
    model = Flaky(*[[errors.ServiceDown(str(n))] for n in range(9)])
    with pytest.raises(errors.ServiceDown, match="2"):
        await collect(model, waits, attempts=3)
    assert len(waits.slept) == 2


def final_quota() -> errors.ModelError:
    error = errors.QuotaSpent("day")
    error.transient = False
    return error


@pytest.mark.parametrize(
    "error",
    [
        errors.KeyRefused("x"),
        errors.ModelUnknown("x"),
        errors.RequestRefused("x"),
        final_quota(),
        late(errors.QuotaSpent("x"), retry.PATIENCE + 1),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_waiting_cannot_mend_is_raised_at_once(error: errors.ModelError) -> None:
    waits = Waits()
    with pytest.raises(type(error)):
        await collect(Flaky([error]), waits)
    assert waits.slept == []


async def test_nothing_is_asked_twice_once_a_part_has_arrived() -> None:
    waits = Waits()
    model = Flaky([PART, errors.ServiceDown("x")], [PART, END])
    with pytest.raises(errors.ServiceDown):
        await collect(model, waits)
    assert waits.slept == []


async def test_cancelling_ends_the_wait() -> None:
    waiting = asyncio.Event()
    never = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await never.wait()

    async def run() -> None:
        model = Flaky([errors.ServiceDown("x")])
        waits = Waits()
        async for _ in stream_with_retries(model, request(), on_wait=waits.on_wait, sleep=sleep):
            pass

    task = asyncio.create_task(run())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_wait_is_bounded_and_never_below_the_services_own(chance: float) -> None:
    for attempt in range(1, 40):
        wait = retry.delay(errors.ServiceDown("x"), attempt, chance)
        assert wait is not None
        assert 0 < wait <= retry.LONGEST_WAIT
        asked = retry.delay(late(errors.QuotaSpent("x"), 20.0), attempt, chance)
        assert asked is not None
        assert asked >= 20.0


async def test_the_services_delay_travels_from_the_wire_to_the_wait() -> None:
    waits = Waits()
    async with GeminiServer([quota(delay="12.5s"), [text("ok"), finish()]]) as server:
        model = GeminiModel(api_key=KEY, name=MODEL, base_url=server.base_url)
        stream = stream_with_retries(
            model, request(), on_wait=waits.on_wait, sleep=waits.sleep, rng=lambda: 0.0
        )
        assert [i.text async for i in stream if isinstance(i, ReplyPart)] == ["ok"]
        await model.aclose()
    assert waits.slept == [12.5]
