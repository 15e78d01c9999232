"""The rules in the ledger: kept, changed with a record each, and checked against those records."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pocketcoder_tui.core.actions import Action, DecidedBy, Outcome, ToolCall
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.rules import KeptRule, PastAction
from pocketcoder_tui.ledger.access import Access
from pocketcoder_tui.ledger.projection import shown
from pocketcoder_tui.ledger.verify_audit import Broken, sha256
from pocketcoder_tui.ledger.writing import Writer

RULED = 5
"""The migration that began the rules."""
_COLUMNS = (
    "id, text, outcome, scope, session_id, made, made_by, made_from, expires, uses, used,"
    " last_used, disabled, deleted"
)
_NAMES = tuple(_COLUMNS.split(", "))
_PAST = """
SELECT a.id, a.session_id, a.turn_id, a.reply_id, a.call_id, a.wire_id, a.tool, a.arguments, a.cwd,
    a.container, a.base, a.at, a.supersedes, d.outcome, d.by, d.who, d.at
FROM action AS a LEFT JOIN decision AS d ON d.action_id = a.id
ORDER BY a.rowid DESC LIMIT ?
"""


class SqliteRules:
    """core.rules.RuleShelf over the ledger that it belongs to."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def all(self) -> list[KeptRule]:
        """See RuleShelf."""
        return await self._access.read(rules)

    async def add(self, rule: KeptRule) -> None:
        """See RuleShelf."""
        await self._access.write(partial(_add_all, [rule]))

    async def disable(self, rule_id: str, disabled: bool, by: str) -> None:
        """See RuleShelf. Raises LedgerError when there is no such rule."""
        await self._access.write(partial(_disable, rule_id, disabled, by))

    async def delete(self, rule_id: str, by: str) -> None:
        """See RuleShelf. Raises LedgerError when there is no such rule."""
        await self._access.write(partial(_delete, rule_id, by))

    async def answered(self, offer: str) -> bool:
        """See RuleShelf."""
        return await self._access.read(partial(_answered, offer))

    async def answer(self, offer: str, taken: bool, by: str, rules: Sequence[KeptRule]) -> None:
        """See RuleShelf. Raises TransitionRefused when it was answered already."""
        await self._access.write(partial(_answer, offer, taken, by, rules))

    async def past(self, limit: int = 0) -> list[PastAction]:
        """See RuleShelf."""
        return await self._access.read(partial(past, limit))


def rules(db: sqlite3.Connection) -> list[KeptRule]:
    """Every rule that ever was, the oldest first. Raises sqlite3.Error."""
    return [_rule(row) for row in db.execute(f"SELECT {_COLUMNS} FROM rule ORDER BY rowid")]


def past(limit: int, db: sqlite3.Connection) -> list[PastAction]:
    """The last actions of all sessions, the newest last; 0 for all. Raises sqlite3.Error.

    That a person was asked, and that a person changed it, is known by its events alone.
    """
    asked = {body["action_id"] for body in _bodies("action_waiting", '"action_id"', db)}
    proposed = _bodies("action_proposed", '"edited":"', db)
    edited = {body["action"]["id"] for body in proposed if body.get("edited")}
    rows = db.execute(_PAST, (limit or -1,)).fetchall()
    return [_past(row, row[0] in asked, row[0] in edited) for row in reversed(rows)]


def _bodies(kind: str, holding: str, db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """The events of a kind whose text holds this; a deleted session's have none."""
    query = "SELECT body FROM event WHERE kind = ? AND instr(body, ?)"
    return (json.loads(body) for (body,) in db.execute(query, (kind, holding)))


def _rule(row: Sequence[Any]) -> KeptRule:
    values = dict(zip(_NAMES, row, strict=True))
    values["outcome"] = Outcome(values["outcome"])
    values["disabled"] = bool(values["disabled"])
    return KeptRule(**values)


def _past(row: Sequence[Any], waited: bool, edited: bool) -> PastAction:
    (action_id, session, turn, reply, call_id, wire_id, tool, arguments, cwd, container, base, at,
     supersedes, outcome, by, who, decided) = row  # fmt: skip
    call = ToolCall(call_id, tool, json.loads(arguments), wire_id)
    action = Action(action_id, session, turn, reply, call, cwd, container, base, at, supersedes)
    if outcome is None:
        return PastAction(action, waited, edited=edited)
    said = Outcome(outcome), DecidedBy(by), who, decided
    return PastAction(action, waited, *said, edited=edited)


def _add_all(added: Sequence[KeptRule], writer: Writer) -> None:
    with writer.transaction("rule"):
        for rule in added:
            _add(rule, writer)


def _add(rule: KeptRule, writer: Writer) -> None:
    marks = ", ".join("?" * 10)
    columns = _COLUMNS.partition(", used,")[0]
    writer.db.execute(
        f"INSERT INTO rule ({columns}) VALUES ({marks})",
        (
            rule.id, shown(rule.text), rule.outcome.value, rule.scope, rule.session_id, rule.made,
            shown(rule.made_by), rule.made_from, rule.expires, rule.uses,
        ),
    )  # fmt: skip
    facts: dict[str, Fact] = {"what": "added", "rule": rule.id, "by": shown(rule.made_by)}
    writer.note(AuditNote(AuditKind.RULE, facts | _said(rule)), rule.session_id or None)


def _said(rule: KeptRule) -> dict[str, Fact]:
    """What a record says of a rule: enough to see any change, and not what it is about."""
    return {
        "text": sha256(shown(rule.text)),
        "outcome": rule.outcome.value,
        "scope": rule.scope,
        "made": float(rule.made),
        "from": rule.made_from,
        "expires": float(rule.expires),
        "uses": rule.uses,
    }


def _disable(rule_id: str, disabled: bool, by: str, writer: Writer) -> None:
    with writer.transaction("rule"):
        changed = writer.db.execute(
            "UPDATE rule SET disabled = ? WHERE id = ? AND deleted = 0", (disabled, rule_id)
        )
        _require(changed.rowcount, rule_id)
        what = "disabled" if disabled else "enabled"
        writer.note(AuditNote(AuditKind.RULE, {"what": what, "rule": rule_id, "by": shown(by)}))


def _delete(rule_id: str, by: str, writer: Writer) -> None:
    with writer.transaction("rule"):
        now = writer.now()
        changed = writer.db.execute(
            "UPDATE rule SET deleted = ? WHERE id = ? AND deleted = 0", (now, rule_id)
        )
        _require(changed.rowcount, rule_id)
        facts: dict[str, Fact] = {
            "what": "deleted", "rule": rule_id, "by": shown(by), "deleted": now
        }  # fmt: skip
        writer.note(AuditNote(AuditKind.RULE, facts))


def _answered(offer: str, db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM offer WHERE name = ?", (offer,)).fetchone() is not None


def _answer(offer: str, taken: bool, by: str, made: Sequence[KeptRule], writer: Writer) -> None:
    with writer.transaction("rule"):
        now = writer.now()
        writer.db.execute(
            "INSERT INTO offer (name, taken, at) VALUES (?, ?, ?)", (offer, taken, now)
        )
        facts: dict[str, Fact] = {
            "what": "offer", "offer": offer, "taken": taken, "by": shown(by), "answered": now
        }  # fmt: skip
        writer.note(AuditNote(AuditKind.RULE, facts))
        for rule in made:
            _add(rule, writer)


def _require(changed: int, rule_id: str) -> None:
    if changed != 1:
        raise LedgerError(f"There is no rule {rule_id}.", hint="Run: pocketcoder rules list.")


# --- the check


@dataclass(slots=True)
class _Told:
    """A rule as the records tell it."""

    said: dict[str, Any]
    used: int = 0
    last_used: float = 0.0
    disabled: bool = False
    deleted: float = 0.0


class RuleAgreement:
    """Compares the tables of rules and offers with what the chain's records say of them."""

    def __init__(self) -> None:
        self._rules: dict[str, _Told] = {}
        self._offers: dict[str, tuple[int, float]] = {}

    def feed(self, record: dict[str, Any]) -> None:
        """Take one record. Raises Broken, LookupError."""
        facts = record["facts"]
        if record["kind"] == AuditKind.DECISION and facts["by"] == DecidedBy.RULE:
            told = self._there(facts["who"], record)
            told.used, told.last_used = told.used + 1, record["at"]
        elif record["kind"] == AuditKind.RULE:
            self._changed(facts, record)

    def compare(self, db: sqlite3.Connection) -> None:
        """Raises Broken when a row is not what the records say, or is missing or too many."""
        kept = rules(db)
        for rule in kept:
            told = self._rules.get(rule.id)
            if told is None or told != _Told(
                _said(rule), rule.used, rule.last_used, rule.disabled, rule.deleted
            ):
                raise Broken(f"the rule {rule.id} is not what the records say")
        offers = {name: (taken, at) for name, taken, at in db.execute("SELECT * FROM offer")}
        if len(kept) != len(self._rules) or offers != self._offers:
            raise Broken("there are other rules than the records say")

    def _changed(self, facts: dict[str, Any], record: dict[str, Any]) -> None:
        match facts["what"]:
            case "added":
                said = {name: facts[name] for name in _SAID}
                self._rules[facts["rule"]] = _Told(said)
            case "disabled" | "enabled":
                self._there(facts["rule"], record).disabled = facts["what"] == "disabled"
            case "deleted":
                self._there(facts["rule"], record).deleted = facts["deleted"]
            case "offer":
                self._offers[facts["offer"]] = (int(facts["taken"]), facts["answered"])

    def _there(self, rule_id: str, record: dict[str, Any]) -> _Told:
        if rule_id not in self._rules:
            raise Broken(f"record {record['seq']} is about a rule that was never made")
        return self._rules[rule_id]


_SAID = ("text", "outcome", "scope", "made", "from", "expires", "uses")
