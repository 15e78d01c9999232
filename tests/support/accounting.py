"""What a killed life left, held against what it had promised and against what was really done."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger.inspection import examine, open_to_read
from tests.support.crashing import Told, World

Effects = Mapping[str, Sequence[str]]
"""What was done for each action, by its id: a command each time. Every call has another command."""


@dataclass
class Account:
    """The sums over many deaths."""

    deaths: int = 0
    lives_over: int = 0
    executed: int = 0
    twice: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """Done without a durable intent and a durable decision to allow exactly that."""
    lost: list[str] = field(default_factory=list)
    """Acknowledged decisions and messages that are not there."""
    damaged: list[str] = field(default_factory=list)
    """Ledgers that did not pass the whole check after a kill."""
    settled: list[float] = field(default_factory=list)
    """Seconds from a start until nothing of an earlier life was open."""
    ends: Counter[str] = field(default_factory=Counter)
    """How actions ended."""

    @property
    def sound(self) -> bool:
        """True when nothing happened that must not."""
        return not (self.twice or self.undecided or self.lost or self.damaged)


def disk_effects(state: Path) -> dict[str, list[str]]:
    """What a disk world's box did."""
    return {
        effect.parent.name: effect.read_text().splitlines()
        for effect in (state / "effects").glob("*/effect")
    }


def check(world: World, told: Iterable[Told], effects: Effects, account: Account) -> None:
    """Compare a ledger that nobody has open with all that its lives said and did."""
    problem = ""
    if not world.ledger.exists():
        rows: list[tuple[str, str]] = []
        messages: set[str] = set()
        decided: set[str] = set()
    else:
        try:
            examine(world.ledger)
        except LedgerError as error:
            problem = str(error)
        with closing(open_to_read(world.ledger)) as db:
            rows, messages, decided = _rows(db)
    if problem:
        account.damaged.append(problem)
    left = {action for action, _ in rows}
    done = Counter(command for commands in effects.values() for command in commands)
    account.twice += [command for command, times in done.items() if times > 1]
    account.undecided += [action for action in effects if action not in left]
    for life in told:
        account.lost += [f"decision {a}" for a in life.decided if a not in decided]
        account.lost += [f"message {m}" for m in life.sent if m not in messages]
    account.executed += len(effects)
    account.ends += Counter(state for _, state in rows)


def _rows(db: sqlite3.Connection) -> tuple[list[tuple[str, str]], set[str], set[str]]:
    """The actions that left by right with their state, the messages' texts, the decisions."""
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'dispatch'").fetchone():
        return [], set(), set()
    left = db.execute(
        "SELECT a.id, a.state FROM action AS a JOIN decision AS d ON d.action_id = a.id"
        " JOIN dispatch AS s ON s.action_id = a.id"
        " WHERE d.outcome = 'allow' AND d.digest = a.digest AND s.digest = a.digest"
    ).fetchall()
    texts = db.execute(
        "SELECT json_extract(body, '$.text') FROM event WHERE kind = 'message_queued'"
    ).fetchall()
    decided = db.execute("SELECT action_id FROM decision").fetchall()
    return left, {text for (text,) in texts}, {action for (action,) in decided}
