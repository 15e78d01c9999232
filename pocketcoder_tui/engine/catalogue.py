"""The workspace's sessions, from a front end's side: the list, one of them, what is done to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.shelf import Hit
from pocketcoder_tui.core.transcript import Transcript

if TYPE_CHECKING:  # a front end loads them when it exports
    from pocketcoder_tui.engine.exports import Format, Story

LIST_HINT = "Run: pocketcoder sessions, for a list."
NAMED = 6
"""Sessions that a refusal names at most."""
SHORT = 12
"""Characters of an id that are shown, if they tell the sessions apart: the moment it was made."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The end of a session, to recognise it by."""

    summary: SessionSummary
    transcript: Transcript
    whole: bool
    """False when something precedes."""


class Catalogue(Protocol):
    """All sessions of a workspace. Every method raises PocketCoderError subclasses only."""

    @property
    def open_id(self) -> str:
        """The session that is open; it is in the list once something was said in it."""

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        """The last changed first; with ``archived`` also those put away."""

    async def search(self, text: str, *, limit: int = 50) -> list[Hit]:
        """Where all these words stand, the newest first; the last may be a beginning."""

    async def glimpse(self, session_id: str) -> Glimpse:
        """The end of a session."""

    async def story(self, session_id: str) -> "Story":
        """A whole session as chapters, one a turn."""

    async def rename(self, session_id: str, title: str) -> None:
        """Give it another title, in one line."""

    async def archive(self, session_id: str, archived: bool = True) -> None:
        """Put it away, or take it out again."""

    async def delete(self, session_id: str) -> None:
        """Remove what was said, done and printed. Not for the one that is open."""

    async def fork(self, session_id: str, turn_id: str) -> str:
        """Begin a session with its events up to the end of a turn; returns the new one's id."""

    async def export(self, session_id: str, form: "Format") -> str:
        """The session as text."""


def choose(asked: str, found: Sequence[SessionSummary]) -> SessionSummary:
    """The session whose id is ``asked`` or alone begins with it.

    Raises LedgerError that names those it could be.
    """
    begin = [s for s in found if s.id.startswith(asked.lower())] if asked else []
    exact = [s for s in begin if s.id == asked.lower()]
    if len(begin) == 1 or exact:
        return (exact or begin)[0]
    if begin:
        raise LedgerError(f"{len(begin)} sessions begin with {asked!a}:{_named(begin)}",
                          hint="Write more of the id.")  # fmt: skip
    there = f" There are:{_named(found)}" if found else ""
    sentence = f"There is no session {asked!a} in this workspace.{there}"
    raise LedgerError(sentence, hint=LIST_HINT)


def short_ids(sessions: Sequence[SessionSummary]) -> dict[str, str]:
    """Each session's id, cut where it still differs from all the others."""
    ids = sorted(s.id for s in sessions)
    same = [_common(a, b) for a, b in pairwise(ids)]
    length = max([SHORT, *(n + 1 for n in same)])
    return {id_: id_[:length] for id_ in ids}


def _common(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _named(sessions: Sequence[SessionSummary]) -> str:
    short = short_ids(sessions)
    lines = [f"\n  {short[s.id]}  {titled(s)}" for s in sessions[:NAMED]]
    more = len(sessions) - NAMED
    return "".join([*lines, f"\n  and {more} more" if more > 0 else ""])


def titled(session: SessionSummary) -> str:
    """The title in one line, raw otherwise."""
    return " ".join(session.title.split()) or "(no title yet)"
