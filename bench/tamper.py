"""What somebody with the file in hand can do to the chain, and flipped bits: how much is found.

    uv run python -m bench.tamper [--changes N] [--flips N] [--records N] [--seed N]

Changes are made past the triggers, which are put back, and the audit head is left alone: to a
ledger that was closed in order, whose file is known byte for byte, and to one that was killed,
where the chain alone can tell. Exits with 1 when a limit is missed.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import examine, open_to_read
from pocketcoder_tui.ledger.verify_audit import links
from tests.ledger.samples import OPENING, SESSION, action, decided, dispatched, ended, proposed
from tests.ledger.tampering import CHAIN, change, files_of, fill, flip, killed, put_files

FLIPS_FOUND = 0.97
"""Flipped bits that are found before any dispatch, at least."""
PER_SECOND = 100_000
"""Records of the chain that are verified in a second, at least."""

Files = dict[str, bytes]


async def refused(path: Path) -> str:
    """Try to let an action leave. Returns the refusal, or an empty string."""
    before = files_of(path)
    try:
        async with await SqliteLedger.open(path) as ledger:
            what = action("new")
            await ledger.record(SESSION, proposed(what), decided(what), dispatched(what))
    except LedgerError as error:
        if files_of(path) != before:
            raise AssertionError("a refused ledger was written to") from error
        return f"{error.sentence} {error.hint}"
    return ""


async def changes(folder: Path, states: list[Files], count: int, draw: random.Random) -> int:
    """Change the chain in every way, in turn; returns how many were not found."""
    kinds = [*CHAIN, "roll back"]
    made: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for n in range(count):
        how = kinds[n % len(kinds)]
        whole = killed(states[-1]) if n // len(kinds) % 2 else states[-1]
        if isinstance(how, str):
            name, old = how, draw.choice(states[:-1])
            path = put_files(folder, whole | {"ledger.db": old["ledger.db"]})
        else:
            name = how.__name__.replace("_", " ")
            path = put_files(folder, whole)
            change(path, how, draw)
        made[name] += 1
        missed[name] += not await refused(path)
    print("\n| change of the chain | made | found |\n|---|---:|---:|")
    for name, times in made.items():
        print(f"| {name} | {times} | {times - missed[name]} |")
    print(f"| all | {made.total()} | {made.total() - missed.total()} |")
    return missed.total()


async def flips(folder: Path, whole: Files, count: int, draw: random.Random, name: str) -> float:
    """Turn bits over; returns the share that is found before anything can be dispatched."""
    content = whole["ledger.db"]
    found = explained = harmful = 0
    rows = rows_of(put_files(folder, whole))
    for _ in range(count):
        bit = draw.randrange(len(content) * 8)
        path = put_files(folder, whole | {"ledger.db": flip(content, bit)})
        if said := await refused(path):
            found += 1
            explained += len(said.split(".")) > 2
        else:
            put_files(folder, whole | {"ledger.db": flip(content, bit)})
            harmful += rows_of(path) != rows
    print(f"| {name} | {count} | {found} | {found / count:.1%} | {explained} | {harmful} |")
    return found / count


def rows_of(path: Path) -> list[object]:
    """Every row of every table, and the schema."""
    with closing(open_to_read(path)) as db:
        schema = db.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
        tables = [name for name, sql in schema if sql and sql.startswith("CREATE TABLE")]
        return [schema, *(db.execute(f"SELECT * FROM {name}").fetchall() for name in tables)]


async def speed(folder: Path, count: int) -> float:
    """Verify a long chain; returns its records a second."""
    path = folder / "ledger.db"
    put_files(folder, {})
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
        for start in range(0, count // 3, 200):
            events = []
            for n in range(start, min(start + 200, count // 3)):
                what = action(f"a{n}")
                events += [proposed(what), decided(what), dispatched(what), ended(what)]
            await ledger.record(SESSION, *events)
    with closing(open_to_read(path)) as db:
        rates = [_rate(db) for _ in range(3)]
    before = time.perf_counter()
    found = examine(path)
    everything = time.perf_counter() - before
    total = found.chain.end.seq
    print("\n| verification | |\n|---|---:|")
    print(f"| records of the chain a second, best of three | {max(rates):,.0f} |")
    print(f"| everything (file, schema, {total:,} records, {found.events:,} events, tables) |"
          f" {everything:.2f} s |")  # fmt: skip
    print(f"| that is, events and records a second | {(total + found.events) / everything:,.0f} |")
    return max(rates)


def _rate(db: sqlite3.Connection) -> float:
    """The links alone, as the verifier that is handed to anyone checks them."""
    before = time.perf_counter()
    rows = db.execute("SELECT body FROM audit ORDER BY seq")
    count = sum(1 for _ in links(body for (body,) in rows))
    return count / (time.perf_counter() - before)


async def main() -> int:
    """Measure and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--changes", type=int, default=10_000)
    options.add_argument("--flips", type=int, default=1_000)
    options.add_argument("--records", type=int, default=150_000)
    options.add_argument("--seed", type=int, default=None)
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(10**6)
    draw = random.Random(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        states = await fill(folder / "whole" / "ledger.db", actions=80)
        here = folder / "here"
        missed = await changes(here, states, chosen.changes, draw)
        print("\n| flipped bits | made | found | | refused and explained | missed, a row differs |")
        print("|---|---:|---:|---:|---:|---:|")
        whole = states[-1]
        share = await flips(here, whole, chosen.flips, draw, "closed in order")
        await flips(here, killed(whole), chosen.flips, draw, "killed: structure, chain and tables")
        rate = await speed(folder / "long", chosen.records)
    return int(bool(missed) or share < FLIPS_FOUND or rate < PER_SECOND)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
