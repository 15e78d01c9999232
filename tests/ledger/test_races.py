"""Two answers to one row: exactly one wins, and the other is told what became of it."""

import asyncio

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.ledger import SqliteLedger
from tests.ledger.samples import OPENING, SESSION, action, decided, proposed

RACES = 1_000


async def test_of_two_answers_exactly_one_wins_a_thousand_times(ledger: SqliteLedger) -> None:
    await ledger.record(SESSION, *OPENING)
    for n in range(RACES):
        what = action(f"a{n}")
        await ledger.record(SESSION, proposed(what))
        answers = [decided(what, Outcome.ALLOW), decided(what, Outcome.DENY)]
        ends = await asyncio.gather(
            *(ledger.record(SESSION, answer) for answer in answers), return_exceptions=True
        )
        (loser,) = [end for end in ends if end is not None]
        assert isinstance(loser, TransitionRefused)
        assert "decided already" in loser.sentence
    (rows,) = await ledger.read(lambda db: db.execute("SELECT count(*) FROM decision").fetchone())
    assert rows == RACES
