"""The side of the session that is watched: all that happened, then all that happens, as lines.

A watcher changes nothing and is never waited for. What it has not read yet is kept for it within
limits; one that falls further behind is let go.
"""

import contextlib
import os
from asyncio import Event as Flag
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.events import Durable, Event
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.core.transient import (
    ActionHeld,
    ActionNeedsInput,
    OutputGrew,
    ScreenChanged,
    Transient,
)
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.mirrorlines import (
    Head,
    Line,
    MirrorError,
    complete_line,
    event_line,
    head_line,
    pages,
    travels,
)

MOST_LINES = 4_000
MOST_WEIGHT = 16_000_000
"""Characters that are kept for a watcher that does not read."""
TOO_SLOW = "This program reads more slowly than the session goes on, so it was let go."


class Watched(Protocol):
    """What is needed of a session to show it elsewhere."""

    @property
    def journal(self) -> Journal:
        """What happened and happens."""

    @property
    def model_label(self) -> str:
        """The model's name."""

    @property
    def mode(self) -> str:
        """The mode's word."""

    def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AbstractAsyncContextManager[None]:
        """Follow the live terminal."""


async def mirrored(session: Watched) -> AsyncGenerator[Line]:
    """Yield the whole session as lines (engine/mirrorlines.py), then what happens, until closed.

    Raises MirrorError when the watcher is too slow, LedgerError when the past cannot be read.
    """
    journal = session.journal
    lag = _Lag()
    with contextlib.ExitStack() as undo:
        undo.callback(journal.listen(lag.take))
        # From here to the copy nothing can happen in between: no event is lost, none comes twice.
        so_far, standing = tuple(journal.events), tuple(_standing(journal))
        head = _head(session)
        yield head_line(head)
        async with contextlib.aclosing(journal.earlier()) as earlier:
            async for events in earlier:
                for line in pages(events, past=True):
                    yield line
        for line in pages(so_far, past=False):
            yield line
        yield complete_line()
        for event in standing:
            yield event_line(event)[0]
        async with session.watch(lag.take_frame):
            while True:
                line = await lag.next()
                if (now := _head(session)) != head:
                    head = now
                    yield head_line(head)
                yield line


def _head(session: Watched) -> Head:
    transcript = session.journal.transcript
    return Head(
        session.journal.session_id,
        transcript.workspace,
        transcript.title,
        session.model_label,
        session.mode,
        os.getpid(),
    )


def _standing(journal: Journal) -> Iterator[Transient]:
    """What was only shown, and is still so, for one who did not see it."""
    if journal.box is not None:
        yield journal.box
    yield from _of_running(journal.transcript)


def _of_running(transcript: Transcript) -> Iterator[Transient]:
    for deed in transcript.entries.values():
        if not isinstance(deed, Deed):
            continue
        if deed.live:
            yield OutputGrew(deed.id, deed.live)
        if deed.held:
            yield ActionHeld(deed.id, deed.held, deed.clearable)
        if deed.needs_input:
            yield ActionNeedsInput(deed.id, True)


class _Lag:
    """What one watcher has not read yet: bounded, and of the terminal the newest frame alone."""

    def __init__(self) -> None:
        self._lines: deque[tuple[Line, int]] = deque()
        self._weight = 0
        self._frame: ScreenChanged | None = None
        self._failure: PocketCoderError | None = None
        self._news = Flag()

    def take(self, event: Event) -> None:
        """Something happened. Raises nothing: the session must not feel who watches."""
        if self._failure is not None or not travels(event):
            return
        try:
            self._add(event)
        except PocketCoderError as error:
            self._fail(error)

    def take_frame(self, frame: ScreenChanged) -> None:
        """The terminal looks like this now."""
        self._frame = frame
        self._news.set()

    async def next(self) -> Line:
        """The next line, waited for. Raises MirrorError when too much had come."""
        while True:
            if self._failure is not None:
                raise self._failure
            if self._lines:
                line, weight = self._lines.popleft()
                self._weight -= weight
                return line
            if self._frame is not None:
                frame, self._frame = self._frame, None
                return event_line(frame)[0]
            self._news.clear()
            await self._news.wait()

    def _add(self, event: Durable | Transient) -> None:
        line, weight = event_line(event)
        self._lines.append((line, weight))
        self._weight += weight
        if len(self._lines) > MOST_LINES or self._weight > MOST_WEIGHT:
            raise MirrorError(TOO_SLOW, hint="Watch again.")
        self._news.set()

    def _fail(self, error: PocketCoderError) -> None:
        self._failure = error
        self._lines.clear()
        self._weight = 0
        self._news.set()
