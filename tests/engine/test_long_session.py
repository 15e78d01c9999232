"""A long session opens by its end; what precedes follows, and nobody can tell the difference."""

import asyncio
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.transcript import Deed, Entry, Transcript
from pocketcoder_tui.engine import journal as journals
from pocketcoder_tui.engine.history import history
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.ledger import SqliteLedger
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import running
from tests.ledger.samples import action, life_to

SESSION = "s" * 32
TURNS = 12


def a_turn(n: int) -> list[ev.Durable]:
    """A message, a command, an answer; every third turn fails with a remark and a typed line."""
    turn, reply = f"{n:032x}", f"r{n}"
    what = action(f"a{n}", f"echo {n}", SESSION, turn)
    outcome = ev.TurnOutcome.FAILED if n % 3 == 0 else ev.TurnOutcome.DONE
    sentence = f"It failed {n}." if n % 3 == 0 else ""
    typed = ev.PersonRan("agent", f"ls {n}", 0, f"out {n}\n", 0, "/workspace", 0.1, 2.0)
    return [
        ev.MessageQueued(f"m{n}", f"message {n}", 1.0),
        ev.TurnStarted(turn, 1.0),
        ev.MessagesTaken(turn, (f"m{n}",)),
        ev.ReplyStarted(turn, reply, "script", "script", 1.0),
        ev.PartGrew(reply, what.call.id, ev.PartKind.CALL, "", {"call": n}, what.call),
        ev.ReplyEnded(reply, ev.Finish.DONE, "", ev.Usage(), 1.0),
        *life_to(what, ActionState.FINISHED),
        *([typed] if n % 3 == 0 else []),
        ev.TurnEnded(turn, outcome, sentence, "", 1.0),
    ]


async def fill(path: Path, *more: ev.Durable) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(
            SESSION, ev.SessionStarted(SESSION, "/w", 1.0), ev.SessionTitled("long")
        )
        for n in range(1, TURNS + 1):
            await ledger.record(SESSION, *a_turn(n))
        await ledger.record(SESSION, *more) if more else None


def plain_ids(transcript: Transcript) -> list[tuple[str, Entry]]:
    """The entries in order; how counted ids begin is of no account."""
    return [
        (id.removeprefix("earlier-").rstrip("0123456789"), entry)
        for id, entry in transcript.entries.items()
        if not id.removeprefix("earlier-").startswith(("remark", "line"))
    ]


@pytest.mark.parametrize("window", [1, 5, 20, 60, 100, 10_000])
async def test_the_end_and_what_precedes_are_together_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(journals, "WINDOW", window)
    monkeypatch.setattr("pocketcoder_tui.ledger.reading.PAGE", 7)
    await fill(tmp_path / "ledger.db")
    async with await SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        events = await ledger.replay(SESSION)
        whole = Transcript()
        whole.apply_all(events)
        journal = Journal(ledger, SESSION)
        await journal.read_back()
        ended = journal.transcript
        assert (ended.session_id, ended.workspace, ended.title) == (SESSION, "/w", "long")
        assert (ended.turn_id, ended.waiting, ended.queued) == ("", [], [])
        assert len(journal.events) >= min(window, len(events))
        few = len(ended.entries)
        await asyncio.gather(journal.read_past(), journal.read_past())
        assert plain_ids(ended) == plain_ids(whole)
        assert len(ended.entries) == len(whole.entries)
        if window < 60:
            assert few < len(whole.entries)
        started = ev.ReplyStarted(f"{1:032x}", "r-new", "script", "script", 9.0)
        assert await journal.begin_reply(started) == history(events)


async def test_who_watches_is_told_when_the_beginning_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "WINDOW", 5)
    await fill(tmp_path / "ledger.db")
    model = ScriptedModel(says("hello"))
    async with running(tmp_path, model, resume=SESSION) as rig:
        await rig.until(lambda: any(isinstance(e, transient.PastRead) for e in rig.events))
        assert "m1" in rig.session.transcript.entries
        assert next(iter(rig.session.transcript.entries)) == "m1"
        await rig.session.send("and now")
        await rig.rest()
        texts = [message.text for message in model.requests[0].messages]
        assert "message 1" in texts
        assert "and now" in texts[-1]


async def test_a_message_right_after_the_start_waits_for_the_whole_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "WINDOW", 5)
    monkeypatch.setattr("pocketcoder_tui.ledger.reading.PAGE", 1)
    await fill(tmp_path / "ledger.db")
    model = ScriptedModel(says("hello"))
    async with running(tmp_path, model, resume=SESSION) as rig:
        await rig.session.send("at once")
        await rig.rest()
        assert len([m for m in model.requests[0].messages if m.text]) == TURNS + 1 + TURNS // 3


async def test_what_was_left_open_long_ago_is_within_what_is_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that was left running when its turn was stopped, many turns before the end."""
    monkeypatch.setattr(journals, "WINDOW", 5)
    turn = "f" * 32
    left = action("left", "make", SESSION, turn)
    path = tmp_path / "ledger.db"
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, ev.SessionStarted(SESSION, "/w", 1.0), ev.SessionTitled("t"))
        await ledger.record(SESSION, *a_turn(1), ev.TurnStarted(turn, 1.0))
        await ledger.record(SESSION, *life_to(left, ActionState.DISPATCHED))
        await ledger.record(SESSION, ev.TurnEnded(turn, ev.TurnOutcome.STOPPED, "", "", 1.0))
        for n in range(2, TURNS):
            await ledger.record(SESSION, *a_turn(n))
    async with running(tmp_path, ScriptedModel(), resume=SESSION) as rig:
        await rig.until(lambda: state_of(rig.session.transcript, "left") is ActionState.UNKNOWN)


def state_of(transcript: Transcript, action_id: str) -> ActionState | None:
    entry = transcript.entries.get(action_id)
    return entry.state if isinstance(entry, Deed) else None


async def test_a_fork_and_an_import_go_on_with_what_they_inherited(tmp_path: Path) -> None:
    await fill(tmp_path / "ledger.db")
    async with await SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        made = await ledger.shelf.fork(SESSION, f"{2:032x}")
    model = ScriptedModel(shell("ls"), says("done"))
    async with running(tmp_path, model, resume=made) as rig:
        assert rig.session.transcript.title == "long (fork)"
        await rig.session.send("go on")
        (deed,) = await rig.waiting()
        await rig.allow(deed)
        await rig.rest()
        texts = [message.text for message in model.requests[0].messages if message.text]
        assert texts == ["message 1", "message 2", "go on"]
    async with await SqliteLedger.open(tmp_path / "ledger.db") as ledger:
        await ledger.verified()
        assert {s.title for s in await ledger.sessions()} == {"long", "long (fork)"}


async def test_a_session_begins_empty_and_asks_for_nothing_more(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(says("hi")), resume="") as rig:
        await rig.session.send(new_id())
        await rig.rest()
        assert not [e for e in rig.events if isinstance(e, transient.PastRead)]
