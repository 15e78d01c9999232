"""The screen's side of the workbench: events in, requests out, every failure a sentence."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.ui.follow import touched
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.status import Standing

LOG = logging.getLogger("pocketcoder.ui")
MakeWorkbench = Callable[[], Awaitable[Workbench]]
OWN_FAULT = "PocketCoder made an error of its own; the log has the details."


class Link:
    """Owns the workbench while the screen lives."""

    def __init__(
        self,
        make: MakeWorkbench,
        on_change: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._make = make
        self._wall = wall
        self._on_change = on_change
        self._workbench: Workbench | None = None
        self._unlisten: Callable[[], None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._nothing = Transcript()
        self.standing = Standing()
        self.dirty: set[str] = set()
        self.opened = False
        """True once the session is open; until then nothing can be sent."""

    @property
    def transcript(self) -> Transcript:
        """What happened so far; empty before the workbench is made."""
        return self._workbench.transcript if self._workbench else self._nothing

    @property
    def workbench(self) -> Workbench:
        """The workbench. Raises PocketCoderError while there is none."""
        if self._workbench is None:
            raise PocketCoderError("The session is not open yet.", hint="Your text is kept.")
        return self._workbench

    @property
    def held(self) -> Deed | None:
        """An allowed command that a half-typed line keeps from starting."""
        return next((deed for deed in self._deeds() if deed.held and deed.clearable), None)

    @property
    def calling_window(self) -> str:
        """The window in which something wants the person; empty when nothing does."""
        return next((deed.window for deed in self._deeds() if deed.needs_input or deed.held), "")

    def _deeds(self) -> list[Deed]:
        return [e for e in self.transcript.entries.values() if isinstance(e, Deed)]

    @property
    def mode(self) -> str:
        """The mode's word; empty while there is no workbench."""
        return self._workbench.mode if self._workbench else ""

    @property
    def model_label(self) -> str:
        """The model's name; empty while there is no workbench."""
        return self._workbench.model_label if self._workbench else ""

    async def open(self) -> None:
        """Make and open the workbench. Raises PocketCoderError; can be called again after it."""
        if self._workbench is None:
            self._workbench = await self._make()
        if self._unlisten is None:
            self._unlisten = self._workbench.listen(self._heard)
        await self._workbench.open()
        self.opened = self.standing.opened = True
        self.dirty.update(self.transcript.entries)
        self._on_change()

    def _heard(self, event: ev.Event) -> None:
        """One event, already in the transcript."""
        match event:
            case transient.BoxChanged():
                self.standing.box = event.state
                self.standing.box_sentence = one_line(f"{event.sentence} {event.hint}".strip())
            case transient.RetryWaiting():
                self.standing.retry = one_line(event.sentence)
                self.standing.retry_at = self._wall() + event.seconds
            case ev.TurnStarted():
                self.standing.turn_began = event.at
                self.standing.retry = ""
            case ev.TurnEnded():
                self.standing.turn_began, self.standing.retry = 0.0, ""
            case ev.PartGrew() | ev.ReplyEnded():
                self.standing.retry = ""
        self.dirty.update(touched(event, self.transcript))
        self._on_change()

    async def send(self, text: str) -> None:
        """Send a message; it is durable when this returns."""
        if not self.opened:
            raise PocketCoderError("The session is not open yet.", hint="Your text is kept.")
        await self.workbench.send(text)

    async def decide(self, action_id: str, outcome: Outcome, reason: str) -> None:
        """Record a decision. Raises TransitionRefused."""
        await self.workbench.decide(action_id, outcome, reason)

    def attach(self) -> str:
        """Hand the terminal over until the person detaches; returns what went wrong, or nothing.

        Raises nothing: Textual takes the terminal back only when the block it stepped aside for
        ends without an error.
        """
        try:
            self.workbench.attach()
        except PocketCoderError as error:
            return sentence_of(error)
        except Exception:  # boundary: the person's own work in the box
            LOG.exception("attaching")
            return OWN_FAULT
        return ""

    async def checks(self) -> list[Check]:
        """How engine, image and key stand."""
        return await self.workbench.checks()

    async def mend(self, check_id: str, on_step: Callable[[Progress], None]) -> None:
        """Mend, and tell every step; cancelling the caller cancels the mend."""
        steps = self.workbench.mend(check_id)
        try:
            async for step in steps:
                on_step(step)
        finally:
            if isinstance(steps, AsyncGenerator):  # closing it is what cancels the mend
                await steps.aclose()

    async def aclose(self) -> None:
        """Let go of the workbench; once, and to its end also when a caller is cancelled.

        The boundary at shutdown, so whatever fails is logged.
        """
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._unlisten is not None:
            self._unlisten()
        self.opened = False
        workbench, self._workbench = self._workbench, None
        if workbench is None:
            return
        try:
            await workbench.aclose()
        except Exception:  # boundary: shutdown must reach its end
            LOG.exception("closing the workbench")


def sentence_of(error: PocketCoderError) -> str:
    """The error as one safe line: what happened, and what to do."""
    return one_line(f"{error.sentence} {error.hint}".strip())
