"""Trying again when the service was busy, as long as nothing of the reply has arrived."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from pocketcoder_tui.core.errors import ModelError
from pocketcoder_tui.core.model import ModelRequest, ReplyFinished, ReplyPart
from pocketcoder_tui.core.ports import Model

__all__ = ["FIRST_WAIT", "LONGEST_WAIT", "PATIENCE", "delay", "stream_with_retries"]

FIRST_WAIT = 2.0
"""Seconds before the second attempt, before jitter."""

LONGEST_WAIT = 30.0
"""Seconds; the doubling stops here."""

PATIENCE = 300.0
"""Seconds; a service that asks for more is not waited for."""


async def stream_with_retries(
    model: Model,
    request: ModelRequest,
    *,
    on_wait: Callable[[ModelError, float, int], None],
    attempts: int = 5,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rng: Callable[[], float] = random.random,
) -> AsyncGenerator[ReplyPart | ReplyFinished]:
    """Stream a reply, asking again after transient errors that came before its first part.

    ``on_wait`` gets the error, the seconds of the wait that begins, and the number of the attempt
    that follows it. Raises the last ModelError. Cancelling the task ends the wait at once.
    """
    begun = False
    for attempt in range(1, attempts + 1):
        try:
            async with aclosing(model.stream(request)) as stream:
                async for item in stream:
                    begun = True
                    yield item
            return
        except ModelError as error:
            wait = delay(error, attempt, rng())
            if begun or attempt == attempts or wait is None:
                raise
            on_wait(error, wait, attempt + 1)
        await sleep(wait)


def delay(error: ModelError, attempt: int, chance: float) -> float | None:
    """Seconds to wait after failed attempt number ``attempt``; None when waiting cannot help.

    The wait doubles and jitter takes up to half of it away; the service's own delay is the floor,
    with up to a second of jitter on top. ``chance`` is from 0 to 1.
    """
    if not error.transient:
        return None
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1)) * (1 - chance / 2)
    if error.retry_after is None:
        return backoff
    if error.retry_after > PATIENCE:
        return None
    return max(backoff, error.retry_after + chance)
