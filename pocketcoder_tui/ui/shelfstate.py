"""Which sessions the list shows, and what it says of each: pure, from what is known of them."""

from collections.abc import Sequence

from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.shelf import Hit, Place
from pocketcoder_tui.ui.rows import ListRow
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import age, count

UNTITLED = "(no title yet)"
WORDS = {
    Place.TITLE: "title",
    Place.MESSAGE: "you wrote",
    Place.ANSWER: "answer",
    Place.ACTION: "action",
    Place.OUTPUT: "output",
}
"""Where something was found, in a word or two."""


class ShelfState:
    """Sessions, what was typed, and what was found for it."""

    def __init__(self, open_id: str) -> None:
        self.open_id = open_id
        self.sessions: Sequence[SessionSummary] = ()
        """All of them, those put away too."""
        self.away = False
        """True while those put away are listed."""
        self.query = ""
        self._hits: dict[str, list[Hit]] = {}
        self._hits_of = ""

    def found(self, query: str, hits: Sequence[Hit]) -> None:
        """Take over what was found for a query."""
        self._hits_of, self._hits = query, {}
        for hit in hits:
            self._hits.setdefault(hit.session_id, []).append(hit)

    def hits(self, session_id: str) -> Sequence[Hit]:
        """What was found in a session for what is typed now; nothing before the answer is there."""
        current = self.query and self.query == self._hits_of
        return self._hits.get(session_id, ()) if current else ()

    def session(self, session_id: str) -> SessionSummary | None:
        """A session that is known."""
        return next((s for s in self.sessions if s.id == session_id), None)

    def rows(self, now: float) -> list[ListRow]:
        """The rows, the last changed first; ``now`` in Unix seconds."""
        return [self._row(session, now) for session in self.sessions if self._shown(session)]

    @property
    def hidden(self) -> int:
        """Sessions put away that are not listed."""
        return 0 if self.away or self.query else sum(s.archived for s in self.sessions)

    def _shown(self, session: SessionSummary) -> bool:
        if not self.query:
            return self.away or not session.archived
        wanted = self.query.casefold()
        by_name = wanted in session.title.casefold() or session.id.startswith(wanted)
        return by_name or bool(self.hits(session.id))

    def _row(self, session: SessionSummary, now: float) -> ListRow:
        facts = [count(session.actions, "action"), count(session.turns, "turn")]
        if session.open_actions:
            facts.append(f"{session.open_actions} open")
        if session.archived:
            facts.append("put away")
        if session.id == self.open_id:
            facts.append("here")
        facts.append(age(now - session.changed))
        return ListRow(
            session.id,
            one_line(session.title) or UNTITLED,
            tuple(facts),
            self._more(session.id),
            quiet=session.archived,
        )

    def _more(self, session_id: str) -> str:
        hits = self.hits(session_id)
        if not hits:
            return ""
        also = f"  (+{len(hits) - 1})" if len(hits) > 1 else ""
        return f"{WORDS[hits[0].place]}: {one_line(hits[0].snippet)}{also}"
