"""A ledger put back from a backup: checked first, and what it replaces is kept.

The head is told of the new end before the file takes its place, so a crash in between leaves the
old ledger or the new one, and the head fits both.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError
from pocketcoder_tui.ledger import failures, schema, searching
from pocketcoder_tui.ledger.copying import copy, place_for
from pocketcoder_tui.ledger.head import START, Head, Link, head_path, read_head, sync_folder
from pocketcoder_tui.ledger.inspection import CHAINED, examine, inspect, open_to_read
from pocketcoder_tui.ledger.opening import take
from pocketcoder_tui.ledger.verification import verify

LOG = "-wal"
"""How the name of a write-ahead log ends."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it."""

    end: Link
    """Where the chain of the restored ledger ends."""
    kept: Path | None
    """Where the replaced ledger is now; None when there was none."""


def back_up(path: Path, to: Path | None = None) -> Path:
    """Copy a ledger that nobody has open, after a whole check; returns where the copy is.

    Raises LedgerError: in use, damaged, no space, or there is such a file already.
    """
    with take(path):
        if inspect(path).version >= CHAINED:
            examine(path)
        to = to or place_for(path, "backup")
        with closing(_reading(path)) as source:
            copy(source, to)
    return to


def restore(
    path: Path, source: Path, who: str, *, clock: Callable[[], float] = time.time
) -> Restored:
    """Put a backup in the place of the ledger at ``path``.

    ``who`` is the person's name, for the record. Raises LedgerError: the ledger is in use, the
    backup is damaged or none of ours, no space. In all these cases the ledger is as it was.
    """
    if inspect(source).version >= CHAINED:
        examine(source, beside_head=False)
    with take(path):
        new = path.with_name(path.name + ".new")
        with failures.explained(path), ExitStack() as undo:
            for part in (new, new.with_name(new.name + LOG)):
                part.unlink(missing_ok=True)
                undo.callback(part.unlink, missing_ok=True)
            with closing(_reading(source)) as backup:
                copy(backup, new)
            before = _head_now(path)
            end = _account(new, before, who, clock())
            kept = _exchange(path, new, before, end)
            undo.pop_all()
    return Restored(end, kept)


def _reading(path: Path) -> sqlite3.Connection:
    with failures.explained(path):
        return open_to_read(path)


def _head_now(path: Path) -> Link:
    """Where the ledger that is replaced ends, or its head says so; the start when none can say."""
    with suppress(LedgerError):
        facts = inspect(path)
        if facts.version >= CHAINED:
            return facts.end
    with suppress(LedgerError, OSError):
        mark = read_head(path)
        if mark is not None:
            return mark.coming or mark.now
    return START


def _account(new: Path, before: Link, who: str, at: float) -> Link:
    """Bring the copy forward and write down in it what it replaces; returns its end."""
    facts: dict[str, Fact] = {"who": who, "replaced": before.seq, "replaced_hash": before.hash}
    with closing(sqlite3.connect(new, isolation_level=None)) as db:
        (answer,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise LedgerDamaged(f"The backup is damaged: {answer.splitlines()[-1]}.")
        schema.migrate(db)
        chain = verify(new, db, None).chain
        db.execute("BEGIN IMMEDIATE")
        chain.add(db, AuditNote(AuditKind.RESTORED, facts), float(at))
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return chain.end


def _exchange(path: Path, new: Path, before: Link, end: Link) -> Path | None:
    """Keep the old ledger, announce the new end, and put the new file in its place."""
    kept = place_for(path, "replaced") if path.exists() else None
    log = path.with_name(path.name + LOG)
    if kept is not None:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _same_file(path, kept)
        if head_path(path).exists():
            shutil.copyfile(head_path(path), head_path(kept))
            head_path(kept).chmod(0o600)
    if _unreadable(path):
        head_path(path).unlink()
    head = Head(path)
    try:
        head.settle(before)
        head.announce(end)
        failpoints.reach("before exchange", "a restored ledger")
        if log.exists():
            # Without its log the old file is older than the head says, and refused until this is
            # done again; what is kept has both.
            if kept is None:
                log.unlink()
            else:
                log.replace(kept.with_name(kept.name + LOG))
        new.rename(path)
        sync_folder(path.parent)
        failpoints.reach("after exchange", "a restored ledger")
        head.confirm()
    finally:
        head.close()
    searching.remove(path)
    return kept


def _same_file(path: Path, kept: Path) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)
        kept.chmod(0o600)


def _unreadable(path: Path) -> bool:
    try:
        read_head(path)
    except LedgerError:
        return True
    return False
