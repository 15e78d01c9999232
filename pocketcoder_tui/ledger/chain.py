"""The audit chain as it grows: one record after the other, each over the one before it.

A record is canonical JSON in ASCII: ``seq``, ``prev`` (sha256 of the record before), ``at`` (Unix
seconds), ``kind``, ``session`` (or null), ``facts``, and ``log``: the first and last event since
the record before, with a sha256 over all of them, so that every event is under the chain, also one
that has no record of its own. ``event`` is the sha256 of the body of the last one when the record
is about it. verify_audit.py checks all of this with nothing but Python.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from pocketcoder_tui.core import checkpoints as cp
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.ledger.head import START, Link
from pocketcoder_tui.ledger.verify_audit import Event, leaf, sha256

SEAL_AFTER = 256
"""Events without a record of their own that may be in a row before one is written for them."""


class _Point(NamedTuple):
    """A state to go back to."""

    end: Link
    first: int
    leaves: list[str]
    length: int


@dataclass(slots=True)
class Chain:
    """The end of a ledger's chain, and the events since. Lives in the connection's thread."""

    end: Link
    leaves: list[str]
    """A line for each event that no record covers yet."""
    first: int
    """The seq of the first of them; meaningless when there is none."""

    @classmethod
    def begin(cls) -> "Chain":
        """A chain without a record."""
        return cls(START, [], 0)

    def point(self) -> _Point:
        """The state now, for ``back``."""
        return _Point(self.end, self.first, self.leaves, len(self.leaves))

    def back(self, point: _Point) -> None:
        """Return to a state of before a transaction that failed."""
        self.end, self.first, self.leaves = point.end, point.first, point.leaves
        del self.leaves[point.length :]

    def take(self, event: Event) -> str:
        """Bring an event under the chain; returns the sha256 of its body."""
        line = leaf(event)
        if not self.leaves:
            self.first = event[0]
        self.leaves.append(line)
        return line[-65:-1]

    def add(
        self,
        db: sqlite3.Connection,
        note: AuditNote,
        at: float,
        session: str | None = None,
        event: str | None = None,
    ) -> int:
        """Write a record in the caller's transaction; returns its number. Raises sqlite3.Error."""
        log = None
        if self.leaves:
            last = self.first + len(self.leaves) - 1
            log = [self.first, last, sha256("".join(self.leaves))]
        seq = self.end.seq + 1
        record = {
            "seq": seq,
            "prev": self.end.hash,
            "at": at,
            "kind": note.kind.value,
            "session": session,
            "event": event,
            "log": log,
            "facts": dict(note.facts),
        }
        body = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
        db.execute("INSERT INTO audit (seq, body) VALUES (?, ?)", (seq, body))
        self.end, self.leaves = Link(seq, sha256(body)), []
        return seq


def last_link(db: sqlite3.Connection) -> Link:
    """Where the chain in a database ends. Raises sqlite3.Error."""
    row = db.execute("SELECT seq, body FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return START if row is None else Link(int(row[0]), sha256(row[1]))


# --- which events have a record of their own


def note_of(event: ev.Durable) -> AuditNote | None:
    """The record that an event is due; None when it goes under the chain with the next one."""
    make = _NOTES.get(type(event))
    return None if make is None else make(event)


def _decision(event: ev.ActionDecided) -> AuditNote:
    decision = event.decision
    facts = {
        "action": decision.action_id,
        "outcome": decision.outcome.value,
        "by": decision.by.value,
        "who": decision.who,
        "digest": decision.digest,
    }
    return AuditNote(AuditKind.DECISION, facts)


def _dispatch(event: ev.ActionDispatched) -> AuditNote:
    facts = {"action": event.action_id, "digest": event.digest}
    return AuditNote(AuditKind.DISPATCH, facts)


def _result(event: ev.ActionEnded) -> AuditNote:
    execution = event.execution
    facts = {
        "action": execution.action_id,
        "ended": execution.ended.value,
        "status": execution.status,
    }
    return AuditNote(AuditKind.RESULT, facts)


def _log(event: ev.TurnEnded) -> AuditNote:
    return AuditNote(AuditKind.LOG)


def _started(event: ev.SessionStarted) -> AuditNote:
    return AuditNote(AuditKind.SESSION, {"what": "started"})


def _archived(event: ev.SessionArchived) -> AuditNote:
    what = "archived" if event.archived else "taken out of the archive"
    return AuditNote(AuditKind.SESSION, {"what": what})


def _mode(event: ev.ModeChanged) -> AuditNote:
    return AuditNote(AuditKind.MODE, {"mode": event.mode, "who": event.who})


def _inherited(event: ev.Inherited) -> AuditNote:
    return AuditNote(AuditKind.SESSION, {"what": event.origin.value, "from": event.session_id})


def _restored(event: cp.WorkspaceRestored) -> AuditNote:
    done = event.restored
    facts = {
        "checkpoint": done.checkpoint,
        "before": done.before,
        "changed": done.difference.total,
        "left": len(done.left),
    }
    return AuditNote(AuditKind.UNDO, facts)


def _tried(event: cp.ActionTried) -> AuditNote:
    facts = {"action": event.action_id, "digest": event.digest, "status": event.status}
    return AuditNote(AuditKind.TRY, facts)


_NOTES: dict[type, Callable[..., AuditNote]] = {
    ev.SessionStarted: _started,
    ev.SessionArchived: _archived,
    ev.Inherited: _inherited,
    ev.ActionDecided: _decision,
    ev.ActionDispatched: _dispatch,
    ev.ActionEnded: _result,
    ev.TurnEnded: _log,
    ev.ModeChanged: _mode,
    cp.WorkspaceRestored: _restored,
    cp.ActionTried: _tried,
}
"""By kind of event. A new kind that must be accounted for gets its line here."""
