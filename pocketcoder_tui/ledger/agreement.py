"""Whether the tables say what the events say: what a hand, a fault or a flipped bit changed in one.

Fed every event once, in order, while nobody writes. Each row that follows from events is looked up
and compared; at the end the rows are counted, so that none may be there that no event accounts for.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any

from pocketcoder_tui.core.actions import canonical
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger.codec import parsed
from pocketcoder_tui.ledger.packing import HOLDERS, held_output
from pocketcoder_tui.ledger.projection import shown
from pocketcoder_tui.ledger.verify_audit import ERASED, Event, sha256

Body = dict[str, Any]
Row = tuple[Any, ...]


TAKEN_BACK = 4
"""The migration from which on a message can be taken back."""


class Disagreement(Exception):
    """A row is not what its event says; the text names it."""


class Agreement:
    """Compares tables with events. Holds what is open, never the whole log."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        rows = db.execute("SELECT session_id, inherited, archived, deleted FROM session_state")
        (version,) = db.execute("SELECT max(number) FROM migration").fetchone()
        self._message = "turn_id, withdrawn" if version >= TAKEN_BACK else "turn_id, NULL"
        """What became of a message; an older ledger is checked before it is brought forward."""
        self._inherited: dict[str, int] = {}
        self._origins: dict[str, int] = {}
        """The last event of each session that ends what it inherited."""
        self._archived: dict[str, int] = {}
        self.deleted: set[str] = set()
        """The sessions whose content is gone; each needs a record that says so."""
        for session, inherited, archived, deleted in rows:
            self._inherited[session], self._archived[session] = inherited, archived
            if deleted is not None:
                self.deleted.add(session)
        self._sessions: dict[str, list[Any]] = {}
        """title, workspace, started and archived as the events say."""
        self._states: dict[str, str] = {}
        """Of actions that may still move."""
        self._open: dict[str, set[str]] = {"turn": set(), "message": set()}
        self._counts = dict.fromkeys((*_COUNTED, "output"), 0)
        self.pruned: dict[int, float] = {}
        """When the newest event was whose output is gone, by the audit record that says so."""

    def feed(self, event: Event) -> None:
        """Compare what follows from one event. Raises Disagreement."""
        seq, session, at, kind, body = event
        if body.startswith(ERASED):
            _require(session in self.deleted, f"event {seq} was erased and its session was not")
            return
        _require(session not in self.deleted, f"event {seq} belongs to a deleted session")
        check = _CHECKS.get(kind)
        if check is None and kind not in HOLDERS:
            return
        try:
            whole = parsed(body)
            if kind in HOLDERS:
                self._output(seq, at, whole)
            if check is None:
                return
            if seq > self._inherited.get(session, 0) or kind in _OF_SESSIONS:
                check(self, seq, session, whole)
        except (LedgerError, LookupError, TypeError, AttributeError, ValueError) as error:
            raise Disagreement(f"event {seq} cannot be read") from error

    def finish(self) -> None:
        """Compare what is open, the sessions and the numbers of rows. Raises Disagreement."""
        for action, state in self._states.items():
            self._same("action", "state", action, (state,))
        for turn in self._open["turn"]:
            self._same("turn", "outcome, ended", turn, (None, None))
        for message in self._open["message"]:
            self._same("message", self._message, message, (None, None))
        for session, (title, workspace, started, archived) in self._sessions.items():
            self._same("session", "title, workspace, started", session, (title, workspace, started))
            _require(self._archived.get(session) == archived, f"the state of session {session}")
        for session in self.deleted:
            self._same("session", "title, workspace", session, ("", ""))
        inherited = {s: seq for s, seq in self._inherited.items() if seq and s not in self.deleted}
        _require(inherited == self._origins, "where a session's own events begin")
        for table, count in self._counts.items():
            (there,) = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()
            _require(there == count, f"{table} has {there} rows where {count} follow from events")
        (there,) = self._db.execute("SELECT count(*) FROM session").fetchone()
        _require(there == len(self._archived), f"there are {there} sessions")
        _require(there == len(self._sessions.keys() | self.deleted), "a session has no event")

    # --- one kind of event each

    def session_started(self, seq: int, session: str, body: Body) -> None:
        """A session begins."""
        self._sessions[session] = ["", shown(body["workspace"]), body["at"], 0]

    def session_titled(self, seq: int, session: str, body: Body) -> None:
        """Its title."""
        self._sessions[session][0] = shown(body["title"])

    def session_archived(self, seq: int, session: str, body: Body) -> None:
        """Put away or taken out."""
        self._sessions[session][3] = int(body["archived"])

    def inherited(self, seq: int, session: str, body: Body) -> None:
        """What precedes happened elsewhere; the last such event is the one that counts."""
        self._origins[session] = seq

    def turn_started(self, seq: int, session: str, body: Body) -> None:
        """A turn begins."""
        self._counts["turn"] += 1
        self._same("turn", "session_id, started", body["turn_id"], (session, body["at"]))
        self._open["turn"].add(body["turn_id"])

    def turn_ended(self, seq: int, session: str, body: Body) -> None:
        """It ends."""
        self._open["turn"].discard(body["turn_id"])
        self._same("turn", "outcome, ended", body["turn_id"], (body["outcome"], body["at"]))

    def message_queued(self, seq: int, session: str, body: Body) -> None:
        """A message waits."""
        self._counts["message"] += 1
        self._same("message", "session_id", body["message_id"], (session,))
        self._open["message"].add(body["message_id"])

    def message_edited(self, seq: int, session: str, body: Body) -> None:
        """It is changed while it waits."""
        _require(body["message_id"] in self._open["message"], f"event {seq} changes what was over")

    def message_withdrawn(self, seq: int, session: str, body: Body) -> None:
        """It is taken back."""
        message = body["message_id"]
        self._open["message"].discard(message)
        self._same("message", self._message, message, (None, body["at"]))

    def messages_taken(self, seq: int, session: str, body: Body) -> None:
        """They went to the model."""
        for message in body["message_ids"]:
            self._open["message"].discard(message)
            self._same("message", self._message, message, (body["turn_id"], None))

    def action_proposed(self, seq: int, session: str, body: Body) -> None:
        """An action, all but its state."""
        self._counts["action"] += 1
        action, call = body["action"], body["action"]["call"]
        bound = (session, action["turn_id"], action["reply_id"], call["id"], call["wire_id"],
                 call["tool"], json.dumps(call["arguments"], separators=(",", ":")),
                 action["cwd"], action["container"], action["base"], action["at"],
                 action["supersedes"], _digest(action))  # fmt: skip
        self._same("action", _BOUND, action["id"], bound)
        self._states[action["id"]] = "proposed"

    def action_waiting(self, seq: int, session: str, body: Body) -> None:
        """It waits for a person."""
        self._states[body["action_id"]] = "waiting"

    def action_superseded(self, seq: int, session: str, body: Body) -> None:
        """It was replaced."""
        self._over(body["action_id"], "superseded")

    def action_decided(self, seq: int, session: str, body: Body) -> None:
        """The decision, and that it is about this action."""
        self._counts["decision"] += 1
        said = body["decision"]
        row = (seq, said["outcome"], said["by"], shown(said["who"]), shown(said["reason"]),
               said["digest"], said["at"])  # fmt: skip
        self._same("decision", _DECISION, said["action_id"], row)
        self._same("action", "digest", said["action_id"], (said["digest"],))
        if said["outcome"] == "allow":
            self._states[said["action_id"]] = "allowed"
        else:
            self._over(said["action_id"], "denied")

    def action_dispatched(self, seq: int, session: str, body: Body) -> None:
        """It left."""
        self._counts["dispatch"] += 1
        row = (seq, body["digest"], body["at"])
        self._same("dispatch", "seq, digest, at", body["action_id"], row)
        self._states[body["action_id"]] = "dispatched"

    def action_ended(self, seq: int, session: str, body: Body) -> None:
        """Its result."""
        self._counts["execution"] += 1
        said = body["execution"]
        row = (seq, said["ended"], said["status"], said["started"], said["seconds"],
               said["omitted"])  # fmt: skip
        self._same("execution", _EXECUTION, said["action_id"], row)
        self._over(said["action_id"], said["ended"])

    # --- how

    def _output(self, seq: int, at: float, body: Body) -> None:
        held = held_output(body)
        if held is None:
            return
        self._counts["output"] += 1
        row = self._db.execute("SELECT text, pruned FROM output WHERE seq = ?", (seq,)).fetchone()
        _require(row is not None, f"the output of event {seq} is gone")
        if row[0] is None:
            self.pruned[row[1]] = max(at, self.pruned.get(row[1], at))
        else:
            _require(sha256(row[0]) == held["sha256"], f"the output of event {seq}")

    def _over(self, action: str, state: str) -> None:
        self._states.pop(action, None)
        self._same("action", "state", action, (state,))

    def _same(self, table: str, columns: str, key: str, expected: Row) -> None:
        row = self._db.execute(_query(table, columns), (key,)).fetchone()
        if row != expected:
            raise Disagreement(f"the {table} {key}")


@cache
def _query(table: str, columns: str) -> str:
    name = "action_id" if table in ("decision", "dispatch", "execution") else "id"
    return f"SELECT {columns} FROM {table} WHERE {name} = ?"


def _digest(action: Body) -> str:
    """What core.actions.Action.digest is for an action, from its JSON."""
    call = action["call"]
    bound = [call["tool"], call["arguments"], action["cwd"], action["container"], action["base"]]
    return hashlib.sha256(canonical(bound)).hexdigest()


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise Disagreement(what)


_BOUND = (
    "session_id, turn_id, reply_id, call_id, wire_id, tool, arguments, cwd, container, base, at,"
    " supersedes, digest"
)
_DECISION = "seq, outcome, by, who, reason, digest, at"
_EXECUTION = "seq, ended, status, started, seconds, omitted"
_COUNTED = ("turn", "message", "action", "decision", "dispatch", "execution")
_OF_SESSIONS = ("session_started", "session_titled", "session_archived", "inherited")
_CHECKS: dict[str, Callable[[Agreement, int, str, Body], None]] = {
    "session_started": Agreement.session_started,
    "session_titled": Agreement.session_titled,
    "session_archived": Agreement.session_archived,
    "inherited": Agreement.inherited,
    "turn_started": Agreement.turn_started,
    "turn_ended": Agreement.turn_ended,
    "message_queued": Agreement.message_queued,
    "message_edited": Agreement.message_edited,
    "message_withdrawn": Agreement.message_withdrawn,
    "messages_taken": Agreement.messages_taken,
    "action_proposed": Agreement.action_proposed,
    "action_waiting": Agreement.action_waiting,
    "action_superseded": Agreement.action_superseded,
    "action_decided": Agreement.action_decided,
    "action_dispatched": Agreement.action_dispatched,
    "action_ended": Agreement.action_ended,
}
"""What follows from a kind of event; kinds without tables have no line."""
