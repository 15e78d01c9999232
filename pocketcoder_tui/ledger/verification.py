"""The whole check of a ledger, in steps: done before anything is written to it or sent.

The structure of the file, the schema with its triggers, every record's link to the one before,
every event under its record, and every row of the tables against its event. Nothing is trusted
from an earlier check.
"""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.audit import AuditKind
from pocketcoder_tui.core.errors import LedgerDamaged
from pocketcoder_tui.ledger import schema
from pocketcoder_tui.ledger.agreement import Agreement, Disagreement
from pocketcoder_tui.ledger.chain import Chain
from pocketcoder_tui.ledger.head import START, FileSum, Link, Mark, check_end, pieces
from pocketcoder_tui.ledger.keykeeping import KEYED, KeyAgreement
from pocketcoder_tui.ledger.rulekeeping import RULED, RuleAgreement
from pocketcoder_tui.ledger.verify_audit import Broken, Event, leaf, links, sha256

STEP = 2_000
"""Events or records between two pauses, some milliseconds of work."""


@dataclass(slots=True)
class Verified:
    """What a check found."""

    chain: Chain = field(default_factory=Chain.begin)
    """Ready to be continued."""
    events: int = 0
    covered: int = 0
    """Events that the chain's records cover."""


class Verification:
    """Checks one ledger. ``steps`` does the work; the result is whole when it is at its end."""

    def __init__(self, path: Path, db: sqlite3.Connection, mark: Mark | None, fd: int = -1) -> None:
        """``mark`` is what the head says, None to leave it out; ``fd`` is the open file, or -1."""
        self.found = Verified()
        self._path = path
        self._db = db
        self._mark = mark
        self._fd = fd
        self._version = max((number for number, _, _ in schema.applied(db)), default=0)
        self._deleted: set[str] = set()
        self._prunings: dict[int, float] = {}
        self._rules = RuleAgreement()
        self._keys = KeyAgreement()

    def steps(self) -> Generator[None]:
        """Check; yields between pieces of work, while nobody writes.

        Raises LedgerDamaged with what is wrong, sqlite3.Error, OSError.
        """
        try:
            if self._mark is not None and self._mark.file is not None:
                yield from self._file(self._mark.file)
            yield from self._structure()
            yield from self._records()
        except (Broken, Disagreement) as error:
            raise self._damaged(f"{error}") from error
        except (LookupError, TypeError, ValueError) as error:
            raise self._damaged("a record of its audit chain cannot be read") from error
        if self._mark is not None:
            check_end(self._path, self._mark, self.found.chain.end)

    def _file(self, expected: FileSum) -> Iterator[None]:
        """The file of a ledger that was closed in order is known byte for byte."""
        digest, size = sha256_of(), 0
        for piece in pieces(self._fd):
            digest.update(piece)
            size += len(piece)
            yield
        if FileSum(size, digest.hexdigest()) != expected:
            raise self._damaged("the file is not what it was when pocketcoder closed it")

    def _structure(self) -> Iterator[None]:
        query = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
        if set(self._db.execute(query).fetchall()) != _schema(self._version):
            raise self._damaged("its tables and triggers are not those of pocketcoder")
        for (table,) in self._db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
        ).fetchall():
            (answer,) = self._db.execute(f"PRAGMA integrity_check('{table}')").fetchone()
            if answer != "ok":
                raise self._damaged(answer.splitlines()[-1])
            yield

    def _records(self) -> Iterator[None]:
        """Records and events side by side, then what is left of the events, then the counts."""
        query = "SELECT seq, session_id, at, kind, body FROM event ORDER BY seq"
        # Closed also when something is wrong: an open cursor would keep the file locked.
        with (
            closing(self._db.execute("SELECT body FROM audit ORDER BY seq")) as records,
            closing(self._db.execute(query)) as events,
        ):
            yield from self._side_by_side(records, events)

    def _side_by_side(self, records: sqlite3.Cursor, events: Iterator[Event]) -> Iterator[None]:
        agreement = Agreement(self._db)
        bodies = (body for (body,) in records)
        found = self.found
        for record, digest in links(bodies):
            found.chain.end = Link(record["seq"], digest)
            self._note(record)
            if record["log"] is not None:
                yield from self._log(record, events, agreement)
            if record["seq"] % STEP == 0:
                yield
        if found.chain.end == START:
            raise self._damaged("its audit chain has no record")
        for event in events:
            found.events += 1
            found.chain.take(event)
            agreement.feed(event)
        if found.chain.leaves and self._mark is not None and self._mark.file is not None:
            raise self._damaged("it holds events that came after it was closed")
        agreement.finish()
        if self._version >= RULED:
            self._rules.compare(self._db)
        if self._version >= KEYED:
            self._keys.compare(self._db)
        self._compare(agreement)

    def _log(
        self, record: dict[str, Any], events: Iterator[Event], agreement: Agreement
    ) -> Iterator[None]:
        """The events that one record covers."""
        first, last, digest = record["log"]
        if first != self.found.events + 1:
            raise Broken(f"record {record['seq']} leaves out events")
        lines: list[str] = []
        for event in events:
            lines.append(leaf(event))
            agreement.feed(event)
            if event[0] >= last:
                break
            if len(lines) % STEP == 0:
                yield
        self.found.events = self.found.covered = last
        if sha256("".join(lines)) != digest:
            raise Broken(f"events {first} to {last} are not those of record {record['seq']}")
        if record["event"] is not None and record["event"] != lines[-1][-65:-1]:
            raise Broken(f"record {record['seq']} is about another event")

    def _note(self, record: dict[str, Any]) -> None:
        """Remember what a record says of content that is gone."""
        self._rules.feed(record)
        self._keys.feed(record)
        facts = record["facts"]
        if record["kind"] == AuditKind.SESSION and facts.get("what") == "deleted":
            self._deleted.add(record["session"])
        elif record["kind"] == AuditKind.PRUNED:
            self._prunings[record["seq"]] = facts["before"]

    def _compare(self, agreement: Agreement) -> None:
        """What is gone is gone because a record says so."""
        if agreement.deleted != self._deleted:
            raise Broken("a session's content is gone, and no record says so")
        for seq, newest in agreement.pruned.items():
            if not newest < self._prunings.get(seq, newest):
                raise Broken("an output is gone, and no record says so")

    def _damaged(self, what: str) -> LedgerDamaged:
        return LedgerDamaged(f"The ledger {self._path} is damaged: {what}.")


def verify(path: Path, db: sqlite3.Connection, mark: Mark | None, fd: int = -1) -> Verified:
    """Check a ledger in one go; see Verification."""
    verification = Verification(path, db, mark, fd)
    for _ in verification.steps():
        pass
    return verification.found


@cache
def _schema(version: int) -> frozenset[tuple[str, str, str | None]]:
    """What so many migrations make, whichever way a ledger came to have them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for step in schema.migrations()[:version]:
            db.executescript(step.sql)
        return frozenset(db.execute("SELECT type, name, sql FROM sqlite_schema").fetchall())
