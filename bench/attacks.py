"""Attacks from within the box, while the app's event loop is watched.

    uv run python -m bench.attacks [MEGABYTES]

For each: the longest time for which nothing else was done in the event loop, where the screen is
drawn, beside that of `echo nothing` in the same run; and the time from the attack's end until the
next command had run, a restart of the box included. MEGABYTES are printed by the last one. Exits
with 1 when a stretch is over 100 ms, or a box is not back within 5 s.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from pocketcoder_tui.sandbox.image import image_tag
from tests.support.attacks import ATTACKS, NOTHING, Outcome, attacked, output

STRETCH, BACK = 0.1, 5.0
"""Seconds, at most."""


def one(command: str) -> Outcome:
    """Run one in a session and a box of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(attacked(Path(folder), image_tag(), command))


def main(megabytes: int) -> int:
    """Run them all and print a table; the exit status."""
    base = one(NOTHING)
    missed = []
    print("| attack | longest stretch, ms | of `echo nothing`'s | back after, s | told as |")
    print("|---|---:|---:|---:|---|")
    for name, command in {
        "`echo nothing`": NOTHING, **ATTACKS, f"{megabytes} MB of output": output(megabytes)
    }.items():  # fmt: skip
        seen = one(command)
        told = f"{seen.state.value}, exit {seen.status}" if seen.status is not None else seen.error
        ratio = seen.stretch / base.stretch
        print(f"| {name} | {seen.stretch * 1e3:.0f} | {ratio:.1f} | {seen.back:.1f} | {told} |")
        sys.stdout.flush()
        if seen.stretch > STRETCH or seen.back > BACK:
            missed.append(name)
    print(f"\nmissed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
