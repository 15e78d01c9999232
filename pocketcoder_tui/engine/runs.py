"""The commands that run in the box's windows: each is followed to its end, whoever waits for it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import Action, Execution
from pocketcoder_tui.core.masking import MaskedStream, Masker
from pocketcoder_tui.core.terminal import (
    MAIN_WINDOW,
    CommandEnded,
    CommandHeld,
    CommandItem,
    CommandOutput,
    CommandProgress,
    CommandWaits,
    Window,
)
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal


class Run:
    """One command from its start to its recorded end."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.window: Window | None = None
        """Where it runs; None while nobody has found it again."""
        self.reported = False
        """True once the model was told that it still runs."""
        self.asks = asyncio.Event()
        """Set while the command reads the terminal and is silent."""
        self.settled: asyncio.Future[Execution] = asyncio.get_running_loop().create_future()

    def progress(self) -> CommandProgress:
        """What it printed since the model was told last."""
        now = self.window.progress(self.action.id) if self.window is not None else None
        return now or CommandProgress(self.action.id, "", 0, 0.0, False)

    async def until_told(self, seconds: float) -> Execution | None:
        """Wait for its end; None when ``seconds`` are over, or when it wants input.

        Raises what kept the end from being recorded. Cancelling leaves the command alone.
        """
        asks = asyncio.ensure_future(self.asks.wait())
        wanted: set[asyncio.Future[Any]] = {self.settled, asks}
        try:
            await asyncio.wait(wanted, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asks.cancel()
        return self.settled.result() if self.settled.done() else None


Follow = Callable[[Run], Awaitable[Execution]]
"""Follows a command to its end and records it."""


class Runs:
    """Knows what runs where. Its tasks belong to the crew."""

    def __init__(self, journal: Journal, crew: Crew) -> None:
        self._journal = journal
        self._crew = crew
        self._runs: dict[str, Run] = {}

    def within(self, window: str) -> Run | None:
        """The command that runs in a window."""
        return self._runs.get(window)

    def start(self, action: Action, follow: Follow, *, apart: bool = False) -> Run:
        """Follow a command in the background; it is known by its window until it is over.

        ``apart``: it is in no window, and keeps none busy.
        """
        run = Run(action)
        if not apart:
            self._runs[window_of(action)] = run
        self._crew.start(self._follow(run, follow), f"command {action.id}")
        return run

    async def drain(
        self,
        run: Run,
        items: AsyncGenerator[CommandItem],
        finish: Callable[[CommandEnded], Execution],
    ) -> Execution | None:
        """Show what comes; the execution at the end, None when there was none."""
        async with contextlib.aclosing(items):
            async for item in items:
                match item:
                    case CommandOutput(text):
                        self._journal.show(transient.OutputGrew(run.action.id, text))
                    case CommandWaits(needs_input):
                        self._ask(run, needs_input)
                    case CommandHeld(why, clearable):
                        self._journal.show(transient.ActionHeld(run.action.id, why, clearable))
                    case CommandEnded():
                        return finish(item)
        return None

    def hearing(self, run: Run, limit: int, masker: Masker) -> Callable[[bytes], None]:
        """Takes what a command prints, and shows the first ``limit`` bytes of it as they come.

        What may begin a secret at the very end is not shown; the whole is, when it is over.
        """
        masked = MaskedStream(masker)
        room = limit

        def heard(piece: bytes) -> None:
            nonlocal room
            text = masked.feed_bytes(piece[: max(room, 0)])
            room -= len(piece)
            if text and not run.settled.done():
                self._journal.show(transient.OutputGrew(run.action.id, text))

        return heard

    async def report(self, run: Run) -> None:
        """Record that the model is told of a command that still runs."""
        run.reported = True
        now = run.progress()
        await self._journal.write(
            ev.ActionReported(
                now.action_id, now.output, now.omitted, now.seconds, now.needs_input, time.time()
            )
        )

    def _ask(self, run: Run, needs_input: bool) -> None:
        if needs_input:
            run.asks.set()
        else:
            run.asks.clear()
        self._journal.show(transient.ActionNeedsInput(run.action.id, needs_input))

    async def _follow(self, run: Run, follow: Follow) -> None:
        try:
            run.settled.set_result(await follow(run))
        except asyncio.CancelledError:
            run.settled.cancel()
            raise
        except Exception as error:  # boundary: handed to whoever waits, or else to the crew
            run.settled.set_exception(error)
            run.settled.exception()
            if run.reported:
                raise
        finally:
            name = window_of(run.action)
            if self._runs.get(name) is run:
                del self._runs[name]


def window_of(action: Action) -> str:
    """The window that an action of the terminal's names."""
    return str(action.call.arguments.get("window") or MAIN_WINDOW)
