"""Rules in the ledger: kept, counted in the decision's own transaction, and under the chain."""

import asyncio
import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import Action, ActionState, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.errors import LedgerDamaged, LedgerError, TransitionRefused
from pocketcoder_tui.core.rules import KeptRule
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import examine, records
from tests.ledger.samples import OPENING, SESSION, action, life_to
from tests.ledger.tampering import change, statement

RULE = KeptRule("r1", '{"allow":{"argv":["ls"]}}', Outcome.ALLOW, "workspace", "", 3.0, "ada")
THREE = replace(RULE, id="three", scope="uses", uses=3)


def by_rule(what: Action, rule: str = "r1", at: float = 4.0) -> ev.ActionDecided:
    return ev.ActionDecided(
        Decision(what.id, Outcome.ALLOW, DecidedBy.RULE, what.digest, rule, "", at)
    )


async def opened(ledger: SqliteLedger, *rules: KeptRule) -> None:
    await ledger.record(SESSION, *OPENING)
    for rule in rules:
        await ledger.rules.add(rule)


async def decide(ledger: SqliteLedger, name: str, rule: str = "r1", at: float = 4.0) -> None:
    what = action(name)
    await ledger.record(SESSION, *life_to(what, ActionState.PROPOSED))
    await ledger.record(SESSION, by_rule(what, rule, at))


async def test_a_rule_is_kept_as_it_was_and_counts(path: Path) -> None:
    odd = replace(RULE, id="r2", text='{"deny":"\u202eä"}', outcome=Outcome.DENY, made_from="a")
    async with await SqliteLedger.open(path) as ledger:
        await opened(ledger, RULE, odd)
        assert await ledger.rules.all() == [RULE, odd]
        await decide(ledger, "a")
    async with await SqliteLedger.open(path) as ledger:
        first, second = await ledger.rules.all()
        assert (first.used, first.last_used > 0, second) == (1, True, odd)
        await ledger.verified()


@pytest.mark.parametrize(
    ("rule", "at", "sentence"),
    [
        (replace(RULE, disabled=True), 4.0, "switched off"),
        (replace(RULE, deleted=1.0), 4.0, "deleted"),
        (replace(RULE, id="other"), 4.0, "no such rule"),
        (replace(RULE, outcome=Outcome.DENY), 4.0, "something else"),
        (replace(RULE, scope="session", session_id="o"), 4.0, "another session"),
        (replace(RULE, scope="time", expires=4.0), 4.0, "time of the rule is over"),
        (replace(RULE, scope="time", expires=9.0), 2.0, "time of the rule is over"),
    ],
)
async def test_a_rule_that_does_not_hold_decides_nothing(
    ledger: SqliteLedger, rule: KeptRule, at: float, sentence: str
) -> None:
    await opened(ledger, replace(rule, disabled=False, deleted=0.0))
    if rule.disabled:
        await ledger.rules.disable(rule.id, True, "ada")
    if rule.deleted:
        await ledger.rules.delete(rule.id, "ada")
    with pytest.raises(TransitionRefused, match=sentence):
        await decide(ledger, "a", at=at)
    assert [past.outcome for past in await ledger.rules.past()] == [None]


async def test_a_rule_for_three_decides_three_of_many_at_the_same_time(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await opened(ledger, THREE)
        tries = [decide(ledger, f"a{n}", "three") for n in range(8)]
        came = await asyncio.gather(*tries, return_exceptions=True)
        assert [c for c in came if c is None] == [None] * 3
        assert all(isinstance(c, TransitionRefused) for c in came if c is not None)
    examine(path)


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
def test_a_kill_around_the_decision_never_gives_a_use_back(path: Path, moment: str) -> None:
    async def begin() -> None:
        async with await SqliteLedger.open(path) as ledger:
            await opened(ledger, THREE)

    async def life(name: str) -> None:
        failpoints.hook(failpoints.killer(f"{moment}: action_decided"))
        ledger = await SqliteLedger.open(path)
        await decide(ledger, name, "three")

    async def tell() -> tuple[int, int]:
        async with await SqliteLedger.open(path) as ledger:
            decided = [p for p in await ledger.rules.past() if p.outcome is not None]
            return (await ledger.rules.all())[0].used, len(decided)

    asyncio.run(begin())
    for n in range(6):
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(life(f"a{n}"))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        used, decided = asyncio.run(tell())
        assert used == decided == (min(n + 1, 3) if moment == "after commit" else 0)


async def test_every_change_has_its_record_and_none_says_what_it_is_about(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await opened(ledger, RULE)
        await ledger.rules.disable("r1", True, "ada")
        await ledger.rules.disable("r1", False, "bob")
        await ledger.rules.delete("r1", "ada")
        with pytest.raises(LedgerError, match="no rule r1"):
            await ledger.rules.disable("r1", True, "ada")
    told = [
        (r["facts"]["what"], r["facts"]["by"]) for r, _, _ in records(path) if r["kind"] == "rule"
    ]
    assert told == [("added", "ada"), ("disabled", "ada"), ("enabled", "bob"), ("deleted", "ada")]
    assert not [text for _, text, _ in records(path) if "argv" in text]


async def test_an_offer_is_answered_once_with_its_rules(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        assert not await ledger.rules.answered("looking")
        await ledger.rules.answer("looking", True, "ada", [RULE, replace(RULE, id="r2")])
        with pytest.raises(TransitionRefused, match="answered already"):
            await ledger.rules.answer("looking", False, "ada", [])
    async with await SqliteLedger.open(path) as ledger:
        assert await ledger.rules.answered("looking")
        assert len(await ledger.rules.all()) == 2
        await ledger.verified()


TAMPERED = {
    "what it says": "UPDATE rule SET text = 'x'",
    "its answer": "UPDATE rule SET outcome = 'deny'",
    "how long": "UPDATE rule SET uses = 9 WHERE id = 'three'",
    "a use given back": "UPDATE rule SET used = 0",
    "when": "UPDATE rule SET last_used = 1",
    "switched on": "UPDATE rule SET disabled = 0",
    "deleted": "DELETE FROM rule WHERE id = 'three'",
    "brought back": "UPDATE rule SET deleted = 0",
    "added": "INSERT INTO rule SELECT 'new', text, outcome, scope, session_id, made, made_by, "
    "made_from, expires, uses, used, last_used, disabled, deleted FROM rule WHERE id = 'r1'",
    "an answer": "DELETE FROM offer",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_a_changed_rule_is_found(path: Path, what: str) -> None:
    async with await SqliteLedger.open(path) as ledger:
        gone = replace(RULE, id="gone")
        await opened(ledger, RULE, THREE, gone)
        await decide(ledger, "a")
        await decide(ledger, "b", "three")
        await ledger.rules.disable("r1", True, "ada")
        await ledger.rules.delete("gone", "ada")
        await ledger.rules.answer("looking", False, "ada", [])
    examine(path)
    change(path, statement(TAMPERED[what]), random.Random(1))
    with pytest.raises(LedgerDamaged):
        examine(path, beside_head=False)


Sql = Callable[[sqlite3.Connection], object]


async def test_what_a_rule_says_cannot_be_changed_by_a_statement(ledger: SqliteLedger) -> None:
    await opened(ledger, RULE)
    for sql in ("UPDATE rule SET text = 'x'", "DELETE FROM rule", "UPDATE rule SET used = 2"):
        with pytest.raises(TransitionRefused):
            await ledger.write(lambda writer, sql=sql: writer.db.execute(sql))


async def test_the_mode_of_before_the_end_that_is_read_back_is_told(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, ev.ModeChanged("plan", "ada", 2.5))
    await ledger.record(SESSION, ev.TurnEnded("7" * 32, ev.TurnOutcome.DONE, "", "", 3.0))
    for n in range(20):
        await ledger.record(SESSION, ev.Noticed("info", f"{n}", "", 4.0))
    tail = await ledger.tail(SESSION, 5)
    assert tail.begins
    assert [e.mode for e in tail.events if isinstance(e, ev.ModeChanged)] == ["plan"]


async def test_a_fork_is_in_no_mode_of_the_session_it_came_from(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING, ev.ModeChanged("contained", "ada", 2.5))
    await ledger.record(SESSION, ev.TurnEnded("7" * 32, ev.TurnOutcome.DONE, "", "", 3.0))
    forked = await ledger.shelf.fork(SESSION, "7" * 32)
    for n in range(20):
        await ledger.record(forked, ev.Noticed("info", f"{n}", "", 4.0))
    tail = await ledger.tail(forked, 5)
    assert not [e for e in tail.events if isinstance(e, ev.ModeChanged)]
