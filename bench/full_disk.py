"""A disk that is full at every write, in steps of 4 kB: what happens, and what happens after.

    uv run python -m bench.full_disk [--step BYTES]

Files may grow to a size and no further (RLIMIT_FSIZE), from nothing up to what a life of some
turns needs; once for a ledger that is being made and once for one that has a history. Then there is
space again and the next life goes to its end. Exits with 1 when something happened that must not.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pocketcoder_tui.core.ids import new_id
from tests.support.accounting import Account, check, disk_effects
from tests.support.crashing import World, disk_world, one_life

STEP = 4096
TURNS = 4
"""Turns of a life on a full disk."""


def largest(state: Path) -> int:
    """The size of the largest file of a ledger."""
    return max((p.stat().st_size for p in state.glob("ledger.db*")), default=0)


def begun(state: Path, session_id: str) -> World:
    """A world with a history, whose log was not taken in: a life that was killed in its turns."""
    world = disk_world(state, session_id, TURNS)
    state.mkdir()
    one_life(disk_world(state, session_id, 3 * TURNS), point="before commit: closed")
    return world


def run(folder: Path, name: str, before: Path | None, session_id: str, step: int) -> Account:
    """One life for each size; returns the sums."""
    account, said = Account(), Counter[str]()
    size = 0
    while True:
        state = folder / f"{name}-{size}"
        if before is None:
            state.mkdir()
        else:
            shutil.copytree(before, state)
        world = disk_world(state, session_id, TURNS)
        first = one_life(world, largest_file=size)
        account.deaths += 1
        said[first.refused.replace(str(state), "…")] += 1
        if first.stuck:
            account.damaged.append(f"{size} bytes: it waited for ever")
        told = [first, one_life(disk_world(state, session_id, 1))]
        if not told[-1].over or told[-1].refused:
            account.damaged.append(f"{size} bytes: it did not go on when there was space")
        check(world, told, disk_effects(state), account)
        account.lives_over += told[-1].over
        if not first.refused and first.over:
            break
        size += step
    print(f"\n| {name} | |\n|---|---:|")
    rows = [
        ("sizes at which the disk was full", account.deaths - 1),
        ("commands that were done", account.executed),
        ("done without a durable decision and intent", len(account.undecided)),
        ("done twice", len(account.twice)),
        ("acknowledged decisions or messages lost", len(account.lost)),
        ("ledgers that went on when there was space", account.lives_over),
    ]
    for what, value in rows:
        print(f"| {what} | {value} |")
    for sentence, times in said.most_common():
        print(f"  {times} times: {sentence or '(no refusal)'}")
    for finding in [*account.twice, *account.undecided, *account.lost, *account.damaged][:10]:
        print(f"  ! {finding}")
    return account


def main() -> int:
    """Run both and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--step", type=int, default=STEP, help="bytes between two sizes")
    step = options.parse_args().step
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh = run(folder, "a ledger that is being made", None, new_id(), step)
        session_id = new_id()
        begun(folder / "history", session_id)
        old = run(folder, "a ledger with a history", folder / "history", session_id, step)
    return int(not (fresh.sound and old.sound))


if __name__ == "__main__":
    sys.exit(main())
