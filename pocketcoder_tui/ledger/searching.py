"""Full-text search in a file of its own, ``<ledger>.search``: made from the log, never the truth.

It is apart from the ledger so that a fault in it stands in nobody's way: it is caught up from the
log when it lags, and made anew when it is missing, damaged, or belongs to another state of the
ledger. Nothing in it needs to survive a crash, so nothing waits for the disk.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pocketcoder_tui.core.shelf import Place
from pocketcoder_tui.ledger.codec import parsed
from pocketcoder_tui.ledger.packing import held_output
from pocketcoder_tui.ledger.projection import shown
from pocketcoder_tui.ledger.verify_audit import ERASED, sha256

BATCH = 500
"""Events that are taken in at once."""
LONGEST = 200_000
"""Characters of one text that can be found."""
WORDS_AROUND = 12
"""Words of a snippet."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reached (
    one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS passage USING fts5(
    text, session_id UNINDEXED, place UNINDEXED, entry_id UNINDEXED, at UNINDEXED, seq UNINDEXED,
    tokenize = "unicode61 remove_diacritics 2"
);
"""
_SETTINGS = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = MEMORY",
    "PRAGMA synchronous = OFF",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
)
_LETTER = re.compile(r"[^\W_]")
INDEXED = ("session_titled", "message_queued", "message_edited", "reply_ended", "turn_ended",
           "action_proposed", "action_ended", "person_ran")  # fmt: skip
"""The kinds of event that bring or complete something that can be found."""
_SINCE = (
    "SELECT e.seq, e.session_id, e.at, e.kind, e.body, o.text FROM event AS e"
    " LEFT JOIN output AS o ON o.seq = e.seq WHERE e.seq > ? ORDER BY e.seq LIMIT ?"
)
_REPLY = "SELECT kind, body FROM event WHERE session_id = ? AND seq < ? ORDER BY seq DESC"


class Passage(NamedTuple):
    """A text that can be found."""

    text: str
    session_id: str
    place: Place
    entry_id: str
    at: float
    seq: int


class Reached(NamedTuple):
    """How far the log was taken in: the last event, and its body's sha256 to know it by."""

    seq: int
    sha256: str


NOTHING = Reached(0, "")


class Found(NamedTuple):
    """A row of an answer; the session's title is the ledger's to know."""

    session_id: str
    place: str
    entry_id: str
    at: float
    snippet: str


def search_path(path: Path) -> Path:
    """The search file that belongs to a ledger."""
    return path.with_name(path.name + ".search")


def remove(path: Path) -> None:
    """Delete the search file of a ledger; it is made anew when it is wanted. Raises OSError."""
    search_path(path).unlink(missing_ok=True)


# --- in the search file's thread


def connect(path: Path) -> sqlite3.Connection:
    """Open or make the search file of a ledger. Raises sqlite3.Error, OSError."""
    place = search_path(path)
    os.close(os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=0)
    try:
        for statement in _SETTINGS:
            db.execute(statement).fetchall()
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def reached(db: sqlite3.Connection) -> Reached:
    """How far the log is in the search file."""
    row = db.execute("SELECT seq, sha256 FROM reached").fetchone()
    return NOTHING if row is None else Reached(*row)


def take_in(passages: list[Passage], now: Reached, db: sqlite3.Connection) -> None:
    """Add passages, and note how far that is."""
    db.execute("BEGIN")
    try:
        db.executemany(
            "INSERT INTO passage (text, session_id, place, entry_id, at, seq)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            passages,
        )
        db.execute("INSERT OR REPLACE INTO reached VALUES (1, ?, ?)", now)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def forget_outputs(before: float, db: sqlite3.Connection) -> None:
    """Leave out what was pruned from the ledger."""
    db.execute("DELETE FROM passage WHERE place = ? AND at < ?", (Place.OUTPUT, before))


def find(text: str, session_id: str, limit: int, db: sqlite3.Connection) -> list[Found]:
    """The newest passages that hold all the words; the last word may be a beginning."""
    query = query_of(text)
    if not query:
        return []
    rows = db.execute(
        "SELECT session_id, place, entry_id, at, snippet(passage, 0, '', '', '…', ?) FROM passage"
        " WHERE passage MATCH ? AND (? = '' OR session_id = ?) ORDER BY rowid DESC LIMIT ?",
        (WORDS_AROUND, query, session_id, session_id, limit),
    )
    return [Found(*row) for row in rows]


def query_of(text: str) -> str:
    """Write what a person typed as a query: each word a phrase, so that no sign is an operator.

    Source: https://www.sqlite.org/fts5.html#full_text_query_syntax.
    """
    words = [word for word in shown(text).replace("\0", " ").split() if _LETTER.search(word)]
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return " ".join(quoted) + ("*" if quoted else "")


# --- in the ledger's thread


def passages_since(since: Reached, db: sqlite3.Connection) -> tuple[list[Passage], Reached] | None:
    """The passages of the next events after a place, and the new place.

    None when the ledger does not know that place: it is another one, or was put back.
    """
    if since.seq:
        row = db.execute("SELECT body FROM event WHERE seq = ?", (since.seq,)).fetchone()
        if row is None or sha256(row[0]) != since.sha256:
            return None
    rows = db.execute(_SINCE, (since.seq, BATCH)).fetchall()
    found = [
        passage
        for seq, session_id, at, kind, body, output in rows
        if kind in INDEXED and not body.startswith(ERASED)
        for passage in _passages((seq, session_id, at), kind, body, output, db)
    ]
    return found, Reached(rows[-1][0], sha256(rows[-1][4])) if rows else since


Where = tuple[int, str, float]
"""seq, session and moment of an event."""


def _passages(
    where: Where, kind: str, body: str, output: str | None, db: sqlite3.Connection
) -> Iterator[Passage]:
    whole = parsed(body)
    match kind:
        case "session_titled":
            yield _passage(where, whole["title"], Place.TITLE, "")
        case "message_queued" | "message_edited":
            yield _passage(where, whole["text"], Place.MESSAGE, whole["message_id"])
        case "action_proposed":
            preview = whole["preview"]
            text = f"{preview['title']}\n{preview['text']}"
            yield _passage(where, text, Place.ACTION, whole["action"]["id"])
        case "action_ended":
            if held_output(whole) is not None and output is not None:
                entry = whole["execution"]["action_id"]
                yield _passage(where, parsed(output)[0], Place.OUTPUT, entry)
        case "person_ran":
            yield _passage(where, whole["command"], Place.ACTION, "")
            if output is not None:
                yield _passage(where, parsed(output)[0], Place.OUTPUT, "")
        case _:
            for part_id, text in _answers(where, db):
                yield _passage(where, text, Place.ANSWER, part_id)


def _answers(where: Where, db: sqlite3.Connection) -> list[tuple[str, str]]:
    """What the model wrote in the reply that ends here, put together; nothing if it had ended."""
    pieces: dict[str, list[str]] = {}
    for kind, body in db.execute(_REPLY, (where[1], where[0])):
        if kind in ("reply_started", "reply_ended", "turn_started"):
            whole = [(p, "".join(reversed(t))) for p, t in reversed(pieces.items())]
            return whole if kind == "reply_started" else []
        if kind == "part_grew":
            part: dict[str, Any] = parsed(body)
            if part["part"] == "text":
                pieces.setdefault(part["part_id"], []).append(part["text"])
    return []


def _passage(where: Where, text: str, place: Place, entry_id: str) -> Passage:
    seq, session_id, at = where
    return Passage(shown(text[:LONGEST]), session_id, place, entry_id, at, seq)
