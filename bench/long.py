"""A session of 10,000 messages and 2,000 actions against an empty one: opening, memory, search.

    uv run python -m bench.long [--messages N] [--actions N]

Each opening is a process of its own, from its start until the session can be shown: what a person
waits for, the screen's own work left out. Then, in the same process, what goes on behind it: the
whole check and the beginning of the session. Exits with 1 when a limit is missed.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
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
from pocketcoder_tui.core.model import Finish, PartKind, Usage
from pocketcoder_tui.engine.assembly import make_workbench
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.ledger import SqliteLedger

RATIO, MEGABYTES, MILLISECONDS = 1.5, 40.0, 50.0
"""Limits: opening against an empty session, growth of memory, a search."""
OPENINGS = 9
PROSE = (
    "the cart rounds prices to cents before tax and after discount so totals differ by one when "
    "quantities are odd check the test for rounding in module shop python file error value list"
)
WORDS = PROSE.split()
QUERIES = ("rounding", "prices cents", "pytest", "odd quantities differ", "tot", "nothing-like-it")


def prose(draw: random.Random, words: int) -> str:
    """Some words."""
    return " ".join(draw.choice(WORDS) for _ in range(words))


def a_turn(session: str, n: int, draw: random.Random, *, acts: bool) -> list[ev.Durable]:
    """A message and its answer in four pieces, with an action in between if it acts."""
    turn, message, reply, part = new_id(), new_id(), new_id(), new_id()
    now = time.time()
    events: list[ev.Durable] = [
        ev.MessageQueued(message, prose(draw, 30), now),
        ev.TurnStarted(turn, now),
        ev.MessagesTaken(turn, (message,)),
        ev.ReplyStarted(turn, reply, "gemini", "flash", now),
    ]
    if acts:
        events += an_action(session, turn, reply, f"pytest -q tests/test_{n}.py", draw)
        reply = new_id()
        events.append(ev.ReplyStarted(turn, reply, "gemini", "flash", now))
    for _ in range(4):
        text = prose(draw, 12) + " "
        events.append(ev.PartGrew(reply, part, PartKind.TEXT, text, {"text": text}))
    events.append(ev.ReplyEnded(reply, Finish.DONE, "STOP", Usage(100, 0, 20, 0, 120), now))
    events.append(ev.TurnEnded(turn, ev.TurnOutcome.DONE, "", "", now))
    return events


def an_action(
    session: str, turn: str, reply: str, command: str, draw: random.Random
) -> list[ev.Durable]:
    """A call, the decision, and 1.5 kB of output."""
    call = ToolCall(new_id(), "shell", {"command": command})
    raw = {"functionCall": {"name": "shell", "args": {"command": command}}}
    action = Action(new_id(), session, turn, reply, call, "/workspace", "c" * 64, at=time.time())
    decision = Decision(action.id, Outcome.ALLOW, DecidedBy.PERSON, action.digest, "ada", "", 2.0)
    return [
        ev.PartGrew(reply, call.id, PartKind.CALL, "", raw, call),
        ev.ReplyEnded(reply, Finish.DONE, "STOP", Usage(100, 0, 20, 0, 120), 1.0),
        ev.ActionProposed(action, Preview(PreviewKind.COMMAND, "run", command, command)),
        ev.ActionWaiting(action.id, "Ask mode: every action waits for you."),
        ev.ActionDecided(decision),
        ev.ActionDispatched(action.id, action.digest, 3.0),
        ev.ActionEnded(Execution(action.id, Ended.FINISHED, 0, prose(draw, 300), 0, 3.0, 0.4)),
    ]


async def fill(options: Options, messages: int, actions: int) -> None:
    """Make a ledger with one session; half of the messages are the person's."""
    draw, session = random.Random(1), new_id()
    turns = messages // 2
    async with await SqliteLedger.open(options.paths.ledger) as ledger:
        started = ev.SessionStarted(session, str(options.paths.workspace), time.time())
        await ledger.record(session, started, ev.SessionTitled("a long one"))
        for n in range(turns):
            acts = n * actions // turns != (n + 1) * actions // turns
            await ledger.record(session, *a_turn(session, n, draw, acts=acts))


def options_in(home: Path, name: str) -> Options:
    """A workspace of its own in a home of its own; the last session is taken up."""
    workspace = home / name
    workspace.mkdir(exist_ok=True)
    paths = Paths.for_workspace(workspace, {"HOME": str(home)})
    paths.prepare()
    return Options(paths, Settings(), latest=True)


# --- in the process that is measured


def resident() -> float:
    """Megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def opened(home: Path, name: str, spawned: float) -> None:
    """Open, say when and with how much memory; then what goes on behind, and searches."""
    options = options_in(home, name)
    ready = time.perf_counter()
    session = await make_workbench(options)
    said: dict[str, float] = {
        "program": time.time() - spawned,
        "session": time.perf_counter() - ready,
        "entries": len(session.transcript.entries),
    }
    before = time.perf_counter()
    await session._ledger.verified()
    said["verified"] = time.perf_counter() - before
    before = time.perf_counter()
    await session._journal.read_past()
    said["past"] = time.perf_counter() - before
    said["all"] = len(session.transcript.entries)
    said["memory"] = resident()
    shelf = session.library.shelf
    took = []
    for query in QUERIES * 3:
        before = time.perf_counter()
        await shelf.search(query)
        took.append(time.perf_counter() - before)
    said["search"] = max(took)
    await session.aclose()
    print(json.dumps(said))


# --- around it


def measure(home: Path, name: str) -> dict[str, float]:
    """Open in a process of its own."""
    argv = [sys.executable, "-m", "bench.long", "--opened", str(home), name, str(time.time())]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def main() -> int:
    """Measure and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--messages", type=int, default=10_000)
    options.add_argument("--actions", type=int, default=2_000)
    options.add_argument("--opened", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.opened:
        home, name, spawned = chosen.opened
        asyncio.run(opened(Path(home), name, float(spawned)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        asyncio.run(fill(options_in(home, "empty"), 0, 0))
        asyncio.run(fill(options_in(home, "long"), chosen.messages, chosen.actions))
        size = options_in(home, "long").paths.ledger.stat().st_size / 1e6
        runs = [(measure(home, "empty"), measure(home, "long")) for _ in range(OPENINGS)]
    empty, long = (medians([run[n] for run in runs]) for n in (0, 1))
    print(f"{chosen.messages:,} messages, {chosen.actions:,} actions, {size:.0f} MB\n")
    return int(not table(long, empty))


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def table(long: dict[str, float], empty: dict[str, float]) -> bool:
    """Print what was measured; True when every limit is met."""
    ratio, grown = long["program"] / empty["program"], long["memory"] - empty["memory"]
    slowest = long["search"] * 1e3
    met = [ratio <= RATIO, grown <= MEGABYTES, slowest <= MILLISECONDS]
    words = ["met" if good else "**missed**" for good in met]
    rows = [
        ("process start to a session that can be shown", f"{long['program']:.3f} s",
         f"{empty['program']:.3f} s", f"{ratio:.2f}", f"at most {RATIO}", words[0]),
        ("of that the ledger and the session", f"{long['session'] * 1e3:.0f} ms",
         f"{empty['session'] * 1e3:.0f} ms", "", "", ""),
        ("resident memory, all of it read and checked", f"{long['memory']:.0f} MB",
         f"{empty['memory']:.0f} MB", f"+{grown:.0f}", f"at most +{MEGABYTES:.0f}", words[1]),
        ("a search, the slowest", f"{slowest:.1f} ms", "", "",
         f"at most {MILLISECONDS:.0f} ms", words[2]),
    ]  # fmt: skip
    print("| | long | empty | | goal | |\n|---|---:|---:|---:|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(
        f"\nBehind the screen: the whole check {long['verified']:.2f} s (before the first write), "
        f"the beginning of the session {long['past']:.2f} s. "
        f"{long['entries']:.0f} of {long['all']:.0f} entries are there at once."
    )
    return all(met)


if __name__ == "__main__":
    sys.exit(main())
