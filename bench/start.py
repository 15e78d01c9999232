"""How much CPU a short answer costs: `--version` and `--help` against a bare interpreter.

Run: uv run python bench/start.py
"""

import os
import resource
import statistics
import subprocess
import sys

RUNS = 20
LIMIT = 0.1
"""Seconds of CPU that `--version` may cost."""


def cpu_seconds(argv: list[str]) -> float:
    """Run a program once and return the CPU it used, user and system together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> int:
    """Print the table. Returns 1 when `--version` is over its limit."""
    python = sys.executable
    rows = {
        "python -c pass": [python, "-c", "pass"],
        "pocketcoder --version": [python, "-m", "pocketcoder_tui", "--version"],
        "pocketcoder --help": [python, "-m", "pocketcoder_tui", "--help"],
    }
    for argv in rows.values():
        cpu_seconds(argv)  # the first run writes byte code and fills the disk's cache
    medians = {}
    print(f"CPU seconds, {RUNS} runs each, {os.cpu_count()} cores\n")
    print(f"{'':<24}{'median':>8}{'highest':>9}")
    for name, argv in rows.items():
        times = [cpu_seconds(argv) for _ in range(RUNS)]
        medians[name] = statistics.median(times)
        print(f"{name:<24}{medians[name]:>8.3f}{max(times):>9.3f}")
    met = medians["pocketcoder --version"] <= LIMIT
    print(f"\nlimit for --version: {LIMIT} s, {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
