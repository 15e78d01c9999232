"""The life of an action is held by the database itself, whoever writes to it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Ended, Outcome
from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.ledger import SqliteLedger, opening
from pocketcoder_tui.ledger.packing import unpack
from pocketcoder_tui.ledger.projection import append
from pocketcoder_tui.ledger.schema import migrate
from tests.ledger.samples import (
    LEGAL,
    OPENING,
    SESSION,
    TURN,
    action,
    decided,
    dispatched,
    ended,
    life_to,
    proposed,
    step,
)

ALL_PAIRS = list(product(ActionState, ActionState))
OTHER = "o" * 32


async def state_of(ledger: SqliteLedger, action_id: str) -> ActionState:
    transcript = Transcript()
    transcript.apply_all(await ledger.replay(SESSION))
    return transcript.deed(action_id).state


@pytest.mark.parametrize(("old", "new"), ALL_PAIRS)
async def test_every_pair_of_states_by_event(
    ledger: SqliteLedger, old: ActionState, new: ActionState
) -> None:
    what = action("a")
    before = [*OPENING, *life_to(what, old)]
    await ledger.record(SESSION, *before)
    if (old, new) in LEGAL:
        await ledger.record(SESSION, step(what, new))
        assert await state_of(ledger, "a") is new
    else:
        with pytest.raises(TransitionRefused) as refusal:
            await ledger.record(SESSION, step(what, new))
        assert refusal.value.sentence.endswith(".")
        assert "constraint" not in refusal.value.sentence.lower()
        assert await ledger.replay(SESSION) == before
        assert await state_of(ledger, "a") is old


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger as another program would write to it."""
    with (
        opening.take(path),
        closing(opening.Opening(path)) as opened,
        closing(opened.connect()) as connection,
    ):
        yield connection


def fill(raw: sqlite3.Connection, *events: ev.Durable) -> None:
    raw.execute("BEGIN")
    for event in events:
        append(raw, SESSION, event, 9.0)
    raw.execute("COMMIT")


@pytest.mark.parametrize(("old", "new"), ALL_PAIRS)
def test_no_bare_update_moves_an_action_past_a_missing_row(
    raw: sqlite3.Connection, old: ActionState, new: ActionState
) -> None:
    """Only waiting and superseded need no row of their own."""
    fill(raw, *OPENING, *life_to(action("a"), old))
    update = ("UPDATE action SET state = ? WHERE id = 'a'", (new.value,))
    if (old, new) in LEGAL and new in {ActionState.WAITING, ActionState.SUPERSEDED}:
        raw.execute(*update)
    else:
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(*update)
        assert raw.execute("SELECT state FROM action").fetchone() == (old.value,)


@pytest.mark.parametrize("table", ["event", "decision", "dispatch", "execution", "action"])
@pytest.mark.parametrize(
    "form", ["UPDATE {t} SET at = 0", "UPDATE {t} SET seq = 77", "DELETE FROM {t}"]
)
def test_what_is_written_once_stays(raw: sqlite3.Connection, table: str, form: str) -> None:
    fill(raw, *OPENING, *life_to(action("a"), ActionState.FINISHED))
    columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    if "SET" in form and form.split()[3] not in columns:
        form = f"UPDATE {{t}} SET {columns[-1]} = 0"
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match=r"never|over already"):
        raw.execute(form.format(t=table))
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


@pytest.mark.parametrize("table", ["event", "decision", "dispatch", "execution", "action"])
def test_replace_does_not_go_around_the_triggers(raw: sqlite3.Connection, table: str) -> None:
    fill(raw, *OPENING, *life_to(action("a"), ActionState.FINISHED))
    before = raw.execute(f"SELECT * FROM {table}").fetchall()
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    assert raw.execute(f"SELECT * FROM {table}").fetchall() == before


BOUND = ["tool", "arguments", "cwd", "container", "base", "digest", "id", "session_id", "turn_id"]


@pytest.mark.parametrize("column", BOUND)
@pytest.mark.parametrize("state", [ActionState.PROPOSED, ActionState.ALLOWED])
def test_what_an_action_would_do_is_never_changed(
    raw: sqlite3.Connection, column: str, state: ActionState
) -> None:
    fill(raw, *OPENING, *life_to(action("a"), state))
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        raw.execute(f"UPDATE action SET {column} = ?", ("f" * 64,))


@pytest.mark.parametrize("state", list(ActionState)[1:])
def test_an_action_begins_as_proposed(raw: sqlite3.Connection, state: ActionState) -> None:
    fill(raw, *OPENING, proposed(action("a")))
    columns = [row[1] for row in raw.execute("PRAGMA table_info(action)")]
    values = ", ".join({"id": "'b'", "state": f"'{state.value}'"}.get(c, c) for c in columns)
    with pytest.raises(sqlite3.IntegrityError, match="begins as proposed"):
        raw.execute(f"INSERT INTO action SELECT {values} FROM action")


async def test_an_action_stays_within_its_session(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, proposed(action("a")))
    theirs = "8" * 32
    await ledger.record(OTHER, ev.SessionStarted(OTHER, "/w", 1.0), ev.TurnStarted(theirs, 1.0))
    with pytest.raises(TransitionRefused, match="no such turn"):
        await ledger.record(OTHER, proposed(action("b", session=OTHER, turn=TURN)))
    heir = replace(action("b", session=OTHER, turn=theirs), supersedes="a")
    with pytest.raises(TransitionRefused, match="not in this session"):
        await ledger.record(OTHER, proposed(heir))
    with pytest.raises(TransitionRefused, match="proposed already"):
        await ledger.record(SESSION, proposed(action("a")))


@pytest.mark.parametrize("column", ["id", "workspace", "started"])
def test_only_the_title_of_a_session_changes(raw: sqlite3.Connection, column: str) -> None:
    fill(raw, OPENING[0])
    raw.execute("UPDATE session SET title = 'new'")
    with pytest.raises(sqlite3.IntegrityError, match="Only the title"):
        raw.execute(f"UPDATE session SET {column} = 5")


WHOLE_LIFE = [
    ActionState.PROPOSED,
    ActionState.ALLOWED,
    ActionState.DISPATCHED,
    ActionState.FINISHED,
]


@settings(max_examples=40)
@example([("a", state) for state in WHOLE_LIFE])
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(ActionState)), max_size=25))
def test_any_sequence_of_steps_follows_the_drawing(steps: list[tuple[str, ActionState]]) -> None:
    """Two actions at once: each moves by LEGAL alone, and the fold over the log agrees."""
    expected: dict[str, ActionState] = {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        fill(db, *OPENING)
        for name, new in steps:
            old = expected.get(name)
            if (old, new) in LEGAL or (old is None and new is ActionState.PROPOSED):
                expected[name] = new
                fill(db, step(action(name), new))
            else:
                with pytest.raises((sqlite3.IntegrityError, TransitionRefused)):
                    fill(db, step(action(name), new))
                db.execute("ROLLBACK")
        assert dict(db.execute("SELECT id, state FROM action")) == expected
        transcript = Transcript()
        rows = db.execute("SELECT body, text FROM event LEFT JOIN output USING (seq) ORDER BY seq")
        transcript.apply_all(unpack(body, text) for body, text in rows)
        assert {name: transcript.deed(name).state for name in expected} == expected


async def test_of_two_answers_at_once_exactly_one_wins(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    for n in range(30):
        what = action(f"a{n}")
        await ledger.record(SESSION, *life_to(what, ActionState.WAITING))
        answers = [decided(what, Outcome.ALLOW), decided(what, Outcome.DENY)]
        ends = await asyncio.gather(
            *(ledger.record(SESSION, answer) for answer in answers), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == ["NoneType", "TransitionRefused"]
        winner = answers[ends.index(None)].decision.outcome
        won = ActionState.ALLOWED if winner is Outcome.ALLOW else ActionState.DENIED
        assert await state_of(ledger, what.id) is won


async def test_two_decisions_first_one_stands(ledger: SqliteLedger) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, *life_to(what, ActionState.WAITING), decided(what))
    for outcome in Outcome:
        with pytest.raises(TransitionRefused, match="decided already"):
            await ledger.record(SESSION, decided(what, outcome))
    assert await state_of(ledger, "a") is ActionState.ALLOWED


async def test_a_decision_about_other_bytes_decides_nothing(ledger: SqliteLedger) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, proposed(what))
    wrong = decided(action("a", command="rm -rf ."))
    with pytest.raises(TransitionRefused, match="something other"):
        await ledger.record(SESSION, wrong)
    assert await state_of(ledger, "a") is ActionState.PROPOSED


async def test_other_bytes_than_allowed_are_not_dispatched(ledger: SqliteLedger) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, proposed(what), decided(what))
    with pytest.raises(TransitionRefused, match="not what was allowed"):
        await ledger.record(SESSION, dispatched(action("a", command="ls ")))
    await ledger.record(SESSION, dispatched(what))


async def test_nothing_leaves_without_a_decision(ledger: SqliteLedger) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, proposed(what))
    with pytest.raises(TransitionRefused, match="no decision"):
        await ledger.record(SESSION, dispatched(what))
    await ledger.record(SESSION, decided(what, Outcome.DENY))
    with pytest.raises(TransitionRefused, match="denied"):
        await ledger.record(SESSION, dispatched(what))


async def test_an_action_replaced_after_it_was_allowed_does_not_leave(
    ledger: SqliteLedger,
) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, proposed(what), decided(what))
    await ledger.record(SESSION, ev.ActionSuperseded("a", "the box is another one"))
    with pytest.raises(TransitionRefused, match="replaced"):
        await ledger.record(SESSION, dispatched(what))
    again = replace(action("b"), supersedes="a")
    await ledger.record(SESSION, proposed(again))
    with pytest.raises(TransitionRefused, match="no decision"):
        await ledger.record(SESSION, dispatched(again))


async def test_a_refused_step_takes_its_whole_transaction_with_it(ledger: SqliteLedger) -> None:
    what = action("a")
    await ledger.record(SESSION, *OPENING, proposed(what))
    with pytest.raises(TransitionRefused):
        await ledger.record(SESSION, decided(what), dispatched(what), dispatched(what))
    assert await state_of(ledger, "a") is ActionState.PROPOSED
    await ledger.record(SESSION, decided(what), dispatched(what), ended(what, Ended.UNKNOWN))


@pytest.mark.parametrize(
    "event",
    [
        ev.ActionWaiting("nobody", "why"),
        ev.ActionSuperseded("nobody", "why"),
        decided(action("nobody")),
        dispatched(action("nobody")),
        ended(action("nobody")),
        ev.TurnEnded("nobody", ev.TurnOutcome.DONE, "", "", 1.0),
        ev.MessagesTaken(TURN, ("nobody",)),
        proposed(action("a", turn="nobody")),
        proposed(replace(action("a"), supersedes="nobody")),
        proposed(action("a", session=OTHER)),
    ],
    ids=lambda event: event.kind,
)
async def test_what_the_ledger_does_not_know_is_refused(
    ledger: SqliteLedger, event: ev.Durable
) -> None:
    await ledger.record(SESSION, *OPENING)
    with pytest.raises(TransitionRefused):
        await ledger.record(SESSION, event)
    assert await ledger.replay(SESSION) == list(OPENING)


@pytest.mark.parametrize("new", list(ActionState)[1:])
async def test_no_session_touches_another_ones_action(
    ledger: SqliteLedger, new: ActionState
) -> None:
    what = action("a")
    state = next(old for old, to in LEGAL if to is new)
    await ledger.record(SESSION, *OPENING, *life_to(what, state))
    await ledger.record(OTHER, ev.SessionStarted(OTHER, "/w", 1.0))
    with pytest.raises(TransitionRefused, match="no such action"):
        await ledger.record(OTHER, step(what, new))
    assert await state_of(ledger, "a") is state


async def test_sessions_turns_and_messages_happen_once(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, ev.MessageQueued("m", "hi", 2.0))
    await ledger.record(SESSION, ev.MessagesTaken(TURN, ("m",)))
    over = ev.TurnEnded(TURN, ev.TurnOutcome.DONE, "", "", 3.0)
    await ledger.record(SESSION, over)
    again: list[ev.Durable] = [
        OPENING[0],
        OPENING[1],
        over,
        ev.MessageQueued("m", "hi", 2.0),
        ev.MessagesTaken(TURN, ("m",)),
    ]
    for event in again:
        with pytest.raises(TransitionRefused):
            await ledger.record(SESSION, event)


async def test_a_message_is_changed_or_taken_back_only_while_it_waits(ledger: SqliteLedger) -> None:
    queued = [ev.MessageQueued(m, "hi", 2.0) for m in ("kept", "gone")]
    await ledger.record(SESSION, *OPENING, *queued, ev.MessageEdited("kept", "ho", 3.0))
    await ledger.record(SESSION, ev.MessageWithdrawn("gone", 4.0))
    for event in (
        ev.MessagesTaken(TURN, ("kept", "gone")),
        ev.MessageEdited("gone", "back", 5.0),
        ev.MessageWithdrawn("gone", 5.0),
    ):
        with pytest.raises(TransitionRefused, match="took this message back"):
            await ledger.record(SESSION, event)
    await ledger.record(SESSION, ev.MessagesTaken(TURN, ("kept",)))
    for event in (ev.MessageEdited("kept", "late", 5.0), ev.MessageWithdrawn("kept", 5.0)):
        with pytest.raises(TransitionRefused, match="went to the model already"):
            await ledger.record(SESSION, event)
    await ledger.record(OTHER, ev.SessionStarted(OTHER, "/w", 1.0))
    with pytest.raises(TransitionRefused, match="no such message"):
        await ledger.record(OTHER, ev.MessageEdited("kept", "mine", 5.0))


async def test_a_session_must_have_started(ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError, match="no such session"):
        await ledger.record(SESSION, ev.SessionTitled("t"))
    with pytest.raises(LedgerError, match="another one"):
        await ledger.record(OTHER, OPENING[0])
    assert await ledger.sessions() == []
