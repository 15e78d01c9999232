"""SIGKILL at random points and at every named one, and what the ledger and the box say afterwards.

    uv run python -m bench.crash [--count N] [--docker N] [--seed N]

Each life is the real engine over the real ledger; the person answers at once, the model is
scripted. Without Docker the box is a folder in which an action's id is claimed as in the real one.
With it, a real container and tmux: the process is killed, alone or together with the container or
the tmux server, or stopped for a while first. Exits with 1 when something happened that must not.
"""

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pocketcoder_tui.core.ids import new_id
from tests.support.accounting import Account, check, disk_effects
from tests.support.crashing import Told, World, disk_world, one_life

DEATHS_EACH = 25
"""Kills in one ledger before a new one is begun."""
LONGEST = 0.12
"""Seconds until the last random kill; a life of one turn takes about a third of it."""
CLOCKS = (0.0, 0.0, 3600.0, -3600.0)
"""By how many seconds a life's clock is wrong."""
BEFORE = ("", "before dispatch: shell", "claimed: the box", "done: the box", "ended: the box")
"""Where the life before the one that is looked at was killed; nowhere for a first life."""


def random_kills(count: int, folder: Path, draw: random.Random, account: Account) -> None:
    """Kill lives of one ledger again and again, then the next one's."""
    while account.deaths < count:
        world = disk_world(folder / new_id(), new_id())
        world.state.mkdir()
        told: list[Told] = []
        for _ in range(min(DEATHS_EACH, count - account.deaths)):
            clock = draw.choice(CLOCKS)
            told.append(one_life(world, seconds=draw.uniform(0, LONGEST), clock=clock))
            account.deaths += 1
            tally = Account()
            check(world, told, disk_effects(world.state), tally)
            account.damaged += tally.damaged
            account.lost += tally.lost
            account.twice += tally.twice
            account.undecided += tally.undecided
        finish(world, told, account)


def finish(world: World, told: list[Told], account: Account) -> None:
    """One more life, to its end; then the sums."""
    told.append(one_life(disk_world(world.state, world.session_id, turns=1)))
    account.lives_over += told[-1].over
    account.settled += [seconds for life in told for seconds in life.settled]
    check(world, told, disk_effects(world.state), account)


def named_points(folder: Path) -> Iterator[tuple[str, str]]:
    """Every point that a life passes, with the point at which the life before it was killed."""
    for before in BEFORE:
        world = disk_world(folder / new_id(), new_id(), turns=2)
        world.state.mkdir()
        if before:
            one_life(world, point=before)
        for point in dict.fromkeys(one_life(world, list_points=True).points):
            yield before, point


def kills_by_name(folder: Path, account: Account) -> int:
    """One kill at each named point; returns how many points there are."""
    points = list(named_points(folder))
    for before, point in points:
        world = disk_world(folder / new_id(), new_id(), turns=2)
        world.state.mkdir()
        told = [one_life(world, point=before)] if before else []
        told.append(one_life(world, point=point))
        account.deaths += 1 + bool(before)
        if told[-1].over or told[-1].stuck:
            account.damaged.append(f"{point} was not reached after {before or 'nothing'}")
        finish(world, told, account)
    return len({point for _, point in points})


def table(name: str, account: Account) -> None:
    """Print one run."""
    print(f"\n| {name} | |\n|---|---:|")
    ends = ", ".join(f"{count} {state}" for state, count in sorted(account.ends.items()))
    rows: list[tuple[str, object]] = [
        ("kills", account.deaths),
        ("commands that were done", account.executed),
        ("done twice", len(account.twice)),
        ("done without a durable decision and intent", len(account.undecided)),
        ("acknowledged decisions or messages lost", len(account.lost)),
        ("ledgers that failed the whole check afterwards", len(account.damaged)),
        ("actions that left, by how they ended", ends),
    ]
    if account.settled:
        slowest = max(account.settled)
        median = statistics.median(account.settled)
        rows.append(("start until nothing is open, median", f"{median * 1e3:.0f} ms"))
        rows.append(("start until nothing is open, slowest", f"{slowest * 1e3:.0f} ms"))
    for what, value in rows:
        print(f"| {what} | {value} |")
    for finding in [*account.twice, *account.undecided, *account.lost, *account.damaged][:10]:
        print(f"  ! {finding}")


def run(name: str, work: Callable[[Account], object]) -> bool:
    """Do one run and print it; False when something happened that must not."""
    account = Account()
    found = work(account)
    table(f"{name} ({found} points)" if isinstance(found, int) else name, account)
    return account.sound


def main() -> int:
    """Run and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=2000, help="kills at random points")
    options.add_argument("--docker", type=int, default=0, help="kills over a real container")
    options.add_argument("--seed", type=int, default=None, help="of the random points")
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(10**6)
    draw = random.Random(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = run("every named point", lambda account: kills_by_name(folder, account))
        sound &= run("random points", lambda a: random_kills(chosen.count, folder, draw, a))
        if chosen.docker:
            from bench.crash_docker import kills_in_docker

            sound &= run("real box", lambda a: kills_in_docker(chosen.docker, folder, draw, a))
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
