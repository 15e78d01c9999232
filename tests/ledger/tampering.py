"""What somebody with the file in hand can do to a ledger, for the tests and bench/tamper.py."""

import gzip
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.ledger import SqliteLedger
from tests.ledger.samples import OPENING, SESSION, TURN, action, life_to

RELEASED = Path(__file__).parent / "released"
"""A ledger of each released schema, as that version wrote it."""
Change = Callable[[sqlite3.Connection, random.Random], object]


def released(schema: int) -> bytes:
    """A ledger that an older version wrote."""
    return gzip.decompress((RELEASED / f"schema-{schema}.db.gz").read_bytes())


def released_files(schema: int) -> dict[str, bytes]:
    """All its files: the database, and from schema 3 on its head."""
    head = RELEASED / f"schema-{schema}.head.gz"
    heads = {"ledger.db.head": gzip.decompress(head.read_bytes())} if head.exists() else {}
    return {"ledger.db": released(schema), **heads}


def put_files(where: Path, files: dict[str, bytes]) -> Path:
    """Make a ledger's files in another folder; returns the ledger's path."""
    where.mkdir(parents=True, exist_ok=True)
    for old in where.iterdir():
        if old.is_file():
            old.unlink()
    for name, content in files.items():
        (where / name).write_bytes(content)
    return where / "ledger.db"


def files_of(path: Path) -> dict[str, bytes]:
    """A ledger's files: the database, its log, its head."""
    places = [path.with_name(path.name + suffix) for suffix in ("", "-wal", ".head")]
    return {place.name: place.read_bytes() for place in places if place.exists()}


def killed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same without what a close in order says of the file: a kill leaves less to go by."""
    head = files["ledger.db.head"]
    lines = head[:512], head[512:]
    newest = max(lines, key=lambda line: int(line[3:].split(b",")[0]))
    return files | {"ledger.db.head": head.replace(newest, b" " * 511 + b"\n")}


async def fill(path: Path, actions: int = 40) -> list[dict[str, bytes]]:
    """Make a ledger with many actions, in four sittings; returns its files after each."""
    states = []
    for sitting in range(4):
        async with await SqliteLedger.open(path) as ledger:
            if not sitting:
                await ledger.record(SESSION, *OPENING, ev.SessionTitled("rounding"))
            for n in range(actions // 4):
                name = f"{sitting}-{n}"
                await ledger.record(SESSION, ev.MessageQueued(f"m{name}", f"do {n}", 2.0))
                if n % 4 == 1:
                    gone = ev.MessageQueued(f"gone{name}", "never mind", 2.0)
                    await ledger.record(SESSION, gone, ev.MessageEdited(f"m{name}", "do", 2.0))
                    await ledger.record(SESSION, ev.MessageWithdrawn(f"gone{name}", 2.5))
                await ledger.record(SESSION, ev.MessagesTaken(TURN, (f"m{name}",)))
                state = ActionState.DENIED if n % 3 == 0 else ActionState.FINISHED
                await ledger.record(SESSION, *life_to(action(name, f"echo {n}"), state))
        states.append(files_of(path))
    return states


def change(path: Path, how: Change, draw: random.Random) -> None:
    """Change a ledger's rows past its triggers, and leave the triggers as they were."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        kept = triggers.fetchall()
        db.execute("BEGIN")
        for name, _ in kept:
            db.execute(f"DROP TRIGGER {name}")
        how(db, draw)
        for _, sql in kept:
            db.execute(sql)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


# --- changes of the chain itself


def some(db: sqlite3.Connection, draw: random.Random, table: str) -> int:
    """The number of some row."""
    (last,) = db.execute(f"SELECT max(seq) FROM {table}").fetchone()
    return draw.randint(1, last)


def edit_record(db: sqlite3.Connection, draw: random.Random) -> None:
    """Change one character of a record."""
    seq = some(db, draw, "audit")
    (body,) = db.execute("SELECT body FROM audit WHERE seq = ?", (seq,)).fetchone()
    at = draw.randrange(len(body))
    other = draw.choice([c for c in '0123456789abcdef"{},:' if c != body[at]])
    changed = body[:at] + other + body[at + 1 :]
    db.execute("UPDATE audit SET body = ? WHERE seq = ?", (changed, seq))


def delete_record(db: sqlite3.Connection, draw: random.Random) -> None:
    """Take a record out; those after it move up, or not."""
    seq = some(db, draw, "audit")
    db.execute("DELETE FROM audit WHERE seq = ?", (seq,))
    if draw.random() < 0.5:
        db.execute("UPDATE audit SET seq = -(seq - 1) WHERE seq > ?", (seq,))
        db.execute("UPDATE audit SET seq = -seq WHERE seq < 0")


def insert_record(db: sqlite3.Connection, draw: random.Random) -> None:
    """Put a copy of a record somewhere; those after it move down."""
    seq, copied = some(db, draw, "audit"), some(db, draw, "audit")
    (body,) = db.execute("SELECT body FROM audit WHERE seq = ?", (copied,)).fetchone()
    db.execute("UPDATE audit SET seq = -(seq + 1) WHERE seq > ?", (seq,))
    db.execute("UPDATE audit SET seq = -seq WHERE seq < 0")
    db.execute("INSERT INTO audit VALUES (?, ?)", (seq + 1, body))


def reorder_records(db: sqlite3.Connection, draw: random.Random) -> None:
    """Let two records change places."""
    (last,) = db.execute("SELECT max(seq) FROM audit").fetchone()
    one, other = draw.sample(range(1, last + 1), 2)
    for old, new in ((one, -1), (other, one), (-1, other)):
        db.execute("UPDATE audit SET seq = ? WHERE seq = ?", (new, old))


def cut_records(db: sqlite3.Connection, draw: random.Random) -> None:
    """Cut the chain off at its end."""
    db.execute("DELETE FROM audit WHERE seq >= ?", (some(db, draw, "audit"),))


def cut_everything_after(db: sqlite3.Connection, draw: random.Random) -> None:
    """Cut records off, and the events that they covered too."""
    seq = some(db, draw, "audit")
    (last,) = db.execute(
        "SELECT coalesce(max(json_extract(body, '$.log[1]')), 0) FROM audit WHERE seq < ?", (seq,)
    ).fetchone()
    db.execute("DELETE FROM audit WHERE seq >= ?", (seq,))
    db.execute("DELETE FROM event WHERE seq > ?", (last,))


def edit_event(db: sqlite3.Connection, draw: random.Random) -> None:
    """Change one character of an event."""
    seq = some(db, draw, "event")
    (body,) = db.execute("SELECT body FROM event WHERE seq = ?", (seq,)).fetchone()
    at = draw.randrange(len(body))
    other = draw.choice([c for c in "0123456789abcdef " if c != body[at]])
    changed = body[:at] + other + body[at + 1 :]
    db.execute("UPDATE event SET body = ? WHERE seq = ?", (changed, seq))


def delete_event(db: sqlite3.Connection, draw: random.Random) -> None:
    """Take an event out."""
    db.execute("DELETE FROM event WHERE seq = ?", (some(db, draw, "event"),))


CHAIN: tuple[Change, ...] = (
    edit_record,
    delete_record,
    insert_record,
    reorder_records,
    cut_records,
    cut_everything_after,
    edit_event,
    delete_event,
)

# --- changes of what the tables say


def statement(sql: str) -> Change:
    """One statement."""
    return lambda db, _: db.execute(sql)


TABLES: dict[str, Change] = {
    name: statement(sql)
    for name, sql in {
        "a denial turned": "UPDATE decision SET outcome = 'allow' WHERE outcome = 'deny'",
        "who decided": "UPDATE decision SET who = 'mallory' WHERE action_id = '0-1'",
        "why it was decided": "UPDATE decision SET reason = 'x' WHERE action_id = '0-1'",
        "when it was decided": "UPDATE decision SET at = at + 1 WHERE action_id = '0-1'",
        "what decided": "UPDATE decision SET by = 'rule' WHERE action_id = '0-1'",
        "a decision gone": "DELETE FROM decision WHERE action_id = '0-0'",
        "a decision more": "INSERT INTO decision SELECT 'x' || action_id, seq, outcome, by, who,"
        " reason, digest, at FROM decision LIMIT 1",
        "a dispatch gone": "DELETE FROM dispatch WHERE action_id = '0-1'",
        "another digest left": "UPDATE dispatch SET digest = 'f' WHERE action_id = '0-1'",
        "another status": "UPDATE execution SET status = 1 WHERE action_id = '0-1'",
        "a result gone": "DELETE FROM execution WHERE action_id = '0-1'",
        "other arguments": "UPDATE action SET arguments = '{\"command\":\"rm\"}' WHERE id = '0-1'",
        "another directory": "UPDATE action SET cwd = '/' WHERE id = '0-1'",
        "another digest": "UPDATE action SET digest = 'f' || substr(digest, 2) WHERE id = '0-2'",
        "it waits again": "UPDATE action SET state = 'waiting' WHERE id = '0-1'",
        "an action gone": "DELETE FROM action WHERE id = '0-1'",
        "a message unsent": "UPDATE message SET turn_id = NULL WHERE id = 'm0-1'",
        "a message gone": "DELETE FROM message WHERE id = 'm0-1'",
        "a turn over": "UPDATE turn SET outcome = 'done', ended = 9.0",
        "another title": "UPDATE session SET title = 'x'",
        "another folder": "UPDATE session SET workspace = '/etc'",
        "an archived session": "UPDATE session_state SET archived = 1",
        "a deleted session": "UPDATE session_state SET deleted = 1.0",
        "an inherited session": "UPDATE session_state SET inherited = 20",
        "an output changed": "UPDATE output SET text = '\"other\"' WHERE seq ="
        " (SELECT min(seq) FROM output)",
        "an output gone": "DELETE FROM output WHERE seq = (SELECT min(seq) FROM output)",
        "an output pruned": "UPDATE output SET text = NULL, pruned = 1",
        "an event erased": "UPDATE event SET body = '{\"erased\":\"' || substr('"
        + "a" * 64
        + "', 1) || '\"}' WHERE seq = 5",
        "another moment": "UPDATE event SET at = at + 1 WHERE seq = 7",
        "another session": "INSERT INTO session VALUES ('x', '/w', '', 1.0)",
        "a table more": "CREATE TABLE more (a ANY) STRICT",
        "an index gone": "DROP INDEX event_of_session",
    }.items()
}


def drop_a_trigger(path: Path, name: str) -> None:
    """Take a guard away and leave everything else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"DROP TRIGGER {name}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def flip(content: bytes, bit: int) -> bytes:
    """Turn one bit over."""
    at = bit // 8
    return content[:at] + bytes([content[at] ^ (1 << bit % 8)]) + content[at + 1 :]
