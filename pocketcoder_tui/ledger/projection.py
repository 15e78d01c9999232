"""What an event means for the tables: the rows it writes. Their triggers say whether it may."""

import sqlite3

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, Decision, Execution
from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.ledger.codec import encode_json
from pocketcoder_tui.ledger.packing import pack
from pocketcoder_tui.ledger.verify_audit import Event


def append(db: sqlite3.Connection, session_id: str, event: ev.Durable, at: float) -> Event:
    """Write one event and all that follows from it, inside the caller's transaction.

    ``at`` is the moment of recording, Unix seconds. Raises LedgerError, TransitionRefused,
    sqlite3.Error, UnicodeEncodeError (a lone surrogate in an identifier) or OverflowError (a
    number beyond 64 bits where a table holds one); the caller rolls back.
    """
    if isinstance(event, ev.SessionStarted):
        _session_started(db, session_id, event)
    if isinstance(event, ev.Inherited):
        raise TransitionRefused("A session that has begun inherits nothing.")
    row = insert(db, session_id, event, at)
    seq = row[0]
    match event:
        case ev.ActionProposed():
            _proposed(db, session_id, event.action)
        case ev.ActionDecided():
            _decided(db, seq, event.decision)
        case ev.ActionDispatched():
            db.execute(
                "INSERT INTO dispatch (action_id, seq, digest, at) VALUES (?, ?, ?, ?)",
                (event.action_id, seq, event.digest, event.at),
            )
        case ev.ActionEnded():
            _ended(db, seq, event.execution)
        case ev.ActionWaiting():
            _move(db, session_id, event.action_id, "waiting")
        case ev.ActionSuperseded():
            _move(db, session_id, event.action_id, "superseded")
        case _:
            _conversation(db, session_id, event)
    return row


def insert(db: sqlite3.Connection, session_id: str, event: ev.Durable, at: float) -> Event:
    """Write one event and its output, and nothing that follows from it; returns the row."""
    body, output = pack(event)
    at = float(at)  # as the table gives it back, for the hash over the row
    seq = db.execute(
        "INSERT INTO event (session_id, at, kind, body) VALUES (?, ?, ?, ?)",
        (session_id, at, event.kind, body),
    ).lastrowid
    if output is not None:
        db.execute("INSERT INTO output (seq, text) VALUES (?, ?)", (seq, output))
    return seq or 0, session_id, at, event.kind, body


def _conversation(db: sqlite3.Connection, session_id: str, event: ev.Durable) -> None:
    """The session, its turns and its messages."""
    match event:
        case ev.SessionTitled():
            db.execute(
                "UPDATE session SET title = ? WHERE id = ?", (shown(event.title), session_id)
            )
        case ev.SessionArchived():
            db.execute(
                "UPDATE session_state SET archived = ? WHERE session_id = ?",
                (event.archived, session_id),
            )
        case ev.TurnStarted():
            db.execute(
                "INSERT INTO turn (id, session_id, started) VALUES (?, ?, ?)",
                (event.turn_id, session_id, event.at),
            )
        case ev.TurnEnded():
            changed = db.execute(
                "UPDATE turn SET outcome = ?, ended = ? WHERE id = ? AND session_id = ?",
                (event.outcome.value, event.at, event.turn_id, session_id),
            ).rowcount
            _require(changed, "There is no such turn in this session.")
        case ev.MessageQueued():
            db.execute(
                "INSERT INTO message (id, session_id) VALUES (?, ?)", (event.message_id, session_id)
            )
        case ev.MessageEdited() | ev.MessageWithdrawn():
            _changed(db, session_id, event)
        case ev.MessagesTaken():
            for message_id in event.message_ids:
                changed = db.execute(
                    "UPDATE message SET turn_id = ? WHERE id = ? AND session_id = ?",
                    (event.turn_id, message_id, session_id),
                ).rowcount
                _require(changed, "There is no such message in this session.")


def _changed(
    db: sqlite3.Connection, session_id: str, event: ev.MessageEdited | ev.MessageWithdrawn
) -> None:
    """A message that waits is changed or taken back; the text itself is in the events alone."""
    withdrawn = event.at if isinstance(event, ev.MessageWithdrawn) else None
    changed = db.execute(
        "UPDATE message SET withdrawn = ? WHERE id = ? AND session_id = ?",
        (withdrawn, event.message_id, session_id),
    ).rowcount
    _require(changed, "There is no such message in this session.")


def _session_started(db: sqlite3.Connection, session_id: str, event: ev.SessionStarted) -> None:
    if event.session_id != session_id:
        raise LedgerError("The event that starts a session names another one.")
    db.execute(
        "INSERT INTO session (id, workspace, started) VALUES (?, ?, ?)",
        (session_id, shown(event.workspace), event.at),
    )


def _proposed(db: sqlite3.Connection, session_id: str, action: Action) -> None:
    if action.session_id != session_id:
        raise TransitionRefused("The action belongs to another session.")
    call = action.call
    db.execute(
        "INSERT INTO action (id, session_id, turn_id, reply_id, call_id, wire_id, tool, arguments,"
        " cwd, container, base, digest, at, supersedes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            action.id,
            session_id,
            action.turn_id,
            action.reply_id,
            call.id,
            call.wire_id,
            call.tool,
            encode_json(call.arguments),
            action.cwd,
            action.container,
            action.base,
            action.digest,
            action.at,
            action.supersedes,
        ),
    )


def _decided(db: sqlite3.Connection, seq: int, decision: Decision) -> None:
    db.execute(
        "INSERT INTO decision (action_id, seq, outcome, by, who, reason, digest, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            decision.action_id,
            seq,
            decision.outcome.value,
            decision.by.value,
            shown(decision.who),
            shown(decision.reason),
            decision.digest,
            decision.at,
        ),
    )


def _ended(db: sqlite3.Connection, seq: int, execution: Execution) -> None:
    db.execute(
        "INSERT INTO execution (action_id, seq, ended, status, started, seconds, omitted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            execution.action_id,
            seq,
            execution.ended.value,
            execution.status,
            execution.started,
            execution.seconds,
            execution.omitted,
        ),
    )


def _move(db: sqlite3.Connection, session_id: str, action_id: str, state: str) -> None:
    changed = db.execute(
        "UPDATE action SET state = ? WHERE id = ? AND session_id = ?",
        (state, action_id, session_id),
    ).rowcount
    _require(changed, "There is no such action in this session.")


def _require(changed: int, sentence: str) -> None:
    if changed != 1:
        raise TransitionRefused(sentence)


def shown(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate becomes its escape. The event keeps it exactly."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
