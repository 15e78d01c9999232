"""From an allowed action to its result: bound, recorded, sent once, recorded again."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import Action, Decision, Ended, Execution, Outcome
from pocketcoder_tui.core.errors import (
    DeliveryRefused,
    PocketCoderError,
    RelayError,
    SandboxError,
    ShellBusy,
    TransitionRefused,
)
from pocketcoder_tui.core.ports import (
    CannotTell,
    CommandEnded,
    CommandOutput,
    NeverStarted,
    StillRunning,
    Terminal,
)
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Ready
from pocketcoder_tui.engine.desk import Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.tools import FILE_TOOLS
from pocketcoder_tui.engine.tools.boxscript import Recall, recall

log = logging.getLogger(__name__)

SHELL = "shell"
RECONNECTIONS = 5
"""How often the fate of one command is asked for over a new connection."""
OWN_FAULT = "PocketCoder made an error of its own; the log has the details."

Items = AsyncGenerator[CommandOutput | CommandEnded]
"""What a terminal reports of one command."""


class Dispatcher:
    """Sends actions into the box. Commands of one terminal go one after the other."""

    def __init__(self, keeper: BoxKeeper, journal: Journal) -> None:
        self._keeper = keeper
        self._journal = journal
        self.terminal_free = asyncio.Lock()
        """Held while a command runs in the agent's terminal."""

    async def perform(
        self, action: Action, decision: Decision, may_leave: Callable[[], bool]
    ) -> Execution:
        """Do an allowed action and record the result.

        ``may_leave`` is asked last, just before it leaves. Raises Moved when it would happen
        elsewhere than was decided, Dropped when it may not leave any more, and SandboxError or
        RelayError when there is no box; in each case nothing left.
        """
        covered = decision.outcome is Outcome.ALLOW and decision.digest == action.digest
        if not covered or decision.action_id != action.id:
            raise TransitionRefused("The decision does not cover this action; nothing was sent.")
        if action.call.tool != SHELL:
            return await self._perform_file_tool(action, may_leave)
        async with self.terminal_free:
            ready = await self._keeper.ensure()
            if ready.box.id != action.container or ready.terminal.cwd != action.cwd:
                raise Moved
            await self._leave(action, may_leave)
            failpoints.reach("before dispatch", SHELL)
            execution = await self._run(action, ready)
            failpoints.reach("after dispatch", SHELL)
            return await self._end(execution)

    async def take_up(self, action: Action) -> Execution:
        """Find out what became of an action that left before a crash, and record it."""
        if action.call.tool != SHELL:
            return await self._end(await self._recall(action))
        async with self.terminal_free:
            return await self._end(await self._find(action))

    async def _perform_file_tool(self, action: Action, may_leave: Callable[[], bool]) -> Execution:
        ready = await self._keeper.ensure()
        if ready.box.id != action.container:
            raise Moved
        tool = FILE_TOOLS[action.call.tool]
        await self._leave(action, may_leave)
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
        return await self._end(_timed(execution, started))

    async def _leave(self, action: Action, may_leave: Callable[[], bool]) -> None:
        """The intent is durable before anything is sent."""
        if not may_leave():
            raise Dropped(action.id)
        await self._journal.write(ev.ActionDispatched(action.id, action.digest, time.time()))

    async def _end(self, execution: Execution) -> Execution:
        await self._journal.write(ev.ActionEnded(execution))
        return execution

    async def _run(self, action: Action, ready: Ready) -> Execution:
        command = str(action.call.arguments["command"]).encode("utf-8")
        started = time.time()
        try:
            return await self._drain(action, ready.terminal.run(action.id, command), started)
        except (DeliveryRefused, ShellBusy) as error:
            why = f"Nothing ran. {error.sentence}"
            return Execution(action.id, Ended.FINISHED, error=why, started=started)
        except (RelayError, SandboxError) as error:
            await self._keeper.forget(ready, error.sentence)
            return await self._find(action)
        except Exception:  # boundary: a tool's execution
            log.exception("the terminal failed")
            return await self._find(action)

    async def _find(self, action: Action) -> Execution:
        """Ask what became of a command, over new connections as often as the stream is lost."""
        why = ""
        for _ in range(RECONNECTIONS):
            try:
                ready = await self._ask_in(action)
            except PocketCoderError as error:
                return _unknown(action, error.sentence)
            try:
                return await self._fate(action, ready.terminal)
            except (RelayError, SandboxError) as error:
                why = error.sentence
                await self._keeper.forget(ready, why)
            except Exception:  # boundary: a tool's execution
                log.exception("the terminal could not be asked")
                return _unknown(action, OWN_FAULT)
        return _unknown(action, f"The terminal was lost again and again: {why}")

    async def _ask_in(self, action: Action) -> Ready:
        """The box that the action left for. Raises SandboxError or RelayError when it is gone."""
        try:
            ready = await self._keeper.ensure()
        except PocketCoderError as error:
            why = f"The box cannot be asked what became of it: {error.sentence}"
            raise SandboxError(why) from error
        if ready.box.id != action.container:
            why = "The box in which it ran is gone, so nobody can tell what became of it."
            raise SandboxError(why)
        return ready

    async def _fate(self, action: Action, terminal: Terminal) -> Execution:
        failpoints.reach("before asking for", SHELL)
        found = await terminal.find(action.id)
        failpoints.reach("after asking for", SHELL)
        match found:
            case CommandEnded() as ended:
                return _execution(action, ended, time.time() - ended.seconds)
            case StillRunning():
                return await self._drain(action, terminal.follow(action.id), time.time())
            case NeverStarted():
                why = "It left and never started; it will not start any more."
                return Execution(action.id, Ended.INTERRUPTED, error=why)
            case CannotTell() as doubt:
                return _unknown(action, doubt.why)

    async def _drain(self, action: Action, items: Items, started: float) -> Execution:
        async with contextlib.aclosing(items):
            async for item in items:
                match item:
                    case CommandOutput(text):
                        self._journal.show(ev.OutputGrew(action.id, text))
                    case CommandEnded():
                        return _execution(action, item, started)
        return _unknown(action, "The terminal ended its report without a result.")

    async def _recall(self, action: Action) -> Execution:
        """Ask what became of a file tool's action; one that did not start never will."""
        try:
            ready = await self._ask_in(action)
            failpoints.reach("before asking for", "file tool")
            memory = await recall(ready.box, action.id)
            failpoints.reach("after asking for", "file tool")
            return self._remembered(action, memory)
        except SandboxError as error:
            return _unknown(action, error.sentence)
        except Exception:  # boundary: a tool's execution
            log.exception("the box could not be asked")
            return _unknown(action, OWN_FAULT)

    def _remembered(self, action: Action, memory: Recall) -> Execution:
        if not memory.started:
            why = "It left and never started; it will not start any more."
            return Execution(action.id, Ended.INTERRUPTED, error=why)
        if memory.result is None:
            return _unknown(action, "It started, and the box holds no end of it.")
        return FILE_TOOLS[action.call.tool].finish(action, memory.result)


def _execution(action: Action, ended: CommandEnded, started: float) -> Execution:
    note = "The shell ended with it; a new one was started." if ended.shell_died else ""
    return Execution(
        action.id,
        Ended.FINISHED,
        ended.status,
        ended.output,
        ended.omitted,
        started,
        ended.seconds,
        ended.cwd,
        data={"note": note} if note else {},
    )


def _unknown(action: Action, why: str) -> Execution:
    return Execution(action.id, Ended.UNKNOWN, error=why)


def _timed(execution: Execution, started: float) -> Execution:
    return replace(execution, started=started, seconds=time.time() - started)
