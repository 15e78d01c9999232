"""What to tell a person when the disk, the file or SQLite fails."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError, TransitionRefused

FULL = "There is no space left for the ledger; nothing was changed."
FULL_HINT = "Free some space, then try again."
BUSY_HINT = "End the other program, then try again."
FOREIGN_HINT = "Move the file away; a new ledger is made at the next start."
WRITE_HINT = "Look at the permissions of the folder and at its disk (df -h, mount)."

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SENTENCES = {
    "SQLITE_BUSY": ("Another program has the ledger {path} open.", BUSY_HINT),
    "SQLITE_LOCKED": ("Another program has the ledger {path} open.", BUSY_HINT),
    "SQLITE_FULL": (FULL, FULL_HINT),
    "SQLITE_NOTADB": ("The file {path} is not a ledger of PocketCoder.", LedgerDamaged.hint),
    "SQLITE_READONLY": ("The ledger {path} cannot be written to.", WRITE_HINT),
    "SQLITE_CANTOPEN": ("The ledger {path} cannot be opened.", WRITE_HINT),
    "SQLITE_PERM": ("The ledger {path} cannot be opened.", WRITE_HINT),
    "SQLITE_IOERR": (
        "The disk failed under the ledger {path} ({name}); nothing was changed.",
        WRITE_HINT,
    ),
    "SQLITE_TOOBIG": (
        "That is more text at once than the ledger holds; nothing was changed.",
        "One event may have 1,000,000,000 bytes.",
    ),
}
"""Sentence and hint by primary result code."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite, the file system or a damaged file raises within into a LedgerError."""
    try:
        yield
    except sqlite3.Error as error:
        raise from_sqlite(path, error) from error
    except OSError as error:
        raise from_os(path, error) from error
    except UnicodeDecodeError as error:
        # Also SQLite's own messages, where they name a part of a damaged schema.
        raise LedgerDamaged(f"The ledger {path} is damaged: a text is not UTF-8.") from error


def from_sqlite(path: Path, error: sqlite3.Error) -> LedgerError:
    """Choose the sentence for an SQLite error, by its primary or extended result code.

    Codes: https://www.sqlite.org/rescode.html
    """
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_CONSTRAINT"):
        return _from_constraint(name, error)
    # The index of a log that a crash left could not be made: that file has no other way to fail.
    primary = "SQLITE_FULL" if name == "SQLITE_IOERR_SHMSIZE" else "_".join(name.split("_")[:2])
    if primary == "SQLITE_CORRUPT":
        return LedgerDamaged(f"The ledger {path} is damaged: {error}.")
    if primary in _SENTENCES:
        sentence, hint = _SENTENCES[primary]
        return LedgerError(sentence.format(path=path, name=name), hint=hint)
    return LedgerDamaged(f"The ledger {path} cannot be used: {error}.")


def from_os(path: Path, error: OSError) -> LedgerError:
    """The sentence for a failure of the file system."""
    if error.errno in _NO_SPACE:
        return LedgerError(FULL, hint=FULL_HINT)
    reason = error.strerror or type(error).__name__
    return LedgerError(f"The ledger {path} cannot be opened: {reason}.", hint=WRITE_HINT)


def _from_constraint(name: str, error: sqlite3.Error) -> LedgerError:
    match name:
        case "SQLITE_CONSTRAINT_TRIGGER":
            return TransitionRefused(str(error))
        case "SQLITE_CONSTRAINT_PRIMARYKEY" | "SQLITE_CONSTRAINT_UNIQUE":
            return TransitionRefused("This was recorded already.")
        case "SQLITE_CONSTRAINT_FOREIGNKEY":
            return TransitionRefused("This is about something that the ledger does not know.")
    return LedgerError(f"The ledger does not take this event: {error}.")
