"""Sessions as wholes: found, put away, copied, deleted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Place(StrEnum):
    """Where in a session something was found."""

    TITLE = "title"
    MESSAGE = "message"
    """What the person wrote."""
    ANSWER = "answer"
    """What the model wrote."""
    ACTION = "action"
    """A command, the agent's or the person's, or the text of another action."""
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found."""

    session_id: str
    title: str
    """Of the session."""
    place: Place
    entry_id: str
    """The transcript's entry that holds it; empty for a title and for what the person ran."""
    at: float
    """Unix seconds of the recording."""
    snippet: str
    """Some words around it, raw."""


class Shelf(Protocol):
    """What can be done with sessions as wholes. Every method raises LedgerError."""

    async def search(self, text: str, *, session_id: str = "", limit: int = 50) -> list[Hit]:
        """Find where all these words stand, the newest first; the last may be a beginning."""

    async def rename(self, session_id: str, title: str) -> None:
        """Give a session another title."""

    async def archive(self, session_id: str, archived: bool = True) -> None:
        """Put a session away, or take it out again."""

    async def delete(self, session_id: str) -> Sequence[str]:
        """Remove what was said, done and printed; that it was, and its hashes, stay.

        Returns the ids of its actions, for what is kept of them beside the ledger. Not for the
        session that is open: what is recorded in it afterwards is refused.
        """

    async def fork(self, session_id: str, turn_id: str) -> str:
        """Begin a session with another one's events up to the end of a turn; returns its id."""

    async def export(self, session_id: str) -> list[str]:
        """Lines of JSON: a header, then every event, outputs included."""

    async def import_session(self, lines: Iterable[str], workspace: str) -> str:
        """Begin a session with an export's events; returns its id."""

    async def prune(self, before: float) -> int:
        """Remove outputs that were recorded before a moment (Unix seconds); returns how many."""
