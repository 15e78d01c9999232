"""The one door through which a session changes: recorded first, then shown."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.events import Durable, Event, Inherited, ReplyStarted
from pocketcoder_tui.core.model import Message
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.core.transient import PastRead, Transient
from pocketcoder_tui.engine.history import History

log = logging.getLogger(__name__)
WINDOW = 1_000
"""Events at the end of a session that are read before it is shown; the rest follows behind."""
Listener = Callable[[Event], None]


class Journal:
    """Writes a session's events in order. Owns the transcript; borrows the ledger."""

    def __init__(self, ledger: Ledger, session_id: str, preface: Sequence[Durable] = ()) -> None:
        self.session_id = session_id
        self.transcript = Transcript()
        self.events: list[Durable] = []
        """Every durable event since the place from which the session was read back."""
        self._ledger = ledger
        self._preface = tuple(preface)
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()
        self._owed: tuple[Durable, ...] = ()
        self._begins = 0
        """The place in the log at which ``events`` begin; 0 when nothing precedes them."""
        self._history: History | None = None
        self._past = asyncio.Lock()
        """Held while what precedes is read, so that it is read once."""
        self._writes: set[asyncio.Task[None]] = set()

    def listen(self, on_event: Listener) -> Callable[[], None]:
        """Call ``on_event`` for everything from now on; returns the undo."""
        self._listeners.append(on_event)
        return lambda: self._listeners.remove(on_event)

    async def read_back(self) -> None:
        """Fold in the end of what the ledger holds of the session. Raises LedgerError."""
        tail = await self._ledger.tail(self.session_id, WINDOW)
        self._preface = ()
        self._begins = tail.begins
        for event in tail.events:
            self._apply(event)

    async def read_past(self) -> None:
        """Fold in what precedes the end that was read back; once, however often it is called.

        The end begins where nothing was open, so the two parts are folded apart and joined.
        Raises LedgerError.
        """
        async with self._past:
            if self._history is None:
                history, past = History(), Transcript(prefix="earlier-")
                await self._fold_past(history, past)
                for event in self.events:
                    history.feed(event)
                self._history = history
                for event in self.events:
                    if isinstance(event, Inherited):  # and what precedes it happened elsewhere too
                        past.apply(event)
                self.transcript.precede(past)
                if past.entries:
                    self.show(PastRead(len(past.entries)))

    async def begin_reply(self, started: ReplyStarted) -> tuple[Message, ...]:
        """Record that the model is asked; returns what it is told: all of the session until then.

        What happens from then on is for the next call, in every later request as well. Raises
        LedgerError.
        """
        await self.read_past()
        told: list[Message] = []
        await self._shielded(self._begin_reply(started, told))
        return tuple(told)

    async def write(self, *events: Durable) -> None:
        """Record events in one transaction, then apply and show them, even if cancelled meanwhile.

        Raises TransitionRefused or LedgerError, and then nothing happened. A session's first
        write takes its preface along, so a session in which nothing was said leaves no trace.
        """
        await self._shielded(self._write(events))

    async def tell(self, event: Durable) -> None:
        """Show an event even when the disk fails: it is recorded now or with the next write.

        For what a person must see because of the failure itself. Raises TransitionRefused.
        """
        await self._shielded(self._tell(event))

    async def settle(self) -> None:
        """Return when everything that was being written is written, also for cancelled writers."""
        while self._writes:
            await asyncio.wait(tuple(self._writes))

    def show(self, event: Transient) -> None:
        """Apply and show something that is not worth recording."""
        self.transcript.apply(event)
        self._notify(event)

    async def _shielded(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        await asyncio.shield(task)

    async def _fold_past(self, history: History, past: Transcript) -> None:
        if not self._begins:
            return
        async with contextlib.aclosing(self._ledger.past(self.session_id, self._begins)) as pages:
            async for events in pages:
                past.apply_all(events)
                for event in events:
                    history.feed(event)

    async def _write(self, events: Sequence[Durable]) -> None:
        async with self._lock:
            await self._record(events)

    async def _begin_reply(self, started: ReplyStarted, told: list[Message]) -> None:
        async with self._lock:
            await self._record([started])
            if self._history is not None:
                told += self._history.whole()

    async def _tell(self, event: Durable) -> None:
        async with self._lock:
            try:
                await self._record([event])
            except TransitionRefused:
                raise
            except LedgerError:
                if self._preface:  # nothing of the session is kept, so there is nothing to add to
                    self.transcript.apply(event)
                    self._notify(event)
                    return
                self._owed = (*self._owed, event)
                self._apply(event)

    async def _record(self, events: Sequence[Durable]) -> None:
        whole = (*self._preface, *events)
        owed, self._owed = self._owed, ()
        try:
            await self._ledger.record(self.session_id, *owed, *whole)
        except TransitionRefused:
            if not owed:
                raise
            # The disk may have kept what it said it did not; then it must not stand in the way.
            await self._ledger.record(self.session_id, *whole)
        except LedgerError:
            self._owed = owed
            raise
        self._preface = ()
        for event in whole:
            self._apply(event)

    def _apply(self, event: Durable) -> None:
        self.transcript.apply(event)
        self.events.append(event)
        if self._history is not None:
            self._history.feed(event)
        self._notify(event)

    def _notify(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # boundary: a front end's defect must not part screen and ledger
                log.exception("a listener failed at %s", type(event).__name__)
