"""The one door through which a session changes: recorded first, then shown."""

import asyncio
from collections.abc import Callable, Sequence

from pocketcoder_tui.core.events import Durable, Event, Transient
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.core.transcript import Transcript

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
        await asyncio.shield(asyncio.ensure_future(self._write(events)))

    def show(self, event: Transient) -> None:
        """Apply and show something that is not worth recording."""
        self.transcript.apply(event)
        self._notify(event)

    async def _write(self, events: Sequence[Durable]) -> None:
        async with self._lock:
            whole = (*self._preface, *events)
            await self._ledger.record(self.session_id, *whole)
            self._preface = ()
            for event in whole:
                self._apply(event)

    def _apply(self, event: Durable) -> None:
        self.transcript.apply(event)
        self.events.append(event)
        self._notify(event)

    def _notify(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)
