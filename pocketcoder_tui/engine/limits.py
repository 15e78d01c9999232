"""Limits of a turn and a session: where one is reached a row asks, and nothing is cut off.

They are counted from the session's events before each call of the model, so a resumed session
counts what the live one did. Going on gives as much again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.prices import PriceTable, money
from pocketcoder_tui.core.spending import calls_in, total
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.desk import Desk, Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.gatekeeper.policy import Verdict
from pocketcoder_tui.gatekeeper.toolset import GO_ON, WATCHING

__all__ = ["Bounds", "Limit", "LimitDesk", "Reached", "reached"]

STOPPED = "The turn was stopped before this was decided."
CUT_OFF = "The program ended; it is asked again when it is reached again."


class Limit(StrEnum):
    """What can be reached."""

    SAME = "same"
    STEPS = "steps"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far it goes without a question; 0 is no limit."""

    same: int = 3
    """Calls in a row with the same tool and arguments."""
    steps: int = 0
    """Calls of the model in a turn."""
    dollars: float = 0.0
    """Of a session, as far as prices are known."""
    prices: PriceTable = field(default_factory=PriceTable)


@dataclass(frozen=True, slots=True)
class Reached:
    """One that is reached."""

    limit: Limit
    title: str
    sentence: str


def reached(events: Sequence[ev.Durable], turn_id: str, bounds: Bounds) -> Reached | None:
    """The first limit that the next call of the model would pass. Pure."""
    turn = _since(events, turn_id)
    if bounds.same and (same := _same(turn)) >= bounds.same:
        title = f"{same} times the same call"
        sentence = (
            f"The agent made the same call {same} times in a row. It may be going in circles."
        )
        return Reached(Limit.SAME, title, sentence)
    steps = sum(isinstance(event, ev.ReplyStarted) for event in turn)
    if bounds.steps and steps >= bounds.steps * (1 + _allowed(turn, Limit.STEPS)):
        sentence = f"This turn has asked the model {steps} times (POCKETCODER_TURN_STEPS)."
        return Reached(Limit.STEPS, f"{steps} steps in this turn", sentence)
    if bounds.dollars:
        spent = total(calls_in(events), bounds.prices).dollars
        if spent >= bounds.dollars * (1 + _allowed(events, Limit.MONEY)):
            sentence = f"This session has cost {money(spent)} (POCKETCODER_SESSION_BUDGET)."
            return Reached(Limit.MONEY, f"{money(spent)} spent in this session", sentence)
    return None


def _since(events: Sequence[ev.Durable], turn_id: str) -> Sequence[ev.Durable]:
    """The events of a turn that is not over, from its beginning."""
    for at in range(len(events) - 1, -1, -1):
        event = events[at]
        if isinstance(event, ev.TurnStarted) and event.turn_id == turn_id:
            return events[at:]
    return events


def _same(turn: Sequence[ev.Durable]) -> int:
    """How many calls in a row are the same, at the end and since the last question about it."""
    count, last = 0, None
    for event in reversed(turn):
        if not isinstance(event, ev.ActionProposed):
            continue
        call = event.action.call
        if call.tool == GO_ON and call.arguments.get("limit") == Limit.SAME:
            break
        if not event.action.reply_id or event.action.supersedes or call.tool in WATCHING:
            continue  # to look again at what goes on is no circle
        this = (call.tool, call.arguments)
        if last is not None and this != last:
            break
        count, last = count + 1, this
    return count


def _allowed(events: Sequence[ev.Durable], limit: Limit) -> int:
    """How often the person let it go on."""
    asked = {
        event.action.id
        for event in events
        if isinstance(event, ev.ActionProposed)
        and event.action.call.tool == GO_ON
        and event.action.call.arguments.get("limit") == limit
    }
    ended = (event.execution for event in events if isinstance(event, ev.ActionEnded))
    return sum(execution.action_id in asked for execution in ended)


class LimitDesk:
    """Asks when a limit is reached. Holds nothing: the ledger does."""

    def __init__(self, journal: Journal, desk: Desk, bounds: Bounds) -> None:
        self._journal = journal
        self._desk = desk
        self._bounds = bounds

    async def may_go_on(self, turn_id: str) -> bool:
        """Whether the model may be asked once more; the person is asked when a limit is reached."""
        found = reached(self._journal.events, turn_id, self._bounds)
        return found is None or await self._ask(turn_id, found)

    async def take_up(self, deed: Deed) -> None:
        """One that waited in an earlier process; its turn ended with that."""
        await self._journal.write(ev.ActionSuperseded(deed.id, CUT_OFF))

    async def _ask(self, turn_id: str, found: Reached) -> bool:
        action = Action(
            new_id(), self._journal.session_id, turn_id, "",
            ToolCall(new_id(), GO_ON, {"limit": found.limit.value}), cwd="", container="",
            at=time.time(),
        )  # fmt: skip
        text = (
            f"{found.sentence}\n\nAllowing lets it go on for as much again; denying ends the turn."
        )
        preview = Preview(PreviewKind.TEXT, "go on", found.title, text)
        await self._journal.write(ev.ActionProposed(action, preview))
        try:
            decision = await self._desk.settle(action, Verdict(None, found.sentence))
        except (Dropped, Moved):
            await self._journal.write(ev.ActionSuperseded(action.id, STOPPED))
            return False
        if decision.outcome is not Outcome.ALLOW:
            return False
        now = time.time()
        done = Execution(action.id, Ended.FINISHED, 0, started=now)
        await self._journal.write(
            ev.ActionDispatched(action.id, action.digest, now), ev.ActionEnded(done)
        )
        return True
