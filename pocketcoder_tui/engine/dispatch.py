"""From an allowed action to its result: bound, recorded, sent once, recorded again."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import Action, DecidedBy, Decision, Ended, Execution, Outcome
from pocketcoder_tui.core.errors import (
    LedgerError,
    PocketCoderError,
    SandboxError,
    TransitionRefused,
)
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.checkpoints import CheckpointDesk
from pocketcoder_tui.engine.commands import Commands, Leave, ask_in
from pocketcoder_tui.engine.desk import FILE_CHANGED, Dropped, Moved
from pocketcoder_tui.engine.freshruns import FreshRuns
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.results import OWN_FAULT, unknown
from pocketcoder_tui.engine.runs import Runs
from pocketcoder_tui.engine.tools import FILE_TOOLS, SHELL, TERMINAL_TOOLS
from pocketcoder_tui.engine.tools.boxscript import Recall, recall
from pocketcoder_tui.engine.tools.companions import Scene
from pocketcoder_tui.gatekeeper.toolset import file_of

log = logging.getLogger(__name__)


class Dispatcher:
    """Sends actions into the box."""

    def __init__(
        self,
        keeper: BoxKeeper,
        journal: Journal,
        runs: Runs,
        *,
        checkpoints: CheckpointDesk,
        masker: Masker,
        outputs: Outputs,
        command_limit: float,
        output_limit: int,
    ) -> None:
        self._keeper = keeper
        self._journal = journal
        self._runs = runs
        self._checkpoints = checkpoints
        self._masker = masker
        self._outputs = outputs
        self._files: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Changes of one file happen one after the other."""
        self._written: dict[str, float] = {}
        """When a file was written last from here, Unix seconds."""
        self._commands = Commands(keeper, journal, runs, self._end, command_limit)
        self._fresh = FreshRuns(
            keeper, runs, self._end,
            masker=masker, seconds=command_limit, characters=output_limit,
        )  # fmt: skip

    async def scene(self) -> Scene:
        """What the terminal's tools see and use. Raises SandboxError or RelayError."""
        ready = await self._keeper.ensure()
        return Scene(ready.box, ready.terminal, self._runs, self._outputs)

    async def perform(
        self, action: Action, decision: Decision, may_leave: Callable[[], bool]
    ) -> None:
        """Do an allowed action and record the result.

        ``may_leave`` is asked last, just before it leaves. Raises Moved when it would happen
        elsewhere than was decided, Dropped when it may not leave any more, and SandboxError or
        RelayError when there is no box; in each case nothing left.
        """
        covered = decision.outcome is Outcome.ALLOW and decision.digest == action.digest
        if not covered or decision.action_id != action.id:
            raise TransitionRefused("The decision does not cover this action; nothing was sent.")

        async def leave() -> None:
            """The workspace is kept, and then the intent is durable, before anything is sent."""
            kept = await self._checkpoints.before(action, decision)
            if not may_leave():
                self._checkpoints.never_left(action.id)
                raise Dropped(action.id)
            intent = ev.ActionDispatched(action.id, action.digest, time.time())
            try:
                await self._journal.write(*kept, intent)
            except LedgerError:
                self._checkpoints.never_left(action.id)
                raise

        if file_of(action):
            await self._perform_change(action, leave)
        elif action.call.tool in FILE_TOOLS:
            await self._perform_file_tool(action, leave)
        elif action.call.tool in TERMINAL_TOOLS:
            await self._perform_terminal_tool(action, leave)
        elif is_fresh(action, decision):
            await self._fresh.perform(action, leave)
        else:
            await self._commands.perform(action, may_leave, leave)

    async def take_up(
        self, action: Action, decision: Decision | None = None, *, reported: bool = False
    ) -> None:
        """Find out what became of an action that left before a crash, and record it.

        ``reported``: the model was told that its command still runs; nobody waits for the end.
        """
        if action.call.tool in FILE_TOOLS:
            await self._end(await self._recall(action))
        elif action.call.tool in TERMINAL_TOOLS:
            await self._end(TERMINAL_TOOLS[action.call.tool].lost(action))
        elif decision is not None and is_fresh(action, decision):
            await self._fresh.take_up(action, reported)
        else:
            await self._commands.take_up(action, reported)

    def drop_held(self) -> None:
        """Take back what was allowed and waits for a prompt or its checkpoint: the turn stopped."""
        self._commands.drop_held()
        self._checkpoints.drop_waits()

    async def _perform_change(self, action: Action, leave: Leave) -> None:
        """A file that was written since the change was shown is shown anew."""
        path = file_of(action)
        async with self._files[path]:
            if self._written.get(path, 0.0) > action.at:
                raise Moved(FILE_CHANGED)
            try:
                await self._perform_file_tool(action, leave)
            finally:
                self._written[path] = time.time()

    async def _perform_file_tool(self, action: Action, leave: Leave) -> None:
        ready = await self._keeper.ensure()
        if ready.box.id != action.container:
            raise Moved
        tool = FILE_TOOLS[action.call.tool]
        await leave()
        started = time.time()
        failpoints.reach("before dispatch", "file tool")
        try:
            execution = await tool.perform(action, ready.box)
        except SandboxError:
            execution = await self._recall(action)
        except Exception:  # boundary: a tool's execution
            log.exception("a file tool failed")
            execution = await self._recall(action)
        failpoints.reach("after dispatch", "file tool")
        await self._end(_timed(execution, started))

    async def _perform_terminal_tool(self, action: Action, leave: Leave) -> None:
        scene = await self.scene()
        tool = TERMINAL_TOOLS[action.call.tool]
        if scene.box.id != action.container or tool.bound_to(action.call.arguments, scene) != (
            action.base
        ):
            raise Moved
        await leave()
        started = time.time()
        failpoints.reach("before dispatch", "terminal tool")
        try:
            execution = await tool.perform(action, scene)
        except PocketCoderError as error:
            execution = Execution(action.id, Ended.FINISHED, error=error.sentence)
        except Exception:  # boundary: a tool's execution
            log.exception("a tool of the terminal failed")
            execution = unknown(action, OWN_FAULT)
        failpoints.reach("after dispatch", "terminal tool")
        await self._end(_timed(execution, started))

    async def _end(self, execution: Execution) -> Execution:
        """Record the result, without the host's secrets, once the workspace has what it did."""
        await self._keeper.catch_up()
        clean = self._masker.clean
        execution = replace(
            execution,
            output=clean(execution.output),
            error=clean(execution.error),
            coloured=clean(execution.coloured),
        )
        await self._journal.write(ev.ActionEnded(execution))
        self._checkpoints.after(execution.action_id)
        return execution

    async def _recall(self, action: Action) -> Execution:
        """Ask what became of a file tool's action; one that did not start never will."""
        try:
            ready = await ask_in(self._keeper, action)
            failpoints.reach("before asking for", "file tool")
            memory = await recall(ready.box, action.id)
            failpoints.reach("after asking for", "file tool")
            return self._remembered(action, memory)
        except SandboxError as error:
            return unknown(action, error.sentence)
        except Exception:  # boundary: a tool's execution
            log.exception("the box could not be asked")
            return unknown(action, OWN_FAULT)

    def _remembered(self, action: Action, memory: Recall) -> Execution:
        if not memory.started:
            why = "It left and never started; it will not start any more."
            return Execution(action.id, Ended.INTERRUPTED, error=why)
        if memory.result is None:
            return unknown(action, "It started, and the box holds no end of it.")
        return FILE_TOOLS[action.call.tool].finish(action, memory.result)


def is_fresh(action: Action, decision: Decision) -> bool:
    """Whether an action runs beside the agent's shell: a command that a rule allowed."""
    return action.call.tool == SHELL and decision.by is DecidedBy.RULE


def _timed(execution: Execution, started: float) -> Execution:
    return replace(execution, started=started, seconds=time.time() - started)
