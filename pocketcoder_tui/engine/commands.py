"""Commands in the box's windows: one at a time in each, followed to the end, also after a crash."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from pocketcoder_tui.core import failpoints, transient
from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.errors import (
    DeliveryRefused,
    PocketCoderError,
    RelayError,
    SandboxError,
    ShellBusy,
)
from pocketcoder_tui.core.terminal import (
    CannotTell,
    CommandEnded,
    CommandHeld,
    NeverStarted,
    StillRunning,
    Terminal,
    Window,
)
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Ready
from pocketcoder_tui.engine.desk import Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.results import OWN_FAULT, command_result, nothing_ran, unknown
from pocketcoder_tui.engine.runs import Run, Runs, window_of

log = logging.getLogger(__name__)

RECONNECTIONS = 5
"""How often the fate of one command is asked for over a new connection."""

Leave = Callable[[], Awaitable[None]]
"""Makes the intent durable, just before anything is sent."""
Record = Callable[[Execution], Awaitable[Execution]]


class Commands:
    """Sends commands into windows. Holds the windows' locks."""

    def __init__(
        self, keeper: BoxKeeper, journal: Journal, runs: Runs, record: Record, limit: float
    ) -> None:
        """``limit``: seconds after which the model is told that a command still runs."""
        self._keeper = keeper
        self._journal = journal
        self._runs = runs
        self._record = record
        self._limit = limit
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Held by a command of a window until it is over, or the model was told that it is not."""
        self._holding: dict[str, asyncio.Task[None]] = {}
        """What waits for a prompt, by the action's id."""

    async def perform(self, action: Action, may_leave: Callable[[], bool], leave: Leave) -> None:
        """Run an allowed command, and return when it is over or the model was told.

        Raises Moved when it would run elsewhere than was decided, Dropped when the turn was
        stopped, SandboxError or RelayError when there is no box; in each case nothing left.
        """
        async with self._turns[window_of(action)]:
            ready, window = await self._place(action)
            await self._wait_for_prompt(action, window, may_leave)
            await leave()
            busy = self._runs.within(window.name)
            if busy is not None:
                await self._record(nothing_ran(action, _still_running(busy)))
                return
            run = self._runs.start(action, lambda run: self._to_its_end(run, ready, window))
            await self._tell(run)

    async def take_up(self, action: Action, reported: bool) -> None:
        """Find out what became of a command that left before a crash, and follow it."""

        async def follow(run: Run) -> Execution:
            return await self._record(await self._find(run))

        if reported:
            self._runs.start(action, follow).reported = True
            return
        async with self._turns[window_of(action)]:
            await self._tell(self._runs.start(action, follow))

    def drop_held(self) -> None:
        """Take back what waits for a prompt: the turn was stopped."""
        for task in self._holding.values():
            task.cancel()

    async def _place(self, action: Action) -> tuple[Ready, Window]:
        ready = await self._keeper.ensure()
        window = await ready.terminal.window(window_of(action))
        if ready.box.id != action.container or window.cwd != action.cwd:
            raise Moved
        return ready, window

    async def _wait_for_prompt(
        self, action: Action, window: Window, may_leave: Callable[[], bool]
    ) -> None:
        """A person's line, finished or half typed, comes first; the screen says so."""
        if self._runs.within(window.name) is not None:
            return

        def on_held(held: CommandHeld) -> None:
            self._journal.show(transient.ActionHeld(action.id, held.why, held.clearable))

        task = asyncio.ensure_future(window.free(on_held))
        self._holding[action.id] = task
        try:
            await task
        except asyncio.CancelledError:
            if may_leave():
                raise
            raise Dropped(action.id) from None
        finally:
            task.cancel()
            del self._holding[action.id]
        if window.cwd != action.cwd:
            raise Moved

    async def _tell(self, run: Run) -> None:
        """Wait for the end; a command that takes longer, or wants input, is reported."""
        limit = run.action.call.arguments.get("limit_seconds") or self._limit
        if await run.until_told(float(limit)) is None:
            await self._runs.report(run)

    async def _to_its_end(self, run: Run, ready: Ready, window: Window) -> Execution:
        run.window = window
        return await self._record(await self._run(run, ready, window))

    async def _run(self, run: Run, ready: Ready, window: Window) -> Execution:
        action = run.action
        command = str(action.call.arguments["command"]).encode("utf-8")
        news, started = window.news, time.time()

        def finish(ended: CommandEnded) -> Execution:
            return command_result(action, ended, started, news or window.news)

        failpoints.reach("before dispatch", "shell")
        try:
            done = await self._runs.drain(run, window.run(action.id, command), finish)
        except (DeliveryRefused, ShellBusy) as error:
            return nothing_ran(action, error.sentence, started)
        except (RelayError, SandboxError) as error:
            await self._keeper.forget(ready, error.sentence)
            return await self._find(run)
        except Exception:  # boundary: a tool's execution
            log.exception("the terminal failed")
            return await self._find(run)
        failpoints.reach("after dispatch", "shell")
        return done or unknown(action, "The terminal ended its report without a result.")

    async def _find(self, run: Run) -> Execution:
        """Ask what became of a command, over new connections as often as the stream is lost."""
        why = ""
        for _ in range(RECONNECTIONS):
            try:
                ready = await ask_in(self._keeper, run.action)
            except PocketCoderError as error:
                return unknown(run.action, error.sentence)
            try:
                return await self._fate(run, ready.terminal)
            except (RelayError, SandboxError) as error:
                why = error.sentence
                await self._keeper.forget(ready, why)
            except Exception:  # boundary: a tool's execution
                log.exception("the terminal could not be asked")
                return unknown(run.action, OWN_FAULT)
        return unknown(run.action, f"The terminal was lost again and again: {why}")

    async def _fate(self, run: Run, terminal: Terminal) -> Execution:
        action, now = run.action, time.time()
        failpoints.reach("before asking for", "shell")
        found = await terminal.find(action.id)
        failpoints.reach("after asking for", "shell")
        match found:
            case CommandEnded() as ended:
                return command_result(action, ended, now - ended.seconds)
            case StillRunning():
                run.window = await terminal.window(window_of(action))
                done = await self._runs.drain(
                    run,
                    terminal.follow(action.id),
                    lambda ended: command_result(action, ended, now),
                )
                return done or unknown(action, "The terminal ended its report without a result.")
            case NeverStarted():
                why = "It left and never started; it will not start any more."
                return Execution(action.id, Ended.INTERRUPTED, error=why)
            case CannotTell() as doubt:
                return unknown(action, doubt.why)


async def ask_in(keeper: BoxKeeper, action: Action) -> Ready:
    """The box that an action left for. Raises SandboxError when it is gone or cannot be had."""
    try:
        ready = await keeper.ensure()
    except PocketCoderError as error:
        why = f"The box cannot be asked what became of it: {error.sentence}"
        raise SandboxError(why) from error
    if ready.box.id != action.container:
        why = "The box in which it ran is gone, so nobody can tell what became of it."
        raise SandboxError(why)
    return ready


def _still_running(run: Run) -> str:
    first, _, _ = str(run.action.call.arguments.get("command", "")).strip().partition("\n")
    return (
        f"Your command {first[:80]!r} still runs in the window {window_of(run.action)!r}. Use "
        "another window, or shell_wait, shell_input or shell_interrupt."
    )
