"""What one durable record costs, against SQLite alone in the same configuration, in one run.

    .venv/bin/python bench/ledger.py [--records N] [--folder DIR]

Both write the same events to files in the same folder, in alternating blocks, so that a busy disk
slows both. SQLite alone inserts the ready-made row and commits: no thread, no JSON, no triggers.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    DecidedBy,
    Decision,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.codec import encode

SESSION, TURN = new_id(), new_id()
BLOCK = 50
"""Records of one kind in a row before the other kind's turn."""

Figures = list[float]
"""Seconds, one for each record."""


def piece() -> ev.PartGrew:
    """A piece of a reply, the most frequent event."""
    text = "The quick brown fox jumps over the lazy dog. " * 2
    return ev.PartGrew(new_id(), new_id(), PartKind.TEXT, text, {"text": text})


def a_life() -> list[ev.Durable]:
    """An action from its proposal to its result."""
    call = ToolCall(new_id(), "shell", {"command": "pytest -q tests/test_cart.py"})
    action = Action(new_id(), SESSION, TURN, new_id(), call, "/workspace", "c" * 64, at=1.0)
    decision = Decision(action.id, Outcome.ALLOW, DecidedBy.PERSON, action.digest, "ada", "", 2.0)
    return [
        ev.ActionProposed(action, Preview(PreviewKind.COMMAND, "run", "pytest", "pytest")),
        ev.ActionWaiting(action.id, "it runs code of the workspace"),
        ev.ActionDecided(decision),
        ev.ActionDispatched(action.id, action.digest, 3.0),
        ev.ActionEnded(Execution(action.id, Ended.FINISHED, 0, "ok\n" * 100, 0, 3.0, 0.4)),
    ]


class Raw:
    """SQLite alone: one table, the same pragmas, rows made beforehand."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self.db.execute(f"PRAGMA {pragma}").fetchone()
        self.db.execute(
            "CREATE TABLE event (seq INTEGER PRIMARY KEY, session_id TEXT NOT NULL,"
            " at REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT"
        )
        self.db.execute("CREATE INDEX event_of_session ON event (session_id, seq)")

    def record(self, row: tuple[str, float, str, str]) -> None:
        """Insert one row and commit it."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("INSERT INTO event (session_id, at, kind, body) VALUES (?, ?, ?, ?)", row)
        self.db.execute("COMMIT")


async def compare(ledger: SqliteLedger, raw: Raw, events: list[ev.Durable]) -> list[Figures]:
    """Record the same events one by one through both, in alternating blocks."""
    ours: Figures = []
    theirs: Figures = []
    for start in range(0, len(events), BLOCK):
        block = events[start : start + BLOCK]
        rows = [(SESSION, time.time(), event.kind, encode(event)) for event in block]
        for row in rows:
            before = time.perf_counter()
            raw.record(row)
            theirs.append(time.perf_counter() - before)
        for event in block:
            before = time.perf_counter()
            await ledger.record(SESSION, event)
            ours.append(time.perf_counter() - before)
    return [ours, theirs]


def line(name: str, ours: Figures, theirs: Figures) -> str:
    """One row of the table."""
    median, base = statistics.median(ours), statistics.median(theirs)
    tail, base_tail = (statistics.quantiles(f, n=100)[98] for f in (ours, theirs))
    return (
        f"| {name} | {median / base:.2f} | {median * 1e3:.3f} | {base * 1e3:.3f} "
        f"| {tail * 1e3:.2f} | {base_tail * 1e3:.2f} |"
    )


async def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--records", type=int, default=2000, help="of each kind")
    options.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    chosen = options.parse_args()
    pieces: list[ev.Durable] = [piece() for _ in range(chosen.records)]
    lives = [event for _ in range(chosen.records // 5) for event in a_life()]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        raw = Raw(Path(name) / "raw.db")
        with closing(raw.db):
            async with await SqliteLedger.open(Path(name) / "ours" / "ledger.db") as ledger:
                opening = [ev.SessionStarted(SESSION, "/w", 0.0), ev.TurnStarted(TURN, 0.0)]
                await ledger.record(SESSION, *opening)
                await compare(ledger, raw, [piece() for _ in range(100)])
                of_pieces = await compare(ledger, raw, pieces)
                of_lives = await compare(ledger, raw, lives)
                before = time.perf_counter()
                count = len(await ledger.replay(SESSION))
                replay = time.perf_counter() - before
            before = time.perf_counter()
            async with await SqliteLedger.open(Path(name) / "ours" / "ledger.db"):
                again = time.perf_counter() - before
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, SQLite {sqlite3.sqlite_version}\n")
    print("| one event, one commit | ratio | ledger ms | SQLite ms | p99 ledger | p99 SQLite |")
    print("|---|---:|---:|---:|---:|---:|")
    print(line("piece of a reply", *of_pieces))
    print(line("step of an action", *of_lives))
    print(f"\nreplay of {count} events: {replay * 1e3:.0f} ms; ", end="")
    print(f"opening that ledger again, checked: {again * 1e3:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main())
