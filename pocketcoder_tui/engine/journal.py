"""The one door through which a session changes: recorded first, then shown."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.events import Durable, Event, Transient
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.core.transcript import Transcript

log = logging.getLogger(__name__)
Listener = Callable[[Event], None]


class Journal:
    """Writes a session's events in order. Owns the transcript; borrows the ledger."""

    def __init__(self, ledger: Ledger, session_id: str, preface: Sequence[Durable] = ()) -> None:
        self.session_id = session_id
        self.transcript = Transcript()
        self.events: list[Durable] = []
        """Every durable event so far; the model's history is a fold over it."""
        self._ledger = ledger
        self._preface = tuple(preface)
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()
        self._owed: tuple[Durable, ...] = ()
        self._writes: set[asyncio.Task[None]] = set()

    def listen(self, on_event: Listener) -> Callable[[], None]:
        """Call ``on_event`` for everything from now on; returns the undo."""
        self._listeners.append(on_event)
        return lambda: self._listeners.remove(on_event)

    async def read_back(self) -> None:
        """Fold in what the ledger holds of the session. Raises LedgerError."""
        events = await self._ledger.replay(self.session_id)
        self._preface = ()
        for event in events:
            self._apply(event)

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

    async def _write(self, events: Sequence[Durable]) -> None:
        async with self._lock:
            await self._record(events)

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
        self._notify(event)

    def _notify(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # boundary: a front end's defect must not part screen and ledger
                log.exception("a listener failed at %s", type(event).__name__)
