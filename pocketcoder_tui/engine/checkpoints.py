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
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ParamSpec, Protocol, TypeVar

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.checkpoints import (
    MAKING,
    Checkpoint,
    CheckpointMade,
    CheckpointMissed,
    Difference,
    Restored,
    UndoPlan,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.transient import ActionHeld
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.gatekeeper.policy import Verdict
from pocketcoder_tui.gatekeeper.toolset import LOOKING, STOPPING

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOOK_AFTER = 0.2
"""Seconds after an action's end at which its changes are looked at, unless something leaves before:
first its output is drawn."""
SAY_AFTER = 0.3
"""Seconds after which the row says that a checkpoint is being made."""
OFF = "Contained mode runs nothing without a checkpoint, and checkpoints are switched off."
UNKEPT = "Undo will not bring back what it changes."
STRAYS = (
    "Since the last action was over, files changed that your machine runs. Programs of the box "
    "still run, so it may not have been you."
)
SWEPT = "A command that still runs left something that no command may leave."
LABEL = 200
"""Characters of an action's title that a checkpoint bears."""
TIDY_EVERY = 50
"""Checkpoints after which old ones are looked for."""


class Keeper(Protocol):
    """What keeps the workspace (sandbox.checkpoints.CheckpointKeeper). Blocking, one thread."""

    @property
    def crowded(self) -> bool:
        """True when ``prune`` is due, after a checkpoint."""

    def look(self) -> str:
        """Bring what is kept up to date. Raises CheckpointError."""

    def take(self, label: str, *, action_id: str = "", session_id: str = "") -> Checkpoint:
        """Make a checkpoint, durably. Raises CheckpointError."""

    def since(self, tree: str) -> tuple[str, Difference]:
        """The tree now, and what differs from another one. Raises CheckpointError."""

    def strays(self) -> Sequence[str]:
        """Changes between actions of files that the host runs, at the last checkpoint."""

    def sweep(self) -> Sequence[str]:
        """Take setuid bits and the like off what is new; sentences. Raises CheckpointError."""

    def entries(self) -> Sequence[Checkpoint]:
        """All checkpoints, oldest first. Raises CheckpointError."""

    def plan(self, number: int = 0) -> UndoPlan:
        """Work out an undo. Raises CheckpointError."""

    def restore(self, plan: UndoPlan) -> Restored:
        """Do it. Raises PlanStale, CheckpointError."""

    def settled(self) -> None:
        """The undo is recorded."""

    def unfinished(self) -> tuple[int, int] | None:
        """Before and target of an undo that a crash cut short."""

    def prune(self, *, forget: Iterable[str] = ()) -> int:
        """Drop what is too old, too much, or of these actions. Raises CheckpointError."""

    def save(self) -> None:
        """Keep what is known for a next process. Raises CheckpointError."""

    def halt(self) -> None:
        """End a walk that is under way; the one method for any thread."""

    def close(self) -> None:
        """Let go of the store."""


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
        self._made = 0
        self._closed = False

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
        except CheckpointError as error:
            self._trouble = error.sentence
            if told:
                return [CheckpointMissed(action.id, error.sentence, time.time())]
            raise Unkept(f"{error.sentence} So it is asked about again.") from error
        self._trouble = ""
        await self._tell_strays(self._keeper)
        beside = bool(self._live)
        self._live = {id_: (tree, True) for id_, (tree, _) in self._live.items()}
        self._live[action.id] = made.tree, beside
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

    async def aclose(self) -> None:
        """End what is under way, and let go of the store; once, however often it is called."""
        closed, self._closed = self._closed, True
        for later, _, _ in self._due.values():
            later.cancel()
        if self._keeper is not None and not closed:
            self._keeper.halt()
            await self._run(self._keeper.close)
        self._pool.shutdown(wait=False)

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
        for ended in tuple(self._due):  # before this one leaves; the thread keeps the order
            self._look_at(ended)
        work = functools.partial(
            keeper.take, self._label(action), action_id=action.id, session_id=action.session_id
        )
        wait = asyncio.ensure_future(self._run(work))
        self._waits.add(wait)
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

    async def _tell_strays(self, keeper: Keeper) -> None:
        """Name what changed between actions, unless only the person can have done it."""
        try:
            strays = await self._run(keeper.strays)
            swept = await self._run(keeper.sweep) if self._live else ()
        except CheckpointError as error:
            log.warning("what changed between actions is not known: %s", error.sentence)
            return
        if swept:
            await self._journal.tell(ev.Noticed("warning", SWEPT, " ".join(swept), time.time()))
        if strays and not self._live and await self._is_busy():
            await self._journal.tell(ev.Noticed("warning", STRAYS, " ".join(strays), time.time()))

    def _look_at(self, action_id: str) -> None:
        """Begin to look at what an action changed."""
        later, before, beside = self._due.pop(action_id)
        later.cancel()
        if self._closed or self._keeper is None:
            return
        looked = self._submit(self._keeper.since, before)
        self._crew.start(self._tell_change(action_id, looked, beside), "change of an action")

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
        self, action_id: str, looked: Awaitable[tuple[str, Difference]], beside: bool
    ) -> None:
        try:
            tree, difference = await looked
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
        call = functools.partial(work, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._submit(work, *args, **kwargs)
