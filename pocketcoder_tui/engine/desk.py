"""The approval desk: where actions wait, for ever if need be, and decisions arrive."""

import asyncio
import time

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, ActionState, DecidedBy, Decision, Outcome, ToolCall
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.gatekeeper.policy import Verdict
from pocketcoder_tui.gatekeeper.toolset import ASK

MOVED = "It would happen in another place than was shown, so it is asked again."
UNANSWERED = "A question wants an answer with it."
FILE_CHANGED = "The file was written meanwhile, so the change is shown as it would be now."


class Moved(Exception):
    """An action must be asked anew; the text says why, by default that its place changed."""

    def __init__(self, why: str = MOVED) -> None:
        super().__init__(why)


class Edited(Moved):
    """The person wants another call in its place; that one needs its own decision."""

    def __init__(self, why: str, call: ToolCall, who: str) -> None:
        super().__init__(why)
        self.call = call
        self.who = who
        """The person's login name."""


class Dropped(Exception):
    """The turn was stopped; nobody decides any more, and nothing leaves."""


class Desk:
    """Holds one future for each waiting action; the ledger holds the truth."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[str, asyncio.Future[Decision]] = {}
        self._deciding: dict[str, Exception | None] = {}
        """Actions whose decision is being written, and what would have woken them meanwhile."""
        self._first: dict[str, Decision] = {}
        """The decisions on their way to the disk."""

    async def settle(self, action: Action, verdict: Verdict) -> Decision:
        """Return the decision about a proposed action, asking the person if the verdict does.

        Raises Moved when the action has to be bound again before anybody decides.
        """
        if verdict.outcome is not None:
            decision = _decision(action, verdict.outcome, verdict.by, verdict.who, verdict.why)
            await self._journal.write(ev.ActionDecided(decision))
            return decision
        future = self._future(action.id)
        await self._journal.write(ev.ActionWaiting(action.id, verdict.why))
        return await self._await(action.id, future)

    async def settle_again(self, action: Action) -> Decision:
        """Wait for the person once more, for an action that already waited when we stopped."""
        return await self._await(action.id, self._future(action.id))

    async def decide(self, action_id: str, outcome: Outcome, reason: str, who: str = "") -> None:
        """Record the person's decision, once; a caller that is cancelled has decided all the same.

        ``who`` is how they are named when they do not sit at this screen. Raises TransitionRefused
        when it no longer waits; the sentence says who was first, or what became of it. A question
        that is allowed without an answer goes on waiting.
        """
        future = self._undecided(action_id)
        action = self._journal.transcript.deed(action_id).action
        if action.call.tool == ASK and outcome is Outcome.ALLOW and not reason.strip():
            raise TransitionRefused(
                UNANSWERED, hint="pocketcoder approvals allow ID --comment ANSWER"
            )
        decision = _decision(action, outcome, DecidedBy.PERSON, who or login_name(), reason)
        self._deciding[action_id] = None
        self._first[action_id] = decision
        await asyncio.shield(asyncio.ensure_future(self._record(decision, future)))

    def replace(self, action_id: str, edited: Edited) -> None:
        """Ask about another call instead. Raises TransitionRefused when it no longer waits."""
        self._undecided(action_id).set_exception(edited)

    def moved(self, action_id: str, why: str = MOVED) -> None:
        """Wake an action that waits: its directory, its box or its file is another one now."""
        self._wake(action_id, Moved(why))

    def drop(self, action_id: str) -> None:
        """Wake an action that waits: nobody needs the answer any more."""
        self._wake(action_id, Dropped(action_id))

    def drop_all(self) -> None:
        """Wake everything that waits: the turn was stopped."""
        for action_id in tuple(self._waiting):
            self.drop(action_id)

    def _undecided(self, action_id: str) -> asyncio.Future[Decision]:
        """What a waiting action waits for. Raises TransitionRefused with what became of it."""
        deed = self._journal.transcript.entries.get(action_id)
        state = getattr(deed, "state", None)
        future = self._waiting.get(action_id)
        if state is not ActionState.WAITING:
            decision = getattr(deed, "decision", None)
            raise TransitionRefused(
                f"This action does not wait any more: it is {state or 'gone'}."
                if decision is None
                else decided_first(decision)
            )
        if action_id in self._first:
            raise TransitionRefused(decided_first(self._first[action_id]))
        if future is None or future.done():
            raise TransitionRefused("This action is being asked again or taken back.")
        return future

    async def _record(self, decision: Decision, future: asyncio.Future[Decision]) -> None:
        """What would wake the action meanwhile waits: a decision on its way to the disk stands."""
        kept = False
        try:
            await self._journal.write(ev.ActionDecided(decision))
            kept = True
        finally:
            why = self._deciding.pop(decision.action_id)
            del self._first[decision.action_id]
            if kept and not future.done():
                future.set_result(decision)
            elif why is not None and not future.done():
                future.set_exception(why)

    def _wake(self, action_id: str, why: Exception) -> None:
        if action_id in self._deciding:
            self._deciding[action_id] = why
            return
        future = self._waiting.get(action_id)
        if future is not None and not future.done():
            future.set_exception(why)

    def _future(self, action_id: str) -> asyncio.Future[Decision]:
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[action_id] = future
        return future

    async def _await(self, action_id: str, future: asyncio.Future[Decision]) -> Decision:
        try:
            return await future
        finally:
            del self._waiting[action_id]


def _decision(action: Action, outcome: Outcome, by: DecidedBy, who: str, reason: str) -> Decision:
    return Decision(action.id, outcome, by, action.digest, who, reason, time.time())


def decided_first(decision: Decision) -> str:
    """The sentence for whoever answered second."""
    word = "allowed" if decision.outcome is Outcome.ALLOW else "denied"
    clock = time.strftime("%H:%M:%S", time.localtime(decision.at))
    return f"This action was decided already: {decision.who} {word} it at {clock}."
