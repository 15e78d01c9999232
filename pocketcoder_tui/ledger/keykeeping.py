"""SSH keys in the ledger: kept, changed with a record each, and checked against those records."""

import base64
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.keys import KeptKey, fingerprint_of
from pocketcoder_tui.ledger.access import Access
from pocketcoder_tui.ledger.projection import shown
from pocketcoder_tui.ledger.verify_audit import Broken, sha256
from pocketcoder_tui.ledger.writing import Writer

KEYED = 6
"""The migration that began the keys."""
_COLUMNS = "number, kind, blob, fingerprint, name, added, added_by, disabled, removed"
_NAMES = tuple(_COLUMNS.split(", "))


class SqliteKeys:
    """core.keys.KeyShelf over the ledger that it belongs to."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def all(self) -> list[KeptKey]:
        """See KeyShelf."""
        return await self._access.read(keys)

    async def add(self, key: KeptKey) -> KeptKey:
        """See KeyShelf."""
        return await self._access.write(partial(_add, key))

    async def disable(self, number: int, disabled: bool, by: str) -> None:
        """See KeyShelf. Raises LedgerError when there is no such key."""
        await self._access.write(partial(_disable, number, disabled, by))

    async def remove(self, number: int, by: str) -> None:
        """See KeyShelf. Raises LedgerError when there is no such key."""
        await self._access.write(partial(_remove, number, by))


def keys(db: sqlite3.Connection) -> list[KeptKey]:
    """Every key that ever was, the oldest first; none in a ledger that is older than they are.

    Raises sqlite3.Error.
    """
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'ssh_key'").fetchone() is None:
        return []
    return [_key(row) for row in db.execute(f"SELECT {_COLUMNS} FROM ssh_key ORDER BY number")]


def _key(row: Sequence[Any]) -> KeptKey:
    values = dict(zip(_NAMES, row, strict=True))
    values["disabled"] = bool(values["disabled"])
    return KeptKey(**values)


def _add(key: KeptKey, writer: Writer) -> KeptKey:
    with writer.transaction("ssh_key"):
        (last,) = writer.db.execute("SELECT coalesce(max(number), 0) FROM ssh_key").fetchone()
        kept = replace(
            key,
            number=last + 1,
            name=shown(key.name),
            added_by=shown(key.added_by),
            added=writer.now(),
        )
        writer.db.execute(
            "INSERT INTO ssh_key (number, kind, blob, fingerprint, name, added, added_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kept.number, kept.kind, kept.blob, kept.fingerprint, kept.name, kept.added,
             kept.added_by),
        )  # fmt: skip
        writer.note(_note("added", kept.number, kept.added_by, _said(kept)))
    return kept


def _said(key: KeptKey) -> dict[str, Fact]:
    """What a record says of a key: which one, and by its hash how it is called."""
    return {
        "kind": key.kind,
        "fingerprint": key.fingerprint,
        "name": sha256(key.name),
        "added": key.added,
    }


def _note(what: str, number: int, by: str, more: dict[str, Fact]) -> AuditNote:
    return AuditNote(AuditKind.SSH_KEY, {"what": what, "key": number, "by": shown(by), **more})


def _disable(number: int, disabled: bool, by: str, writer: Writer) -> None:
    with writer.transaction("ssh_key"):
        changed = writer.db.execute(
            "UPDATE ssh_key SET disabled = ? WHERE number = ? AND removed = 0", (disabled, number)
        )
        _require(changed.rowcount, number)
        writer.note(_note("disabled" if disabled else "enabled", number, by, {}))


def _remove(number: int, by: str, writer: Writer) -> None:
    with writer.transaction("ssh_key"):
        now = writer.now()
        changed = writer.db.execute(
            "UPDATE ssh_key SET removed = ? WHERE number = ? AND removed = 0", (now, number)
        )
        _require(changed.rowcount, number)
        writer.note(_note("removed", number, by, {"removed": now}))


def _require(changed: int, number: int) -> None:
    if changed != 1:
        raise LedgerError(f"There is no key {number}.", hint="Run: pocketcoder keys list.")


# --- the check


@dataclass(slots=True)
class _Told:
    """A key as the records tell it."""

    said: dict[str, Any]
    by: str
    disabled: bool = False
    removed: float = 0.0


class KeyAgreement:
    """Compares the table of keys with what the chain's records say of them."""

    def __init__(self) -> None:
        self._keys: dict[int, _Told] = {}

    def feed(self, record: dict[str, Any]) -> None:
        """Take one record. Raises Broken, LookupError."""
        if record["kind"] != AuditKind.SSH_KEY:
            return
        facts = record["facts"]
        if facts["what"] == "added":
            said = {name: facts[name] for name in ("kind", "fingerprint", "name", "added")}
            self._keys[facts["key"]] = _Told(said, facts["by"])
            return
        if facts["key"] not in self._keys:
            raise Broken(f"record {record['seq']} is about a key that was never added")
        told = self._keys[facts["key"]]
        match facts["what"]:
            case "disabled" | "enabled":
                told.disabled = facts["what"] == "disabled"
            case "removed":
                told.removed = facts["removed"]

    def compare(self, db: sqlite3.Connection) -> None:
        """Raises Broken when a row is not what the records say, or is missing or too many."""
        kept = keys(db)
        for key in kept:
            row = _Told(_said(key), key.added_by, key.disabled, key.removed)
            if self._keys.get(key.number) != row or not _is_of(key.blob, key.fingerprint):
                raise Broken(f"the SSH key {key.number} is not what the records say")
        if len(kept) != len(self._keys):
            raise Broken("there are other SSH keys than the records say")


def _is_of(blob: str, fingerprint: str) -> bool:
    """Whether a fingerprint is this key's: the records hold the fingerprint alone."""
    data = base64.b64decode(blob, validate=True)
    return base64.b64encode(data).decode() == blob and fingerprint_of(blob) == fingerprint
