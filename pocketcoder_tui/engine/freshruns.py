"""Commands that a rule allows, followed to their end beside the terminal's windows."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Ready
from pocketcoder_tui.engine.commands import Leave, ask_in
from pocketcoder_tui.engine.desk import Moved
from pocketcoder_tui.engine.results import OWN_FAULT, unknown
from pocketcoder_tui.engine.runs import Run, Runs
from pocketcoder_tui.engine.tools.fresh import argv_of, finish_fresh, recall_fresh, run_fresh

log = logging.getLogger(__name__)

LIVE_BYTES = 4_000_000
"""Of what one prints, so much is shown while it runs; the end is there when it is over."""


class FreshRuns:
    """Sends them. Several may run at a time; none of them is in a window."""

    def __init__(
        self,
        keeper: BoxKeeper,
        runs: Runs,
        record: Callable[[Execution], Awaitable[Execution]],
        *,
        masker: Masker,
        seconds: float,
        characters: int,
    ) -> None:
        """After ``seconds`` the model is told that it still runs; ``characters`` are kept."""
        self._keeper = keeper
        self._runs = runs
        self._record = record
        self._masker = masker
        self._seconds = seconds
        self._characters = characters

    async def perform(self, action: Action, leave: Leave) -> None:
        """Run it, and return when it is over or the model was told.

        Raises Moved, SandboxError or RelayError when there is no such box any more, and
        TransitionRefused for what no rule can allow; in each case nothing left.
        """
        argv_of(action)
        ready = await self._keeper.ensure()
        if ready.box.id != action.container:
            raise Moved
        await leave()
        await self._tell(action, lambda run: self._to_its_end(run, ready))

    async def take_up(self, action: Action, reported: bool) -> None:
        """Find out what became of one that left before a crash, and follow it."""

        async def follow(run: Run) -> Execution:
            return await self._record(await self._find(run.action))

        if reported:
            self._runs.start(action, follow, apart=True).reported = True
        else:
            await self._tell(action, follow)

    async def _tell(self, action: Action, follow: Callable[[Run], Awaitable[Execution]]) -> None:
        run = self._runs.start(action, follow, apart=True)
        limit = action.call.arguments.get("limit_seconds") or self._seconds
        if await run.until_told(float(limit)) is None:
            await self._runs.report(run)

    async def _to_its_end(self, run: Run, ready: Ready) -> Execution:
        started = time.time()
        failpoints.reach("before dispatch", "fresh process")
        try:
            heard = self._runs.hearing(run, LIVE_BYTES, self._masker)
            result = await run_fresh(run.action, ready.box, self._characters, heard)
            execution = finish_fresh(run.action, result, self._characters)
        except SandboxError:
            execution = await self._find(run.action)
        except Exception:  # boundary: a tool's execution
            log.exception("a command by a rule failed")
            execution = await self._find(run.action)
        failpoints.reach("after dispatch", "fresh process")
        timed = replace(execution, started=started, seconds=time.time() - started)
        return await self._record(timed)

    async def _find(self, action: Action) -> Execution:
        """Ask what became of it; one that did not start never will."""
        try:
            ready = await ask_in(self._keeper, action)
            failpoints.reach("before asking for", "fresh process")
            memory = await recall_fresh(action, ready.box)
            failpoints.reach("after asking for", "fresh process")
        except SandboxError as error:
            return unknown(action, error.sentence)
        except Exception:  # boundary: a tool's execution
            log.exception("the box could not be asked")
            return unknown(action, OWN_FAULT)
        if not memory.started:
            why = "It left and never started; it will not start any more."
            return Execution(action.id, Ended.INTERRUPTED, error=why)
        if memory.result is None:
            return unknown(action, "It started, and the box holds no end of it.")
        return finish_fresh(action, memory.result, self._characters)
