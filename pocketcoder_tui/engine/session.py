"""The workbench for real: one session over the real ledger, box, terminal and model."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.errors import KeyMissing, PocketCoderError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import Box, Ledger, SessionSummary
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.engine.actor import Actor
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Desk
from pocketcoder_tui.engine.dispatch import Dispatcher
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.proposals import Proposals
from pocketcoder_tui.engine.recovery import open_deeds, unfinished_turn
from pocketcoder_tui.engine.setup import Setup
from pocketcoder_tui.engine.turn import GO_ON, Turn
from pocketcoder_tui.engine.voice import Voice
from pocketcoder_tui.gatekeeper.policy import MODE_ASK

TITLE_LENGTH = 80
"""Characters of the first message that become the session's title."""


class Session:
    """Implements Workbench. Owns its crew, ledger, box connection and model."""

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        *,
        voice: Voice,
        setup: Setup,
        make_keeper: Callable[[Journal, Crew], BoxKeeper],
        attach: Callable[[Box], int],
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._voice = voice
        self._setup = setup
        self._attach = attach
        self._crew = Crew(self._on_failure)
        self._keeper = make_keeper(journal, self._crew)
        self._desk = Desk(journal)
        self._actor = Actor(
            journal,
            self._desk,
            Proposals(self._keeper, journal),
            Dispatcher(self._keeper, journal),
            self._keeper,
        )
        self._turn: Turn | None = None
        self._turn_task: asyncio.Task[None] | None = None

    @property
    def transcript(self) -> Transcript:
        """See Workbench."""
        return self._journal.transcript

    @property
    def model_label(self) -> str:
        """See Workbench."""
        return self._voice.label

    @property
    def mode(self) -> str:
        """See Workbench."""
        return MODE_ASK

    def listen(self, on_event: Callable[[ev.Event], None]) -> Callable[[], None]:
        """See Workbench."""
        return self._journal.listen(on_event)

    async def open(self) -> None:
        """See Workbench; the box starts in the background."""
        self._crew.start(self._wake(), "start")
        self._crew.start(self._voice.warm(), "model library")

    async def checks(self) -> list[Check]:
        """See Workbench."""
        return [*await self._setup.checks(), self._voice.check()]

    async def mend(self, check_id: str) -> AsyncGenerator[Progress]:
        """See Workbench. A mended engine or image is used at once."""
        async for progress in self._setup.mend(check_id):
            yield progress
        self._crew.start(self._start_box(), "box start")

    async def set_key(self, key: str) -> None:
        """See Workbench."""
        await self._voice.set_key(key)
        self._crew.start(self._voice.warm(), "model library")

    async def take_tour(self) -> None:
        """See Workbench."""
        await self._voice.take_tour()

    async def send(self, text: str) -> None:
        """See Workbench. Raises KeyMissing, and then the message is not taken."""
        if not self._voice.ready:
            raise KeyMissing("There is no model key yet.")
        now = time.time()
        events: list[ev.Durable] = []
        if not self.transcript.title:
            title = " ".join(text.split())[:TITLE_LENGTH]
            events.append(ev.SessionTitled(title))
        await self._journal.write(*events, ev.MessageQueued(new_id(), text, now))
        if self._turn_task is None or self._turn_task.done():
            turn = self._make_turn()
            self._begin(turn, turn.run())

    async def decide(self, action_id: str, outcome: Outcome, reason: str = "") -> None:
        """See Workbench."""
        await self._desk.decide(action_id, outcome, reason)

    async def stop(self) -> None:
        """See Workbench."""
        turn, task = self._turn, self._turn_task
        if turn is None or task is None or task.done():
            return
        self._turn = self._turn_task = None
        turn.halt()
        task.cancel()
        await asyncio.wait([task])
        self._desk.drop_all()
        await turn.record_stop()

    async def interrupt(self) -> None:
        """See Workbench."""
        if self._keeper.ready is not None:
            await self._keeper.ready.terminal.interrupt()

    async def resize(self, columns: int, rows: int) -> None:
        """See Workbench."""
        await self._keeper.resize(columns, rows)

    def watch(
        self, on_frame: Callable[[ev.ScreenChanged], None]
    ) -> AbstractAsyncContextManager[None]:
        """See Workbench."""
        return self._keeper.watch(on_frame)

    def attach(self) -> int:
        """See Workbench."""
        ready = self._keeper.ready
        if ready is None:
            raise PocketCoderError("The box does not run yet.", hint="Start it first.")
        return self._attach(ready.box)

    async def sessions(self) -> list[SessionSummary]:
        """See Workbench."""
        return await self._ledger.sessions()

    async def aclose(self) -> None:
        """See Workbench. What waits goes on waiting, what runs goes on running."""
        await self._crew.dismiss()
        await self._keeper.aclose()
        await self._voice.aclose()
        await self._ledger.aclose()

    def _make_turn(self, turn_id: str = "") -> Turn:
        return Turn(
            self._journal,
            self._actor,
            self._crew,
            model=self._voice.model,
            system=self._voice.system,
            turn_id=turn_id,
        )

    def _begin(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        self._turn = turn
        self._turn_task = self._crew.start(work, "turn")

    async def _wake(self) -> None:
        """Start the box if that is possible now, and take up what a crash left."""
        await self._start_box()
        turn_id = unfinished_turn(self._journal.events)
        deeds = open_deeds(self.transcript)
        if turn_id and any(deed.action.turn_id == turn_id for deed in deeds):
            mine = [d for d in deeds if d.action.turn_id == turn_id]
            turn = self._make_turn(turn_id)
            self._begin(turn, turn.resume(mine))
            deeds = [d for d in deeds if d not in mine]
        elif turn_id:
            sentence = "The program ended in the middle of this turn."
            await self._journal.write(
                ev.TurnEnded(turn_id, ev.TurnOutcome.INTERRUPTED, sentence, GO_ON, time.time())
            )
        for deed in deeds:
            self._crew.start(self._actor.take_up(deed.action, deed.state, lambda: False), "action")

    async def _start_box(self) -> None:
        """Start the box unless something is missing; the checklist says what."""
        checks = await self._setup.checks()
        if all(check.state == "ok" for check in checks):
            try:
                await self._keeper.ensure()
            except PocketCoderError:
                return  # shown as BoxChanged, and tried again by the next action

    def _on_failure(self, error: BaseException) -> None:
        """A task of ours ended with an error that nobody foresaw: say so where it is seen."""
        if isinstance(error, PocketCoderError):
            return
        sentence = f"Something went wrong inside pocketcoder: {type(error).__name__}."
        hint = "The log in the state folder has the details."
        self._crew.start(self._confess(sentence, hint), "confession")

    async def _confess(self, sentence: str, hint: str) -> None:
        turn_id = self.transcript.turn_id
        if turn_id and (self._turn_task is None or self._turn_task.done()):
            outcome = ev.TurnOutcome.FAILED
            await self._journal.write(ev.TurnEnded(turn_id, outcome, sentence, hint, time.time()))
        else:
            await self._journal.write(ev.Noticed("error", sentence, hint, time.time()))
