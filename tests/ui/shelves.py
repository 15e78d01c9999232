"""A library in memory: sessions as lists of events, and what was asked of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError, PocketCoderError
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.shelf import Hit, Place
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.engine.catalogue import Glimpse
from pocketcoder_tui.engine.exports import Format, Story, render, tell

NOON = 1_790_000_000.0
"""Unix seconds at which every scripted session begins."""


class ScriptedLibrary:
    """engine.catalogue.Catalogue over lists."""

    def __init__(self) -> None:
        self.open_id = "s1"
        self.listed: dict[str, SessionSummary] = {}
        self.told: dict[str, Sequence[ev.Durable]] = {}
        self.asked: list[tuple[object, ...]] = []
        self.error: PocketCoderError | None = None
        """Raised by the next request that changes something."""
        self.search_gate = asyncio.Event()
        """A search is answered once this is set."""
        self.search_gate.set()

    def add(self, summary: SessionSummary, events: Sequence[ev.Durable] = ()) -> None:
        """Keep a session."""
        self.listed[summary.id] = summary
        self.told[summary.id] = events

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        found = sorted(self.listed.values(), key=lambda s: -s.changed)
        return [s for s in found if archived or not s.archived]

    async def search(self, text: str, *, limit: int = 50) -> list[Hit]:
        self.asked.append(("search", text))
        await self.search_gate.wait()
        hits = []
        for id_, events in self.told.items():
            for event in events:
                if isinstance(event, ev.MessageQueued) and text in event.text:
                    title = self.listed[id_].title
                    hits.append(Hit(id_, title, Place.MESSAGE, event.message_id, NOON, event.text))
        return hits[:limit]

    async def glimpse(self, session_id: str) -> Glimpse:
        self.asked.append(("glimpse", session_id))
        transcript = Transcript()
        transcript.apply_all(self.told[session_id])
        return Glimpse(self.listed[session_id], transcript, whole=True)

    async def story(self, session_id: str) -> Story:
        return tell(self.told[session_id])

    async def rename(self, session_id: str, title: str) -> None:
        self._note("rename", session_id, title)
        self.listed[session_id] = replace(self.listed[session_id], title=title)

    async def archive(self, session_id: str, archived: bool = True) -> None:
        self._note("archive", session_id, archived)
        self.listed[session_id] = replace(self.listed[session_id], archived=archived)

    async def delete(self, session_id: str) -> None:
        self._note("delete", session_id)
        if session_id == self.open_id:
            raise LedgerError("This session is open.")
        del self.listed[session_id], self.told[session_id]

    async def fork(self, session_id: str, turn_id: str) -> str:
        self._note("fork", session_id, turn_id)
        made = replace(
            self.listed[session_id],
            id=f"{session_id}-fork",
            title=f"{self.listed[session_id].title} (fork)",
            changed=NOON + 3,
        )
        self.add(made, self.told[session_id])
        return made.id

    async def export(self, session_id: str, form: Format) -> str:
        self._note("export", session_id, form)
        return render(form, list(self.told[session_id]), ["{}"])

    def _note(self, *request: object) -> None:
        self.asked.append(request)
        error, self.error = self.error, None
        if error is not None:
            raise error
