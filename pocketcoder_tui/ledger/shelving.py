"""What changes a session as a whole, each in one transaction and with its record."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from pocketcoder_tui import __version__
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.checkpoints import WorkspaceChanged
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.ledger.chain import note_of
from pocketcoder_tui.ledger.codec import decode, encode
from pocketcoder_tui.ledger.packing import unpack
from pocketcoder_tui.ledger.projection import append, insert, shown
from pocketcoder_tui.ledger.reading import require_there
from pocketcoder_tui.ledger.verify_audit import ERASED, sha256
from pocketcoder_tui.ledger.writing import Writer

FORMAT, FORMAT_VERSION = "pocketcoder-session", 1
NOT_AN_EXPORT = "This is not an exported session."
MADE_BY = "Make one with: pocketcoder sessions export ID --format jsonl."
WRONG = "Nothing was imported. Export the session again, or correct that line."
MOST_EVENTS = 1_000_000
LONGEST_LINE = 64_000_000
"""Characters of one event in an import."""

Dated = tuple[ev.Durable, float]
"""An event, and when it was recorded (Unix seconds)."""

_CONTENT = (
    "DELETE FROM output WHERE seq IN (SELECT seq FROM event WHERE session_id = :id)",
    "DELETE FROM execution WHERE action_id IN (SELECT id FROM action WHERE session_id = :id)",
    "DELETE FROM dispatch WHERE action_id IN (SELECT id FROM action WHERE session_id = :id)",
    "DELETE FROM decision WHERE action_id IN (SELECT id FROM action WHERE session_id = :id)",
    "DELETE FROM action WHERE session_id = :id",
    "DELETE FROM message WHERE session_id = :id",
    "DELETE FROM turn WHERE session_id = :id",
    "UPDATE session SET title = '', workspace = '' WHERE id = :id",
)


def delete(session_id: str, writer: Writer) -> list[str]:
    """Remove a session's content; of each event its place, time, kind and sha256 stay.

    Returns the ids of its actions, inherited ones left out: those are another session's. Raises
    LedgerError for an unknown or a deleted session.
    """
    db, session = writer.db, {"id": session_id}
    require_there(session_id, db)
    actions = db.execute("SELECT id FROM action WHERE session_id = :id", session).fetchall()
    with writer.transaction("session deleted"):
        db.execute(
            "UPDATE session_state SET deleted = :at WHERE session_id = :id",
            session | {"at": writer.now()},
        )
        seqs = db.execute("SELECT seq FROM event WHERE session_id = :id", session).fetchall()
        for (seq,) in seqs:
            (body,) = db.execute("SELECT body FROM event WHERE seq = ?", (seq,)).fetchone()
            erased = f'{ERASED}{sha256(body)}"}}'
            db.execute("UPDATE event SET body = ? WHERE seq = ?", (erased, seq))
        for statement in _CONTENT:
            db.execute(statement, session)
        facts: dict[str, Fact] = {"what": "deleted", "events": len(seqs)}
        writer.note(AuditNote(AuditKind.SESSION, facts), session_id)
    # What was overwritten is in the log too until it is taken in and emptied.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return [str(action) for (action,) in actions]


def prune(before: float, writer: Writer) -> int:
    """Remove outputs that were recorded before a moment; returns how many."""
    old = "text IS NOT NULL AND (SELECT e.at FROM event AS e WHERE e.seq = output.seq) < :before"
    query = f"SELECT count(*) FROM output WHERE {old}"
    (count,) = writer.db.execute(query, {"before": before}).fetchone()
    if count:
        with writer.transaction("pruned"):
            facts = {"before": before, "outputs": count}
            record = writer.note(AuditNote(AuditKind.PRUNED, facts))
            writer.db.execute(
                f"UPDATE output SET text = NULL, pruned = :record WHERE {old}",
                {"before": before, "record": record},
            )
    return int(count)


# --- sessions that begin with what happened elsewhere


def fork(session_id: str, turn_id: str, writer: Writer) -> str:
    """Begin a session with another one's events up to the end of a turn; returns its id.

    Raises LedgerError for an unknown session or turn, and for a turn that is not over.
    """
    require_there(session_id, writer.db)
    workspace = writer.db.execute("SELECT workspace FROM session WHERE id = ?", (session_id,))
    whole = _dated(session_id, writer.db)
    inherited = _until(turn_id, whole)
    titles = [event.title for event, _ in whole if isinstance(event, ev.SessionTitled)]
    title = ev.SessionTitled(f"{titles[-1] if titles else 'untitled'} (fork)")
    origin = ev.Inherited(ev.Origin.FORK, session_id, writer.now())
    return inherit(
        [*inherited, (title, writer.now())], origin, str(workspace.fetchone()[0]), writer
    )


def export_head(session_id: str, db: sqlite3.Connection) -> str:
    """The first line of an export: what it is. Raises LedgerError for an unknown session."""
    require_there(session_id, db)
    (title,) = db.execute("SELECT title FROM session WHERE id = ?", (session_id,)).fetchone()
    about = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "session": session_id,
        "title": title,
        "program": __version__,
    }
    return json.dumps(about)


def export_lines(events: Iterable[ev.Durable]) -> list[str]:
    """The other lines: every event with its output."""
    return [encode(event) for event in events]


def read_export(lines: Iterable[str]) -> tuple[str, list[ev.Durable]]:
    """The id and the events of an exported session.

    Raises LedgerError with the number of the line that is wrong, blank ones counted.
    """
    kept = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    _, first = next(kept, (1, ""))
    session_id = _exported(first)
    events: list[ev.Durable] = []
    transcript = Transcript()
    for number, line in kept:
        if len(events) == MOST_EVENTS or len(line) > LONGEST_LINE:
            raise LedgerError(
                f"Line {number} is more than a session may hold: it is too long, or one too many.",
                hint=f"At most {MOST_EVENTS:,} lines of {LONGEST_LINE:,} characters are taken.",
            )
        try:
            event = decode(line)
            transcript.apply(event)
        except LedgerError as error:
            raise LedgerError(f"Line {number} is no event of a session.", hint=WRONG) from error
        except LookupError as error:
            raise LedgerError(
                f"Line {number} is about something that precedes nowhere.", hint=WRONG
            ) from error
        events.append(event)
    return session_id, events


def _exported(first: str) -> str:
    """The id that the first line of an export names. Raises LedgerError."""
    try:
        about = json.loads(first)
        ours = about["format"] == FORMAT and about["version"] == FORMAT_VERSION
        session_id = str(about["session"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise LedgerError(NOT_AN_EXPORT, hint=MADE_BY) from error
    if not ours:
        raise LedgerError(NOT_AN_EXPORT, hint="It may be from a newer pocketcoder.")
    return session_id


def import_session(lines: Iterable[str], workspace: str, writer: Writer) -> str:
    """Begin a session with an export's events; returns its id. Raises LedgerError."""
    source, events = read_export(lines)
    now = writer.now()
    origin = ev.Inherited(ev.Origin.IMPORT, source, now)
    return inherit([(event, now) for event in events], origin, workspace, writer)


def inherit(
    inherited: Sequence[Dated],
    origin: ev.Inherited,
    workspace: str,
    writer: Writer,
    session_id: str = "",
) -> str:
    """Begin a session with events that happened elsewhere; returns its id.

    They are kept as what was said and done, and have no rows in the tables that hold an action's
    life: nothing of them can be decided, dispatched or taken up again.
    """
    session_id = session_id or new_id()
    own = (ev.SessionStarted, ev.SessionArchived)
    turns = sum(isinstance(event, ev.TurnStarted) for event, _ in inherited)
    with writer.transaction("session inherited"):
        now = writer.now()
        started = ev.SessionStarted(session_id, workspace, now)
        writer.cover(append(writer.db, session_id, started, now), note_of(started))
        for event, at in inherited:
            if not isinstance(event, own):
                writer.cover(insert(writer.db, session_id, event, at))
            if isinstance(event, ev.SessionTitled):
                title = (shown(event.title), session_id)
                writer.db.execute("UPDATE session SET title = ? WHERE id = ?", title)
        row = insert(writer.db, session_id, origin, now)
        writer.cover(row, note_of(origin))
        writer.db.execute(
            "UPDATE session_state SET inherited = ?, inherited_turns = ? WHERE session_id = ?",
            (row[0], turns, session_id),
        )
    return session_id


def _dated(session_id: str, db: sqlite3.Connection) -> list[Dated]:
    rows = db.execute(
        "SELECT e.body, o.text, e.at FROM event AS e LEFT JOIN output AS o ON o.seq = e.seq"
        " WHERE e.session_id = ? ORDER BY e.seq",
        (session_id,),
    )
    return [(unpack(body, output), at) for body, output, at in rows]


def _until(turn_id: str, story: Sequence[Dated]) -> list[Dated]:
    """What is told up to the end of a turn, with the results that came in later.

    Where all of it happened elsewhere already, the mark that says so comes along.
    """
    ends = [n for n, (e, _) in enumerate(story) if _ends(turn_id, e)]
    if not ends:
        known = any(isinstance(e, ev.TurnStarted) and e.turn_id == turn_id for e, _ in story)
        raise LedgerError("The turn is not over yet." if known else "There is no such turn.")
    before, after = story[: ends[0] + 1], story[ends[0] + 1 :]
    taken = {m for e, _ in before if isinstance(e, ev.MessagesTaken) for m in e.message_ids}
    done = {e.action.id for e, _ in before if isinstance(e, ev.ActionProposed)}
    late = [(e, at) for e, at in after if _result_of(e) in done or isinstance(e, ev.Inherited)]
    return [*((e, at) for e, at in before if _message_of(e) in taken | {""}), *late]


def _ends(turn_id: str, event: ev.Durable) -> bool:
    return isinstance(event, ev.TurnEnded) and event.turn_id == turn_id


def _result_of(event: ev.Durable) -> str:
    """The action whose result, or what it did to the workspace, an event tells."""
    match event:
        case ev.ActionEnded(execution=execution):
            return execution.action_id
        case WorkspaceChanged():
            return event.action_id
    return ""


def _message_of(event: ev.Durable) -> str:
    about = ev.MessageQueued | ev.MessageEdited | ev.MessageWithdrawn
    return event.message_id if isinstance(event, about) else ""


def of_session(session_id: str, event: ev.Durable, writer: Writer) -> None:
    """Record one event about a session that may not be open. Raises LedgerError."""
    require_there(session_id, writer.db)
    writer.record(session_id, (event,))
