"""The workbench for real: one session over the real ledger, box, terminal and model."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.errors import KeyMissing, PocketCoderError
from pocketcoder_tui.core.holding import HELD
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.core.ports import Box, Ledger, SessionSummary
from pocketcoder_tui.core.terminal import Job, Window, WindowFacts
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.engine.actor import Actor
from pocketcoder_tui.engine.answering import Answering
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.checkpoints import CheckpointDesk
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Desk
from pocketcoder_tui.engine.dispatch import Dispatcher
from pocketcoder_tui.engine.gatekeeping import Gatekeeping
from pocketcoder_tui.engine.holding import HoldingDesk
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.keykeeper import KeyKeeper
from pocketcoder_tui.engine.leaving import Departures
from pocketcoder_tui.engine.library import Library
from pocketcoder_tui.engine.limits import LimitDesk
from pocketcoder_tui.engine.models import ModelDesk
from pocketcoder_tui.engine.network import NetworkDesk
from pocketcoder_tui.engine.proposals import Proposals
from pocketcoder_tui.engine.queue import MessageQueue
from pocketcoder_tui.engine.recovery import open_deeds, unanswered, unfinished_turn
from pocketcoder_tui.engine.review import Review
from pocketcoder_tui.engine.rulekeeper import RuleKeeper
from pocketcoder_tui.engine.runs import Runs
from pocketcoder_tui.engine.settling import Settling
from pocketcoder_tui.engine.setup import Setup
from pocketcoder_tui.engine.terms import Terms
from pocketcoder_tui.engine.trials import TrialDesk
from pocketcoder_tui.engine.turn import GO_ON, LOOK, Turn
from pocketcoder_tui.engine.voice import Voice
from pocketcoder_tui.gatekeeper import toolset

Desks = dict[str, Callable[[Deed], Awaitable[None]]]
CONFESSION = "confession"
"""The task that tells of another task's failure; its own failure is only logged."""
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
        terms: Terms,
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._voice = voice
        self._setup = setup
        self._attach = attach
        self._crew = Crew(self._on_failure)
        self._keeper = make_keeper(journal, self._crew)
        self._desk = Desk(journal)
        self._terms = terms
        self.checkpoints = CheckpointDesk(
            terms.checkpoints, journal, self._crew, terms.masker, self._keeper.is_busy
        )
        """See Workbench."""
        self.trials = TrialDesk(terms.copies, journal, self._crew, terms.masker)
        """See Workbench."""
        self.library = Library(ledger, terms.outputs, self.checkpoints, journal)
        """Sessions as wholes, this one and the others."""
        self._dispatcher = Dispatcher(
            self._keeper,
            journal,
            Runs(journal, self._crew),
            checkpoints=self.checkpoints,
            masker=terms.masker,
            outputs=terms.outputs,
            command_limit=terms.command_limit,
            output_limit=terms.output_limit,
        )
        departures = Departures()
        self._gatekeeping = Gatekeeping(journal, ledger.rules, self._keeper, departures)
        self.rulebook = RuleKeeper(journal, self._desk, self._gatekeeping, ledger.rules)
        """See Workbench."""
        self.models = ModelDesk(voice, journal, ledger, self._crew, price=terms.price)
        settling = Settling(journal, self._desk, self._gatekeeping, self.checkpoints)
        holding = HoldingDesk(journal, self._desk, settling, self._crew, self.checkpoints)
        self.checkpoints.boundary = holding
        self.network = NetworkDesk(
            journal,
            self._desk,
            settling,
            self._gatekeeping,
            self._keeper,
            crew=self._crew,
            open_gateway=terms.open_gateway,
        )
        """See Workbench."""
        self._desks: Desks = {
            CONNECT: self.network.take_up,
            HELD: holding.take_up,
            toolset.GO_ON: LimitDesk(journal, self._desk, terms.bounds).take_up,
        }
        """Who takes up what the model did not call, but a program caused."""
        self.keybook = KeyKeeper(ledger, journal, self._crew, self._keeper, terms.door)
        """See Workbench."""
        self._actor = Actor(
            journal,
            self._desk,
            Proposals(self._keeper, journal, self._dispatcher, terms.masker),
            self._dispatcher,
            self._keeper,
            settling=settling,
            departures=departures,
        )
        self.review = Review(journal, self._desk, departures, self._keeper, self._ask_again)
        """See Workbench."""
        self._turn: Turn | None = None
        self._turn_task: asyncio.Task[None] | None = None
        self.queue = MessageQueue(journal, self._begin_queued)
        """What was said and is not with the model yet."""
        self._control = terms.serve(Answering(self).respond) if terms.serve else None
        self._changing = asyncio.Lock()
        """Held while a turn is begun or stopped, so that there is one at most."""

    @property
    def transcript(self) -> Transcript:
        """See Workbench."""
        return self._journal.transcript

    @property
    def journal(self) -> Journal:
        """What happened and happens, for who follows the session from elsewhere."""
        return self._journal

    @property
    def model_label(self) -> str:
        """See Workbench."""
        return self._voice.label

    @property
    def mode(self) -> str:
        """See Workbench."""
        return self._gatekeeping.mode

    def listen(self, on_event: Callable[[ev.Event], None]) -> Callable[[], None]:
        """See Workbench."""
        return self._journal.listen(on_event)

    async def open(self) -> None:
        """See Workbench; the box starts in the background."""
        await self._gatekeeping.load()
        await self._take_up()
        await self._serve()
        self._crew.start(self._ledger.verified(), "check of the ledger")
        self._crew.start(self._journal.read_past(), "past")
        self._crew.start(self.checkpoints.open(), "checkpoints")
        self._crew.start(self.trials.open(), "throw-away copies")
        self._crew.start(self.models.account("in use"), "account")
        self._crew.start(self.library.prune(self._terms.output_days), "pruning")
        self._crew.start(self._start_box(), "box start")
        self._crew.start(self._voice.warm(), "model library")
        if (notice := self._voice.notice) is not None:
            self._crew.start(self._journal.tell(notice), "what the folder says")
        self._crew.start(self.keybook.open(), "way in over SSH")

    async def _serve(self) -> None:
        """Let other programs ask; without them this one works all the same."""
        try:
            if self._control is not None:
                await self._control.start()
        except PocketCoderError as error:
            await self._journal.tell(ev.Noticed("warning", error.sentence, error.hint, time.time()))

    async def checks(self) -> list[Check]:
        """See Workbench."""
        return [*await self._setup.checks(), self._voice.check()]

    async def mend(self, check_id: str) -> AsyncGenerator[Progress]:
        """See Workbench. A mended engine or image is used at once."""
        async with contextlib.aclosing(self._setup.mend(check_id)) as steps:
            async for progress in steps:
                yield progress
        self._crew.start(self._start_box(), "box start")

    async def set_key(self, key: str) -> None:
        """See Workbench."""
        self._terms.masker.learn(key.strip())
        await self._voice.set_key(key)
        await self.models.account("entered")
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
        await self._begin_queued()

    async def decide(
        self, action_id: str, outcome: Outcome, reason: str = "", *, who: str = ""
    ) -> None:
        """See Workbench; ``who`` names a person who does not sit at this screen."""
        await self._desk.decide(action_id, outcome, reason, who)

    async def stop(self) -> None:
        """See Workbench. What is queued stays queued until the person sends again."""
        async with self._changing:
            turn, task = self._turn, self._turn_task
            if turn is None or task is None or task.done():
                return
            turn.halt()
            task.cancel()
            await asyncio.wait([task])
            try:
                await turn.record_stop()
            finally:
                self._desk.drop_all()
                self._dispatcher.drop_held()

    async def interrupt(self) -> None:
        """See Workbench."""
        window = await self._shown_window()
        if window is not None:
            await window.interrupt()

    async def clear_line(self, window: str) -> None:
        """See Workbench."""
        if self._keeper.ready is not None:
            await (await self._keeper.ready.terminal.window(window)).clear_line()

    async def show_window(self, window: str) -> None:
        """See Workbench."""
        await self._keeper.show(window)

    def windows(self) -> list[WindowFacts]:
        """See Workbench."""
        return ready.terminal.windows() if (ready := self._keeper.ready) is not None else []

    async def jobs(self) -> list[Job]:
        """See Workbench."""
        return await ready.terminal.jobs() if (ready := self._keeper.ready) is not None else []

    async def stop_job(self, pid: int) -> bool:
        """See Workbench."""
        ready = self._keeper.ready
        return ready is not None and await ready.terminal.stop_job(pid)

    async def _shown_window(self) -> Window | None:
        ready = self._keeper.ready
        return await ready.terminal.window(self._keeper.shown) if ready is not None else None

    async def resize(self, columns: int, rows: int) -> None:
        """See Workbench."""
        await self._keeper.resize(columns, rows)

    def watch(
        self, on_frame: Callable[[transient.ScreenChanged], None]
    ) -> AbstractAsyncContextManager[None]:
        """See Workbench."""
        return self._keeper.watch(on_frame)

    def attach(self) -> int:
        """See Workbench."""
        if (ready := self._keeper.ready) is None:
            raise PocketCoderError("The box does not run yet.", hint="Start it first.")
        return self._attach(ready.box)

    async def sessions(self) -> list[SessionSummary]:
        """See Workbench."""
        return await self._ledger.sessions()

    async def aclose(self) -> None:
        """See Workbench. What waits goes on waiting, what runs goes on running."""
        async with contextlib.AsyncExitStack() as last_first:
            last_first.push_async_callback(self._ledger.aclose)
            last_first.push_async_callback(self._journal.settle)
            last_first.push_async_callback(self._voice.aclose)
            last_first.push_async_callback(self._keeper.aclose)
            last_first.push_async_callback(self.checkpoints.aclose)
            last_first.push_async_callback(self._crew.dismiss)
            last_first.push_async_callback(self.checkpoints.settle)
            last_first.push_async_callback(self.network.aclose)
            last_first.push_async_callback(self.keybook.aclose)
            if self._control is not None:
                last_first.push_async_callback(self._control.aclose)

    def _make_turn(self, turn_id: str = "") -> Turn:
        return Turn(
            self._journal,
            self._actor,
            self._crew,
            model=self._voice.model,
            system=lambda: self._voice.system(self.mode),
            clean=self._terms.masker.clean,
            limits=LimitDesk(self._journal, self._desk, self._terms.bounds),
            turn_id=turn_id,
            context_tokens=self._terms.context_tokens,
        )

    @property
    def _at_work(self) -> bool:
        return self._turn_task is not None and not self._turn_task.done()

    async def _begin_queued(self) -> None:
        """Start a turn for what is queued, unless one runs and takes it."""
        async with self._changing:
            if not self._at_work and self.transcript.queued:
                self._begin()

    def _begin(self, unfinished: str = "", deeds: Sequence[Deed] = ()) -> None:
        """Start a turn, or go on with one of an earlier process from its open actions."""
        self._turn = turn = self._make_turn(unfinished)
        self._turn_task = self._crew.start(self._work(turn, deeds), "turn")

    async def _work(self, turn: Turn, deeds: Sequence[Deed]) -> None:
        """Run a turn, and another one for messages that came while it ended."""
        await (turn.resume(deeds) if deeds else turn.run())
        tried: list[str] = []
        while (queued := [said.id for said in self.transcript.queued]) and queued != tried:
            tried = queued
            self._turn = self._make_turn()
            await self._turn.run()

    async def _take_up(self) -> None:
        """Take up what an earlier process left, before anything new begins. Raises LedgerError."""
        turn_id = unfinished_turn(self._journal.events)
        deeds = open_deeds(self.transcript)
        own = [deed for deed in deeds if deed.action.call.tool not in self._desks]
        mine = [deed for deed in own if turn_id and deed.action.turn_id == turn_id]
        if turn_id and not mine:
            sentence = "The program ended in the middle of this turn."
            await self._journal.write(
                ev.TurnEnded(turn_id, ev.TurnOutcome.INTERRUPTED, sentence, GO_ON, time.time())
            )
        for deed in deeds:
            if (take_up := self._desks.get(deed.action.call.tool)) is not None:
                await take_up(deed)
            elif deed not in mine:
                work = self._actor.take_up(deed, lambda: False)
                self._crew.start(work, "action")
        if mine:
            self._begin(turn_id, mine)
        elif self._voice.ready and unanswered(self._journal.events):
            self._begin()

    def _ask_again(self, deed: Deed) -> bool:
        return self._at_work and self._turn is not None and self._turn.ask_again(deed)

    async def _start_box(self) -> None:
        """Start the box unless something is missing; the checklist says what."""
        checks = await self._setup.checks()
        if all(check.state == "ok" for check in checks):
            try:
                await self._keeper.ensure()
            except PocketCoderError:
                return  # shown as BoxChanged, and tried again by the next action

    def _on_failure(self, task: str, error: BaseException) -> None:
        """A task ended with an error: say so where it is seen, unless the turn does it now.

        While another action waits for the person, the turn cannot end and tell.
        """
        mine = self._at_work and self._turn is not None and task == self._turn.acts
        if (mine and not self.transcript.waiting) or task == CONFESSION:
            return
        if isinstance(error, PocketCoderError):
            sentence, hint = error.sentence, error.hint
        else:
            sentence = f"Something went wrong inside pocketcoder: {type(error).__name__}."
            hint = LOOK
        noticed = ev.Noticed("error", sentence, hint, time.time())
        self._crew.start(self._journal.tell(noticed), CONFESSION)
