"""One model call: the request is a fold of the session, and every part is recorded as it comes."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import failpoints, transient
from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.errors import ModelError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import Finish, ModelRequest, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.ports import Model
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.tools import SPECS
from pocketcoder_tui.reasoning.retry import stream_with_retries

STOPPED = "stopped by the person"
AHEAD = 256
"""Pieces of a reply that may wait for the disk; then the stream waits too."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model call came to."""

    id: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    detail: str


Clean = Callable[[str], str]
"""Takes secrets out of a sentence."""


async def ask(model: Model, system: str, turn_id: str, journal: Journal, clean: Clean) -> Reply:
    """Send the session to the model and record its reply. Raises ModelError, LedgerError.

    Cancelling ends the stream; what had arrived is kept. ``clean`` is for what the model's service
    says about a failure; what it raises is as the service said it.
    """
    reply_id = new_id()
    started = ev.ReplyStarted(turn_id, reply_id, model.provider, model.name, time.time())
    told = await journal.begin_reply(started)
    request = ModelRequest(model.name, system, SPECS, told)
    recorder = _Recorder(journal, reply_id, clean)
    failpoints.reach("before call", "model")
    try:
        stream = stream_with_retries(model, request, on_wait=_show_wait(journal, reply_id, clean))
        async with contextlib.aclosing(stream) as items:
            async for item in items:
                await recorder.take(item)
    except ModelError as error:
        await recorder.end(ReplyFinished(Finish.CUT, error.sentence))
        raise
    except asyncio.CancelledError:
        await recorder.end(ReplyFinished(Finish.CUT, STOPPED))
        raise
    failpoints.reach("after call", "model")
    return await recorder.end(recorder.finished)


class _Recorder:
    """Groups pieces of one kind into parts and writes each piece down.

    What comes while the disk is at work goes into one transaction with the next of its kind: a
    piece a transaction is five times the work of reading the stream.
    """

    def __init__(self, journal: Journal, reply_id: str, clean: Clean) -> None:
        self.finished = ReplyFinished(Finish.CUT)
        self._clean = clean
        self._journal = journal
        self._reply_id = reply_id
        self._part_id = ""
        self._kind: PartKind | None = None
        self._calls: list[ToolCall] = []
        self._came: list[ev.PartGrew] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, item: ReplyPart | ReplyFinished) -> None:
        """Record a part, or remember how the reply ended. Raises LedgerError, also for earlier."""
        if isinstance(item, ReplyFinished):
            self.finished = item
            return
        if item.call is not None:
            self._part_id = item.call.id
            self._calls.append(item.call)
        elif item.kind is not self._kind:
            self._part_id = new_id()
        self._kind = item.kind
        grew = ev.PartGrew(self._reply_id, self._part_id, item.kind, item.text, item.raw, item.call)
        self._came.append(grew)
        if self._writing is None or self._writing.done() or len(self._came) >= AHEAD:
            await self._written()
            self._writing = asyncio.ensure_future(self._write())

    async def end(self, finished: ReplyFinished) -> Reply:
        """Record the end."""
        await self._written()
        detail = self._clean(finished.detail)
        ended = ev.ReplyEnded(self._reply_id, finished.finish, detail, finished.usage, time.time())
        await self._journal.write(*self._came, ended)
        return Reply(self._reply_id, tuple(self._calls), finished.finish, detail)

    async def _written(self) -> None:
        """Wait for the write that is under way; a cancelled wait leaves it alone."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            self._writing.result()

    async def _write(self) -> None:
        while self._came:
            pieces, self._came = self._came, []
            await self._journal.write(*pieces)


def _show_wait(
    journal: Journal, reply_id: str, clean: Clean
) -> Callable[[ModelError, float, int], None]:
    def on_wait(error: ModelError, seconds: float, attempt: int) -> None:
        journal.show(transient.RetryWaiting(reply_id, clean(error.sentence), seconds, attempt))

    return on_wait
