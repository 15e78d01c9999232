"""A whole and private copy of an open ledger in another file, by SQLite's online backup."""

import os
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import failures
from pocketcoder_tui.ledger.head import sync_folder

FOLDER = "backups"
"""Beside the ledger: where copies go when no other place is named."""


def place_for(path: Path, why: str, moment: float | None = None) -> Path:
    """A free name for a copy of the ledger at ``path``; ``why`` is a word that is part of it."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(moment))
    folder = path.parent / FOLDER
    names = [f"{path.stem}-{stamp}-{why}{n}.db" for n in ("", *(f"-{n}" for n in range(2, 1000)))]
    return next(
        (folder / name for name in names if not (folder / name).exists()), folder / names[0]
    )


def copy(connection: sqlite3.Connection, to: Path) -> None:
    """Copy the database of ``connection`` to a new file (0600), whole or not at all.

    Source: https://www.sqlite.org/backup.html. Raises LedgerError when there is a file already, or
    it cannot be made.
    """
    new = to.with_name(to.name + ".new")
    with failures.explained(to):
        if to.exists():
            raise LedgerError(f"There is a file {to} already.", hint="Name another one.")
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:
            for part in (new, new.with_name(new.name + "-journal")):
                part.unlink(missing_ok=True)
                undo.callback(part.unlink, missing_ok=True)
            os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(new)) as target:
                connection.backup(target)
            failpoints.reach("before rename", "a copy")
            new.rename(to)
            undo.pop_all()
        sync_folder(to.parent)
