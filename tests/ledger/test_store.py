"""What is recorded comes back; a cancelled task neither loses it nor leaves a transaction open."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.model import Finish, PartKind, Usage
from pocketcoder_tui.core.ports import Ledger
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.ledger import SqliteLedger
from tests.ledger.samples import (
    OPENING,
    SESSION,
    TURN,
    action,
    life_to,
    proposed,
)

OTHER = "o" * 32

STORY: list[ev.Durable] = [
    *OPENING,
    ev.SessionTitled("fix \ud83e the rounding"),
    ev.MessageQueued("m1", "hello\n\ttabs, \x00 and 🙂", 2.0),
    ev.MessagesTaken(TURN, ("m1",)),
    ev.ReplyStarted(TURN, "r", "gemini", "flash", 3.0),
    ev.PartGrew("r", "p1", PartKind.THOUGHT, "hm", {"thought": True, "n": 2**70}),
    ev.PartGrew("r", "p2", PartKind.TEXT, "I look.", {"text": "I look."}),
    ev.ReplyEnded("r", Finish.DONE, "STOP", Usage(1, 2, 3, 4, 5), 4.0),
    *life_to(action("a"), ActionState.FINISHED),
    *life_to(action("b"), ActionState.WAITING),
    ev.Noticed("warning", "slow", "wait", 6.0),
    ev.TurnEnded(TURN, ev.TurnOutcome.DONE, "", "", 7.0),
]


def the_port(ledger: SqliteLedger) -> Ledger:
    return ledger


async def test_replay_is_what_was_recorded_in_order(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        for event in STORY:
            await the_port(ledger).record(SESSION, event)
    async with await SqliteLedger.open(path) as ledger:
        back = await ledger.replay(SESSION)
    assert back == STORY
    live, resumed = Transcript(), Transcript()
    live.apply_all(STORY)
    resumed.apply_all(back)
    assert resumed == live


async def test_many_events_in_one_transaction_are_the_same_story(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *STORY)
    assert await ledger.replay(SESSION) == STORY


async def test_no_event_is_no_transaction(ledger: SqliteLedger) -> None:
    await ledger.record("nobody")
    assert await ledger.sessions() == []


async def test_an_unknown_session_is_a_sentence(ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError, match="no session nobody"):
        await ledger.replay("nobody")
    with pytest.raises(LedgerError, match="half of a character"):
        await ledger.replay("\ud800")


async def test_sessions_are_counted_and_the_last_changed_is_first(path: Path) -> None:
    ticks: Iterator[int] = count(100)
    async with await SqliteLedger.open(path, clock=lambda: float(next(ticks))) as ledger:
        await ledger.record(SESSION, *OPENING, proposed(action("p")))
        for name, state in (("w", ActionState.WAITING), ("f", ActionState.FINISHED)):
            await ledger.record(SESSION, *life_to(action(name), state))
        await ledger.record(OTHER, ev.SessionStarted(OTHER, "/home/ada/other", 50.0))
        first, second = await ledger.sessions()
        assert (first.id, first.turns, first.open_actions, first.title) == (OTHER, 0, 0, "")
        assert (first.started, first.changed) == (50.0, 110.0)
        assert (second.id, second.turns, second.open_actions) == (SESSION, 1, 2)
        await ledger.record(SESSION, ev.SessionTitled("rounding"))
        first, second = await ledger.sessions()
        assert (first.id, first.title, first.changed) == (SESSION, "rounding", 111.0)


@pytest.mark.parametrize("state", list(ActionState))
async def test_an_open_action_is_what_core_calls_open(
    ledger: SqliteLedger, state: ActionState
) -> None:
    await ledger.record(SESSION, *OPENING, *life_to(action("a"), state))
    (summary,) = await ledger.sessions()
    assert summary.open_actions == int(state.is_open)


async def test_a_cancelled_record_is_whole_before_the_cancellation_goes_on(
    ledger: SqliteLedger,
) -> None:
    await ledger.record(SESSION, *OPENING)
    for n in range(20):
        task = asyncio.ensure_future(ledger.record(SESSION, ev.MessageQueued(f"m{n}", "x", 1.0)))
        for _ in range(n % 4):
            await asyncio.sleep(0)
        started = n % 4 > 0
        task.cancel()
        if n % 2:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ledger._connection.in_transaction
        kept = await ledger.replay(SESSION)
        assert (ev.MessageQueued(f"m{n}", "x", 1.0) in kept) is started
    await ledger.record(SESSION, ev.SessionTitled("goes on"))


async def test_records_of_many_tasks_are_each_whole(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)

    async def pair(n: int) -> None:
        await ledger.record(
            SESSION, ev.MessageQueued(f"a{n}", "", 1.0), ev.MessageQueued(f"b{n}", "", 1.0)
        )

    async with asyncio.TaskGroup() as tasks:
        for n in range(30):
            tasks.create_task(pair(n))
    ids = [e.message_id for e in await ledger.replay(SESSION) if isinstance(e, ev.MessageQueued)]
    assert len(ids) == 60
    assert all(b == "b" + a[1:] for a, b in zip(ids[::2], ids[1::2], strict=True))


async def test_a_closed_ledger_says_so_and_closes_twice(path: Path) -> None:
    ledger = await SqliteLedger.open(path)
    pending = asyncio.ensure_future(ledger.record(SESSION, *OPENING))
    await asyncio.sleep(0)
    await ledger.aclose()
    await pending
    await ledger.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.sessions()
    async with await SqliteLedger.open(path) as again:
        assert await again.replay(SESSION) == list(OPENING)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_open_leaves_no_owner(path: Path, turns: int) -> None:
    task = asyncio.ensure_future(SqliteLedger.open(path))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.sessions() == []


NOT_CLOSED = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.core.events import SessionStarted
async def main():
    ledger = await SqliteLedger.open(Path(sys.argv[1]))
    await ledger.record("s", SessionStarted("s", "/w", 1.0))
    kept.append(ledger)
    try:
        await SqliteLedger.open(Path("/proc/nothing/here"))
    except Exception as error:
        print(type(error).__name__)
kept = []
asyncio.run(main())
"""


def test_a_program_that_forgets_to_close_ends_without_hanging_or_a_traceback(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOT_CLOSED, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "LedgerError\n"
    assert "Traceback" not in done.stderr
