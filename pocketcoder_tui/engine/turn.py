"""One turn: ask the model, carry out what it asks for, tell it what came of it, until it rests."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import PocketCoderError, TransitionRefused
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import Finish
from pocketcoder_tui.core.ports import Model
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.actor import Actor
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.limits import LimitDesk
from pocketcoder_tui.engine.reply import Reply, ask
from pocketcoder_tui.engine.room import aging_due

ENDINGS = {
    Finish.CUT: "The connection ended in the middle of the reply. What had arrived is kept.",
    Finish.LIMIT: "The reply reached the model's length limit. What had arrived is kept.",
    Finish.REFUSED: "The model's service refused to answer.",
    Finish.MALFORMED: "The model wrote a tool call that cannot be read.",
    Finish.OTHER: "The model ended its reply in an unusual way.",
}
"""A sentence for each way in which a reply ends badly."""

log = logging.getLogger(__name__)

AT_LIMIT = "You ended the turn at its limit."
GO_ON = "Send a message to go on."
TAKEN_BACK = "You took the message back before the model had it."
LOOK = "The log in the state folder has the details."


class Turn:
    """Runs once. Cancelling ``run`` ends the model's reply; commands in the box go on."""

    def __init__(
        self,
        journal: Journal,
        actor: Actor,
        crew: Crew,
        *,
        model: Callable[[], Model],
        system: Callable[[], str],
        clean: Callable[[str], str],
        limits: LimitDesk,
        turn_id: str = "",
        context_tokens: int = 0,
    ) -> None:
        """``clean`` takes secrets out of what the model's service says of a failure.

        ``context_tokens``: what a request may have before room is made; 0 for no limit.
        """
        self.id = turn_id or new_id()
        self._journal = journal
        self._actor = actor
        self._crew = crew
        self._model = model
        self._system = system
        self._context_tokens = context_tokens
        self._clean = clean
        self._limits = limits
        self._stopped = False
        self._acts: list[asyncio.Task[None]] = []
        """What the calls of the reply came to; empty once the model may be asked again."""

    @property
    def acts(self) -> str:
        """The name of the tasks that carry its calls out."""
        return f"action of {self.id}"

    async def run(self) -> None:
        """Take what is queued and work until the model rests.

        An error ends the turn with a sentence. Raises LedgerError when not even its beginning
        could be recorded.
        """
        await self._journal.write(ev.TurnStarted(self.id, time.time()))
        await self._guarded(self._begin())

    async def resume(self, deeds: Sequence[Deed]) -> None:
        """Go on with a turn of an earlier process, from its open actions."""
        await self._guarded(self._resume(deeds))

    def halt(self) -> None:
        """From now on nothing more leaves for the box."""
        self._stopped = True

    async def record_stop(self) -> None:
        """Record that the person stopped it, unless it had ended or not begun."""
        await self._journal.settle()
        if self._journal.transcript.turn_id == self.id:
            await self._end(ev.TurnOutcome.STOPPED, "You stopped the turn.", "")

    def ask_again(self, deed: Deed) -> bool:
        """Ask once more about a denied call; False when the model was told of the denial."""
        if self._stopped or all(task.done() for task in self._acts):
            return False
        work = self._actor.ask_again(deed, self.may_leave)
        self._acts.append(self._crew.start(work, self.acts))
        return True

    def may_leave(self) -> bool:
        """False once the person stopped the turn."""
        return not self._stopped

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PocketCoderError as error:
            await self._end(ev.TurnOutcome.FAILED, error.sentence, error.hint)
        except Exception as error:  # boundary: the top of the worker
            log.exception("turn %s failed", self.id)
            sentence = f"Something went wrong inside pocketcoder: {type(error).__name__}."
            await self._end(ev.TurnOutcome.FAILED, sentence, LOOK)

    async def _resume(self, deeds: Sequence[Deed]) -> None:
        await self._all([self._actor.take_up(deed, self.may_leave) for deed in deeds])
        await self._steps()

    async def _begin(self) -> None:
        if await self._take_queued():
            await self._steps()
        else:
            await self._end(ev.TurnOutcome.STOPPED, TAKEN_BACK, "")

    async def _steps(self) -> None:
        """Each step is one model call and what it asked for."""
        while True:
            await self._take_queued()
            if not await self._within_limits():
                await self._end(ev.TurnOutcome.STOPPED, AT_LIMIT, GO_ON)
                return
            await self._make_room()
            reply = await ask(self._model(), self._system(), self.id, self._journal, self._clean)
            if reply.calls:
                await self._all(
                    [self._actor.do(self.id, reply.id, c, self.may_leave) for c in reply.calls]
                )
            elif reply.finish is not Finish.DONE:
                await self._end(ev.TurnOutcome.FAILED, _ending(reply), GO_ON)
                return
            elif not await self._take_queued():
                done = ev.TurnEnded(self.id, ev.TurnOutcome.DONE, "", "", time.time())
                await self._journal.write(done)
                return

    async def _within_limits(self) -> bool:
        """Whether to go on; the question outlives a turn that is stopped, and is dropped then."""
        asking = self._crew.start(self._limits.may_go_on(self.id), "limits")
        await asyncio.wait([asking])
        return bool(asking.result())

    async def _make_room(self) -> None:
        """Outputs of a while ago are shortened once the requests have grown large."""
        tokens = self._journal.transcript.usage.prompt
        due = aging_due(self._journal.events, tokens, self._context_tokens, time.time())
        if due is not None:
            await self._journal.write(due)

    async def _all(self, works: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Run the calls of one reply side by side, each under its own decision.

        They belong to the session's crew, so a command that runs outlives a stopped turn. Raises
        the first error, after all have come to an end.
        """
        self._acts = [self._crew.start(work, self.acts) for work in works]
        while not all(task.done() for task in self._acts):
            await asyncio.wait(self._acts)
        tasks, self._acts = self._acts, []
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _take_queued(self) -> bool:
        """Take all that is queued along, as it is at the moment of writing; says if there was any.

        One that the person takes back in that moment is not taken, and the others are.
        """
        while ids := self._queued:
            try:
                await self._journal.write(ev.MessagesTaken(self.id, ids))
            except TransitionRefused:
                if ids == self._queued:
                    raise
            else:
                return True
        return False

    @property
    def _queued(self) -> tuple[str, ...]:
        return tuple(said.id for said in self._journal.transcript.queued)

    async def _end(self, outcome: ev.TurnOutcome, sentence: str, hint: str) -> None:
        said = self._clean(sentence)
        await self._journal.tell(ev.TurnEnded(self.id, outcome, said, hint, time.time()))


def _ending(reply: Reply) -> str:
    sentence = ENDINGS[reply.finish]
    return f"{sentence} ({reply.detail})" if reply.detail else sentence
