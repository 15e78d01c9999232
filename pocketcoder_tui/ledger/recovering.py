"""What can be saved of a damaged ledger, in a new one beside it; the damaged one is only read.

Every event that can still be read is taken, whether or not the chain vouches for it. So nothing of
it is open in the new ledger, or can be dispatched or decided there: it is kept as what was said.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.ledger import failures
from pocketcoder_tui.ledger.opening import Opening, take
from pocketcoder_tui.ledger.ownership import owned_by, owner_of
from pocketcoder_tui.ledger.packing import unpack
from pocketcoder_tui.ledger.pages import Pages, Row
from pocketcoder_tui.ledger.shelving import Dated, inherit
from pocketcoder_tui.ledger.verification import verify
from pocketcoder_tui.ledger.verify_audit import ERASED, Event
from pocketcoder_tui.ledger.writing import Writer


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of it."""

    to: Path
    sessions: int
    events: int
    lost: int
    """Events that can be told to be missing, or that nothing could be made of."""


@dataclass(slots=True)
class _Salvage:
    """The rows of a damaged file, by what they must have been."""

    events: dict[int, Event] = field(default_factory=dict)
    outputs: dict[int, str] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        match row:
            case (int() as seq, (None, str() as session, int() | float() as at, str() as kind,
                                 str() as body)) if body.startswith("{"):  # fmt: skip
                self.events.setdefault(seq, (seq, session, float(at), kind, body))
            case (int() as seq, (None, str() as text, None)) if text.startswith('["'):
                self.outputs.setdefault(seq, text)


def recover(path: Path, to: Path, *, clock: Callable[[], float] = time.time) -> Recovered:
    """Save what can be saved of the ledger at ``path`` into a new file.

    Raises LedgerError when it is in use, cannot be read, holds nothing, or ``to`` cannot be made.
    """
    if to.exists():
        raise LedgerError(f"There is a file {to} already.", hint="Name another one.")
    owner = owner_of(path)
    if owner is not None:
        raise LedgerError(owned_by(owner), hint=failures.BUSY_HINT)
    found = _read(path)
    stories, lost = _stories(found)
    if not stories:
        raise LedgerError(f"Nothing in {path} can be read as a ledger.")
    events = sum(len(story) for story in stories.values())
    facts: dict[str, Fact] = {"events": events, "lost": lost, "sessions": len(stories)}
    with take(to):
        _write(to, stories, AuditNote(AuditKind.RECOVERED, facts), clock)
    return Recovered(to, len(stories), events, lost)


def _read(path: Path) -> _Salvage:
    log = b""
    with failures.explained(path):
        file = path.read_bytes()
        with suppress(FileNotFoundError):
            log = path.with_name(path.name + "-wal").read_bytes()
    found = _Salvage()
    for row in Pages(file, log).rows():
        found.take(row)
    return found


def _stories(found: _Salvage) -> tuple[dict[str, list[Dated]], int]:
    """The sessions with the events that make sense together, and how many are missing."""
    told: dict[str, list[Dated]] = {}
    folds: dict[str, Transcript] = {}
    kept = erased = 0
    for seq, (_, session, at, _, body) in sorted(found.events.items()):
        if body.startswith(ERASED):
            erased += 1
            continue
        try:
            event = _fitting(unpack(body, found.outputs.get(seq)), folds.get(session))
            folds.setdefault(session, Transcript()).apply(event)
        except (LedgerError, KeyError):
            continue  # half of it is elsewhere, and lost
        told.setdefault(session, []).append((event, at))
        kept += 1
    last = max(found.events, default=0)
    return told, last - kept - erased


def _fitting(event: ev.Durable, fold: Transcript | None) -> ev.Durable:
    """An event without what it says of messages that are lost."""
    if isinstance(event, ev.MessagesTaken) and fold is not None:
        there = tuple(m for m in event.message_ids if m in fold.entries)
        return ev.MessagesTaken(event.turn_id, there)
    return event


def _write(
    to: Path, stories: dict[str, list[Dated]], note: AuditNote, clock: Callable[[], float]
) -> None:
    opened = Opening(to)
    with failures.explained(to), closing(opened), closing(opened.connect()) as db:
        writer = Writer(db, verify(to, db, opened.head.mark).chain, opened.head, clock)
        for session_id, story in stories.items():
            origin = ev.Inherited(ev.Origin.RECOVERY, session_id, writer.now())
            inherit(story, origin, _workspace(e for e, _ in story), writer, session_id)
        with writer.transaction(note.kind):
            writer.note(note)


def _workspace(events: Iterable[ev.Durable]) -> str:
    return next((e.workspace for e in events if isinstance(e, ev.SessionStarted)), "")
