"""The events of a session as chapters, one a turn: what an export tells and a fork chooses from."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.transcript import Entry, Said, Transcript


@dataclass(slots=True)
class Chapter:
    """A turn with all that was said and done in it, and after it until the next one."""

    number: int
    """From 1; 0 for what precedes the first turn."""
    turn_id: str = ""
    at: float = 0.0
    """When it began, Unix seconds; 0 when it is no turn."""
    outcome: ev.TurnOutcome | None = None
    """None while the turn is not over."""
    entries: list[Entry] = field(default_factory=list)

    @property
    def said(self) -> str:
        """What the person said in it, or first in it, raw; empty when they said nothing."""
        return next((entry.text for entry in self.entries if isinstance(entry, Said)), "")


@dataclass(slots=True)
class Story:
    """A whole session."""

    session_id: str
    title: str
    workspace: str
    started: float
    """Unix seconds."""
    inherited: ev.Inherited | None
    """Where the beginning came from, when it did not happen in this session."""
    inherited_turns: int
    """So many of the turns came from there."""
    chapters: list[Chapter]

    @property
    def turns(self) -> list[Chapter]:
        """The chapters that are turns; a fork can be made at those that are over."""
        return [chapter for chapter in self.chapters if chapter.turn_id]


def tell(events: Iterable[ev.Durable]) -> Story:
    """Fold events into chapters. Raises KeyError for events that refer to nothing."""
    fold = _Fold()
    for event in events:
        fold.feed(event)
    return fold.story()


class _Fold:
    """Knows of each entry the turn to which it belongs."""

    def __init__(self) -> None:
        self._transcript = Transcript()
        self._chapters = [Chapter(0)]
        self._place: dict[str, int] = {}
        """The number of each entry's chapter."""
        self._started = 0.0
        self._inherited: ev.Inherited | None = None
        self._inherited_turns = 0

    def feed(self, event: ev.Durable) -> None:
        """Take the next event."""
        changed = self._transcript.apply(event)
        match event:
            case ev.SessionStarted():
                self._started = event.at
            case ev.TurnStarted():
                self._chapters.append(Chapter(len(self._chapters), event.turn_id, event.at))
            case ev.TurnEnded():
                for chapter in self._chapters:
                    if chapter.turn_id == event.turn_id:
                        chapter.outcome = event.outcome
            case ev.MessagesTaken():
                self._place.update(dict.fromkeys(event.message_ids, self._now))
            case ev.Inherited():
                self._inherited, self._inherited_turns = event, self._now
        if changed:
            self._place.setdefault(changed, self._now)

    def story(self) -> Story:
        """What was told so far."""
        for entry in self._transcript.entries.values():
            self._chapters[self._place.get(entry.id, 0)].entries.append(entry)
        first, *rest = self._chapters
        told = [first, *rest] if first.entries else rest
        return Story(
            self._transcript.session_id,
            self._transcript.title,
            self._transcript.workspace,
            self._started,
            self._inherited,
            self._inherited_turns,
            told,
        )

    @property
    def _now(self) -> int:
        return len(self._chapters) - 1
