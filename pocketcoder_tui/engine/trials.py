"""Try it first: a waiting command in a throw-away copy of workspace and box. Never a decision."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pocketcoder_tui.core.actions import Action, ActionState
from pocketcoder_tui.core.checkpoints import ActionTried, Difference
from pocketcoder_tui.core.errors import TrialRefused
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.core.trials import Ran, Trial
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.tools import SHELL

log = logging.getLogger(__name__)

FRESH = "A fresh shell: variables, functions and programs of the agent's shell are not in it."

Step = Callable[[str], None]
"""Told what is being done, a few words."""


class Copy(Protocol):
    """A copy of workspace and box."""

    @property
    def notes(self) -> tuple[str, ...]:
        """In what it is not like them."""

    async def run(self, command: str, cwd: str) -> Ran:
        """Run a command in it, once, to its end or its limit. Raises SandboxError."""

    async def difference(self) -> tuple[Difference, str]:
        """What it changed, counted and as a text. Raises CheckpointError."""


class Copies(Protocol):
    """Makes copies, one at a time."""

    def opened(self, on_step: Step) -> AbstractAsyncContextManager[Copy]:
        """A copy of this moment, gone at its end. Raises SandboxError, CheckpointError."""

    async def sweep(self) -> None:
        """Take away what a crash left. Raises OSError."""


class TrialDesk:
    """Implements workbench.Trials. Its tasks belong to the crew."""

    def __init__(self, copies: Copies | None, journal: Journal, crew: Crew, masker: Masker) -> None:
        """``copies``: None where nothing can be tried, because checkpoints are switched off."""
        self._copies = copies
        self._journal = journal
        self._crew = crew
        self._masker = masker
        self._one = asyncio.Lock()

    async def open(self) -> None:
        """Take away what a crash left; a failure is logged, and the next try meets it again."""
        if self._copies is None:
            return
        try:
            await self._copies.sweep()
        except OSError as error:
            log.warning("a throw-away copy could not be removed: %s", error)

    async def run(self, action_id: str, on_step: Step) -> Trial:
        """See workbench.Trials."""
        action = self._waiting(action_id)
        task = self._crew.start(self._try(action, on_step), f"try of {action_id}")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise

    def _waiting(self, action_id: str) -> Action:
        deed = self._journal.transcript.entries.get(action_id)
        if not isinstance(deed, Deed) or deed.state is not ActionState.WAITING:
            raise TrialRefused("This action does not wait any more.")
        if deed.action.call.tool != SHELL:
            raise TrialRefused("Only a command can be tried. The whole of this is shown already.")
        if self._copies is None:
            raise TrialRefused(
                "A try needs checkpoints, and they are switched off.",
                hint="Set POCKETCODER_CHECKPOINTS=true.",
            )
        if self._one.locked():
            raise TrialRefused("Another command is being tried.")
        return deed.action

    async def _try(self, action: Action, on_step: Step) -> Trial:
        assert self._copies is not None  # asked before
        async with self._one:
            async with self._copies.opened(on_step) as copy:
                on_step("The command runs in the copy.")
                ran = await copy.run(str(action.call.arguments["command"]), action.cwd)
                on_step("Looking at what it changed.")
                difference, text = await copy.difference()
                notes = (FRESH, *copy.notes)
            await self._record(action, ran, difference)
        clean = self._masker.clean
        return Trial(
            action.id, ran.status, ran.ended, clean(_text(ran.output)), ran.truncated, ran.seconds,
            difference, clean(text), notes,
        )  # fmt: skip

    async def _record(self, action: Action, ran: Ran, difference: Difference) -> None:
        tried = ActionTried(
            action.id, action.digest, ran.status, ran.seconds, difference.total, time.time()
        )
        await self._journal.write(tried)


def _text(output: bytes) -> str:
    """An output as a terminal would show it."""
    from pocketcoder_tui.relay.plain import PlainText

    plain = PlainText(len(output) + 1, 1)
    plain.feed(output.decode("utf-8", "replace"))
    return plain.finish()[0]


__all__ = ["FRESH", "Copies", "Copy", "TrialDesk"]
