"""Checkpoints in a session: one before each action that can write, what it changed, and the undo.

A checkpoint is the workspace at a moment between an action's decision and its dispatch. What other
commands of the box write at that moment may be half there; then the change that is shown for an
action may be theirs in part, and says so. One thread does all of it, in the order of the requests,
so what an action changed is looked at before the next one leaves.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ParamSpec, TypeVar

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.checkpoints import (
    MAKING,
    Checkpoint,
    CheckpointMade,
    CheckpointMissed,
    Restored,
    UndoPlan,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.core.holding import Hold, Placed
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.transient import ActionHeld
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.keepers import Boundary, Keeper
from pocketcoder_tui.engine.watch import Watch
from pocketcoder_tui.gatekeeper.policy import Verdict
from pocketcoder_tui.gatekeeper.toolset import LOOKING, STOPPING

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOOK_AFTER = 0.2
"""Seconds after an action's end at which its changes are looked at: first its output is drawn."""
WATCH_EVERY = 2.0
"""Seconds between looks while programs may run that no action waits for."""
SAY_AFTER = 0.3
"""Seconds after which the row says that a checkpoint is being made."""
OFF = "Contained mode runs nothing without a checkpoint, and checkpoints are switched off."
UNKEPT = "Undo will not bring back what it changes."
SWEPT = "A command that still runs left something that no command may leave."
LABEL = 200
"""Characters of an action's title that a checkpoint bears."""
TIDY_EVERY = 50
"""Checkpoints after which old ones are looked for."""


class Unkept(Moved):
    """No checkpoint can be made, so the action has to be asked about."""


def can_write(action: Action) -> bool:
    """Whether an action may change the workspace; a tool that nobody knows may."""
    return action.call.tool not in LOOKING and action.call.tool not in STOPPING


class CheckpointDesk:
    """Implements workbench.Checkpoints. Owns the keeper and its thread."""

    def __init__(
        self,
        keeper: Keeper | None,
        journal: Journal,
        crew: Crew,
        masker: Masker,
        is_busy: Callable[[], Awaitable[bool]],
    ) -> None:
        """``keeper``: None when checkpoints are switched off. ``is_busy``: a program runs now."""
        self._is_busy = is_busy
        self._keeper = keeper
        self._journal = journal
        self._crew = crew
        self._masker = masker
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoints")
        self._trouble = ""
        """Why the last checkpoint could not be made; empty when it could."""
        self._told: set[str] = set()
        """Actions about which the person is asked with that sentence."""
        self._ahead: asyncio.Future[str] | None = None
        """The look that was begun before a decision."""
        self._waits: set[asyncio.Task[Checkpoint]] = set()
        self._live: dict[str, tuple[str, bool]] = {}
        """What left and has not ended: the tree before it, and whether others ran beside it."""
        self._due: dict[str, tuple[asyncio.TimerHandle, str, bool]] = {}
        """Looks at what an action changed that have not begun: when, since which tree, and whether
        others ran beside it."""
        self._looking: set[asyncio.Task[None]] = set()
        """Looks that were begun, until what may not stand is put back."""
        self._last = ""
        """The action that left last."""
        self._watch = Watch(WATCH_EVERY, crew, self._tick)
        self.boundary: Boundary | None = None
        """Set once, before anything leaves."""
        self._made, self._closed = 0, False

    # --- for the engine

    async def open(self) -> None:
        """Say so when an undo was cut short. Raises LedgerError."""
        if self._keeper is None:
            return
        try:
            cut = await self._run(self._keeper.unfinished)
        except CheckpointError as error:
            log.warning("the checkpoints cannot be looked at: %s", error.sentence)
            return
        if cut is not None:
            before, target = cut
            sentence = f"An undo to checkpoint {target} was cut short: some files may be as before."
            hint = f"Press F6 and look; checkpoint {before} holds what was there before it."
            await self._journal.tell(ev.Noticed("warning", sentence, hint, time.time()))

    def expect(self, action: Action) -> None:
        """An action may come to be allowed: begin to look at the workspace now."""
        if self._keeper is None or self._ahead is not None or not can_write(action):
            return
        self._ahead = asyncio.ensure_future(self._submit(self._keeper.look))
        self._crew.start(self._look_ahead(self._ahead), "checkpoint ahead")

    def checked(self, action: Action, verdict: Verdict) -> Verdict:
        """The gatekeeper's answer, if the workspace can be kept; else the person is asked.

        While the person is asked, the workspace is looked at (``expect``).
        """
        if verdict.outcome is Outcome.DENY or not can_write(action):
            return verdict
        if self._keeper is None:
            by_mode = verdict.outcome is Outcome.ALLOW and verdict.by is DecidedBy.MODE
            return replace(verdict, outcome=None, why=OFF) if by_mode else verdict
        if verdict.outcome is None:
            self.expect(action)
        if not self._trouble:
            return verdict
        self._told.add(action.id)
        return replace(verdict, outcome=None, why=f"{self._trouble} {UNKEPT}")

    async def before(self, action: Action, decision: Decision) -> list[ev.Durable]:
        """Keep the workspace, now; returns what is to be recorded with the dispatch.

        Raises Unkept when that fails and the person did not allow it all the same, and Dropped
        when the turn was stopped meanwhile.
        """
        if self._keeper is None or not can_write(action):
            return []
        told = action.id in self._told and decision.by is DecidedBy.PERSON
        self._told.discard(action.id)
        try:
            made = await self._take(self._keeper, action)
            if await self._hold_strays(self._keeper):
                made = await self._take(self._keeper, action)
        except CheckpointError as error:
            self._trouble = error.sentence
            if told:
                return [CheckpointMissed(action.id, error.sentence, time.time())]
            raise Unkept(f"{error.sentence} So it is asked about again.") from error
        self._trouble = ""
        beside = bool(self._live)
        self._live = {id_: (tree, True) for id_, (tree, _) in self._live.items()}
        self._live[action.id] = made.tree, beside
        self._last = action.id
        self._watch.begin()
        self._made += 1
        if self._made % TIDY_EVERY == 1 or self._keeper.crowded:
            self._crew.start(self._tidy(), "tidying checkpoints")
        return [CheckpointMade(action.id, made.number, made.tree, made.at)]

    def after(self, action_id: str) -> None:
        """An action ended: find out what it changed, and record that when it is known."""
        if self._keeper is None:
            return
        tree, beside = self._live.pop(action_id, (self._tree_before(action_id), True))
        if tree:
            later = asyncio.get_running_loop().call_later(LOOK_AFTER, self._look_at, action_id)
            self._due[action_id] = later, tree, beside

    def never_left(self, action_id: str) -> None:
        """An action that was kept for did not leave after all."""
        self._live.pop(action_id, None)

    def drop_waits(self) -> None:
        """The turn was stopped: what waits for its checkpoint does not leave."""
        for wait in self._waits:
            wait.cancel()

    async def forget(self, action_ids: Iterable[str]) -> None:
        """Drop the checkpoints of actions whose session was deleted. Raises CheckpointError."""
        if self._keeper is not None:
            await self._run(functools.partial(self._keeper.prune, forget=tuple(action_ids)))

    async def settle(self) -> None:
        """What ended is looked at, and put back: before more leaves, and before the end."""
        for ended in tuple(self._due):
            self._look_at(ended)
        if self._looking:
            await asyncio.wait(self._looking)

    async def aclose(self) -> None:
        """End what is under way, and let go of the store; once, however often it is called."""
        closed, self._closed = self._closed, True
        self._watch.end()
        for later, _, _ in self._due.values():
            later.cancel()
        if self._keeper is not None and not closed:
            self._keeper.halt()
            await self._run(self._keeper.close)
        self._pool.shutdown(wait=False)

    async def look(self) -> None:
        """Look at the workspace. Raises CheckpointError."""
        await self._run(self._required().look)

    async def strays(self) -> Sequence[str]:
        """See Keeper."""
        return await self._run(self._required().strays)

    async def hold(self, covered: Iterable[str], onto: str, action_id: str) -> Hold | None:
        """See Keeper."""
        named, work = tuple(covered), self._required().hold
        found = await self._run(work, named, onto=onto, action_id=action_id)
        return found and replace(found, text=self._masker.clean(found.text))

    async def put_back(self, tree: str) -> Placed:
        """See Keeper."""
        return await self._run(self._required().put_back, tree)

    async def place(self, tree: str) -> Placed:
        """See Keeper."""
        return await self._run(self._required().place, tree)

    # --- for a front end

    async def entries(self) -> Sequence[Checkpoint]:
        """See workbench.Checkpoints."""
        return await self._run(self._required().entries)

    async def plan(self, number: int = 0) -> UndoPlan:
        """See workbench.Checkpoints."""
        plan = await self._run(self._required().plan, number)
        return replace(plan, text=self._masker.clean(plan.text))

    async def undo(self, plan: UndoPlan) -> Restored:
        """See workbench.Checkpoints. What was begun is done and recorded, whoever waits for it."""
        return await asyncio.shield(self._crew.start(self._undo(self._required(), plan), "undo"))

    # --- inside

    async def _undo(self, keeper: Keeper, plan: UndoPlan) -> Restored:
        restored = await self._run(keeper.restore, plan)
        label = plan.checkpoint.label
        await self._journal.write(WorkspaceRestored(restored, label, time.time()))
        await self._run(keeper.settled)
        return restored

    async def _take(self, keeper: Keeper, action: Action) -> Checkpoint:
        if self._ahead is not None:
            self._ahead.cancel()  # one that has not begun would only be in the way
            self._ahead = None
        await self.settle()
        work = functools.partial(
            keeper.take, self._label(action), action_id=action.id, session_id=action.session_id
        )
        self._waits.add(wait := asyncio.ensure_future(self._run(work)))
        said = False
        try:
            done, _ = await asyncio.wait({wait}, timeout=SAY_AFTER)
            if not done:
                said = True
                self._journal.show(ActionHeld(action.id, MAKING, False))
                await asyncio.wait({wait})
            if wait.cancelled():
                raise Dropped(action.id)
            return wait.result()
        finally:
            wait.cancel()
            self._waits.discard(wait)
            if said:
                self._journal.show(ActionHeld(action.id, "", False))

    async def _hold_strays(self, keeper: Keeper) -> bool:
        """Put back what changed between actions, unless only the person can have done it."""
        swept = await self._run(keeper.sweep) if self._live else ()
        if swept:
            await self._journal.tell(ev.Noticed("warning", SWEPT, " ".join(swept), time.time()))
        if self._live:
            return False
        strays = await self._run(keeper.strays)
        if strays and self.boundary is not None and self._last and await self._may_be_theirs():
            return await self.boundary.check(self._last, (), between=True)
        await self._run(keeper.accept)
        return False

    async def _may_be_theirs(self) -> bool:
        """Whether a program may run, or ran since the last look, that an action left behind."""
        return self._watch.on or await self._is_busy()

    async def _tick(self) -> bool:
        """Look at what programs do that no action waits for; whether to go on.

        What a command does for which the agent waits is looked at when it ends.
        """
        deeds = [self._journal.transcript.deed(action_id) for action_id in self._live]
        if self._closed or self._keeper is None or self.boundary is None:
            return False
        if not all(deed.reported for deed in deeds):
            return True
        busy = await self._is_busy() or bool(deeds)
        try:
            await self._run(self._keeper.look)
            await self.boundary.check(self._last, tuple(self._live), between=not deeds)
        except CheckpointError as error:
            log.warning("what programs of the box changed is not known: %s", error.sentence)
        return busy

    def _look_at(self, action_id: str) -> None:
        """Begin to look at what an action changed."""
        later, before, beside = self._due.pop(action_id)
        later.cancel()
        if self._closed or self._keeper is None:
            return
        covering = (action_id, *self._live, *self._due)
        work = self._tell_change(self._keeper, action_id, before, beside, covering)
        self._looking.add(task := self._crew.start(work, "change of an action"))
        task.add_done_callback(self._looking.discard)

    async def _look_ahead(self, ahead: asyncio.Future[str]) -> None:
        """What goes wrong here is known before anybody decides, and said then."""
        try:
            await ahead
            self._trouble = ""
        except CheckpointError as error:
            self._trouble = error.sentence
        finally:
            if self._ahead is ahead:
                self._ahead = None

    async def _tell_change(
        self,
        keeper: Keeper,
        action_id: str,
        before: str,
        beside: bool,
        covering: Collection[str],
    ) -> None:
        try:
            tree, difference = await self._run(keeper.since, before)
            await self._run(keeper.strays, before)
            if self.boundary is not None and await self.boundary.check(action_id, covering):
                tree, difference = await self._run(keeper.since, before)
        except CheckpointError as error:
            log.warning("what an action changed is not known: %s", error.sentence)
            return
        if not difference.same:
            changed = WorkspaceChanged(action_id, tree, difference, beside, time.time())
            await self._journal.write(changed)

    async def _tidy(self) -> None:
        assert self._keeper is not None  # asked before it was started
        try:
            await self._run(self._keeper.prune)
            await self._run(self._keeper.save)
        except CheckpointError as error:
            log.warning("%s", error.sentence)

    def _tree_before(self, action_id: str) -> str:
        """The tree of an action that left in an earlier process; empty when it has none."""
        made = (e for e in reversed(self._journal.events) if isinstance(e, CheckpointMade))
        return next((event.tree for event in made if event.action_id == action_id), "")

    def _label(self, action: Action) -> str:
        preview = self._journal.transcript.deed(action.id).preview
        return self._masker.clean(f"{preview.verb} {preview.title}")[:LABEL]

    def _required(self) -> Keeper:
        if self._keeper is None:
            raise CheckpointError(
                "Checkpoints are switched off.", hint="Set POCKETCODER_CHECKPOINTS=true."
            )
        return self._keeper

    def _submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Hand work to the thread now; it is done in the order in which it came."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, functools.partial(work, *args, **kwargs))

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._submit(work, *args, **kwargs)
