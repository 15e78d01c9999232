"""What is read back: sessions as a list, and the events of one, all of them or only the end."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from pocketcoder_tui.core import checkpoints as cp
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ports import SessionSummary, Tail
from pocketcoder_tui.ledger.packing import unpack

PAGE = 500
"""Events of a session that are read at once where the rest of the program goes on meanwhile."""

_SESSIONS = """
SELECT s.id, s.title, s.started, e.at,
    m.inherited_turns + (SELECT count(*) FROM turn AS t WHERE t.session_id = s.id),
    (SELECT count(*) FROM action AS a WHERE a.session_id = s.id
        AND a.state IN ('proposed', 'waiting', 'allowed', 'dispatched')),
    m.archived,
    (SELECT count(*) FROM action AS a WHERE a.session_id = s.id)
        + CASE WHEN m.inherited = 0 THEN 0 ELSE (SELECT count(*) FROM event AS i
            WHERE i.session_id = s.id AND i.seq <= m.inherited AND i.kind = 'action_proposed') END
FROM session AS s
JOIN session_state AS m ON m.session_id = s.id
JOIN event AS e ON e.seq = (SELECT max(seq) FROM event WHERE session_id = s.id)
WHERE m.deleted IS NULL AND m.archived <= ?
ORDER BY e.seq DESC
"""
_EVENTS = """
SELECT e.seq, e.body, o.text FROM event AS e LEFT JOIN output AS o ON o.seq = e.seq
WHERE e.session_id = ? AND e.seq > ? AND e.seq < ? ORDER BY e.seq
"""
_BACKWARDS = _EVENTS.rstrip() + " DESC"
_OPEN = """
SELECT id FROM action WHERE session_id = :id
    AND state IN ('proposed', 'waiting', 'allowed', 'dispatched')
UNION ALL SELECT id FROM message WHERE session_id = :id AND turn_id IS NULL
    AND withdrawn IS NULL
UNION ALL SELECT id FROM turn WHERE session_id = :id AND outcome IS NULL
"""
_MODE = """
SELECT body FROM event WHERE session_id = :id AND seq < :before AND kind = 'mode_changed'
    AND seq > (SELECT inherited FROM session_state WHERE session_id = :id)
ORDER BY seq DESC LIMIT 1
"""
"""The mode of before a place; one that another session was in does not hold here."""
_MODEL = """
SELECT body FROM event WHERE session_id = :id AND seq < :before AND kind = 'model_chosen'
    AND seq > (SELECT COALESCE(MAX(seq), 0) FROM event WHERE session_id = :id
        AND kind = 'inherited' AND json_extract(body, '$.origin') = 'import')
ORDER BY seq DESC LIMIT 1
"""
"""The chosen model of before a place; what an imported file says is no choice."""
END = 2**62
"""Beyond every event."""


def sessions(archived: bool, db: sqlite3.Connection) -> list[SessionSummary]:
    """All sessions, the last changed first; archived ones only when they are wanted."""
    rows = db.execute(_SESSIONS, (archived,))
    found = [SessionSummary(*row) for row in rows]
    return [replace(summary, archived=bool(summary.archived)) for summary in found]


def replay(session_id: str, db: sqlite3.Connection) -> list[ev.Durable]:
    """Every event of a session, in order. Raises LedgerError for an unknown or a deleted one."""
    require_there(session_id, db)
    rows = db.execute(_EVENTS, (session_id, 0, END))
    return [unpack(body, output) for _, body, output in rows]


def page(session_id: str, after: int, before: int, db: sqlite3.Connection) -> Tail:
    """The next events of a session after a place; ``Tail.begins`` is the last one's place."""
    rows = db.execute(f"{_EVENTS} LIMIT {PAGE}", (session_id, after, before)).fetchall()
    return Tail([unpack(body, output) for _, body, output in rows], rows[-1][0] if rows else before)


def tail(session_id: str, at_least: int, db: sqlite3.Connection) -> Tail:
    """The end of a session, from a place at which nothing was open that matters later."""
    require_there(session_id, db)
    needs = {str(row[0]) for row in db.execute(_OPEN, {"id": session_id})}
    found: list[ev.Durable] = []
    begins = 0
    for seq, body, output in db.execute(_BACKWARDS, (session_id, 0, END)):
        event = unpack(body, output)
        found.append(event)
        needs |= _needed(event)
        needs.discard(_brought(event))
        if len(found) >= at_least and not needs:
            begins = seq
            break
    found.reverse()
    if not begins or isinstance(found[0], ev.SessionStarted):
        return Tail(found, 0)
    return Tail([*_opening(session_id, begins, db), *found], begins)


def _opening(session_id: str, before: int, db: sqlite3.Connection) -> Iterable[ev.Durable]:
    """How the session began, and its title before a place."""
    query = "SELECT body FROM event WHERE session_id = ? AND seq < ? AND kind = ? ORDER BY seq"
    for kind, order in (("session_started", "ASC"), ("session_titled", "DESC")):
        row = db.execute(f"{query} {order} LIMIT 1", (session_id, before, kind)).fetchone()
        if row is not None:
            yield unpack(row[0], None)
    for query in (_MODE, _MODEL):
        row = db.execute(query, {"id": session_id, "before": before}).fetchone()
        if row is not None:
            yield unpack(row[0], None)


def require_there(session_id: str, db: sqlite3.Connection) -> None:
    """Raise LedgerError when there is no such session, or not any more."""
    row = db.execute(
        "SELECT deleted FROM session_state WHERE session_id = ?", (session_id,)
    ).fetchone()
    if row is None or row[0] is not None:
        what = "There is no session" if row is None else "You deleted the session"
        raise LedgerError(f"{what} {session_id}.", hint="Run: pocketcoder sessions, for a list.")


def _needed(event: ev.Durable) -> set[str]:
    """What must have come before an event, by id."""
    match event:
        case ev.ActionProposed(action=action):
            return {action.turn_id} | ({action.supersedes} if action.supersedes else set())
        case ev.MessagesTaken():
            return {event.turn_id, *event.message_ids}
    about = _about(event)
    return {about} if about else set()


def _about(event: ev.Durable) -> str:
    """The one thing of which an event tells, if it is one that precedes it."""
    match event:
        case (
            ev.ActionWaiting()
            | ev.ActionSuperseded()
            | ev.ActionDispatched()
            | ev.ActionReported()
            | cp.CheckpointMade()
            | cp.CheckpointMissed()
            | cp.WorkspaceChanged()
            | cp.ActionTried()
        ):
            return event.action_id
        case ev.ActionDecided(decision=decision):
            return decision.action_id
        case ev.ActionEnded(execution=execution):
            return execution.action_id
        case ev.MessageEdited() | ev.MessageWithdrawn():
            return event.message_id
        case ev.ReplyStarted() | ev.TurnEnded():
            return event.turn_id
        case ev.PartGrew() | ev.ReplyEnded():
            return event.reply_id
    return ""


def _brought(event: ev.Durable) -> str:
    """What an event brings into being."""
    match event:
        case ev.ActionProposed():
            return event.action.id
        case ev.MessageQueued():
            return event.message_id
        case ev.TurnStarted():
            return event.turn_id
        case ev.ReplyStarted():
            return event.reply_id
    return ""
