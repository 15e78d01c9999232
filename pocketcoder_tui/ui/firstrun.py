"""The checklist at work: looks at the checks, runs one mend at a time, keeps the key."""

from collections.abc import Callable, Coroutine
from typing import Any

from textual.message import Message
from textual.worker import Worker

from pocketcoder_tui.core.errors import ConfigError, PocketCoderError
from pocketcoder_tui.ui.checklist import Checklist
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import Link, sentence_of

RunSafely = Callable[[Coroutine[Any, Any, None], str], Worker[None]]
FIRST_MESSAGE = "Show me how this works."
"""What is sent when the tour is taken."""


class FirstRun(Checklist):
    """The checklist, joined to the workbench."""

    class Left(Message):
        """The focus belongs to the person's message again."""

    class Changed(Message):
        """The model or the checks are other ones now."""

    def __init__(self, kit: Kit, link: Link, run_safely: RunSafely) -> None:
        super().__init__(kit)
        self._link = link
        self._run_safely = run_safely
        self._mending: Worker[None] | None = None
        self.display = False

    def appear(self, may_focus: bool) -> None:
        """Look, and show the list if something is missing; ``may_focus`` while nothing is typed."""
        self._run_safely(self._first_look(may_focus), "checks")

    async def _first_look(self, may_focus: bool) -> None:
        await self._look()
        self.display = not self.all_well
        if self.display and may_focus and not self._link.transcript.entries:
            self.focus()

    async def _look(self) -> None:
        self.put(await self._link.checks())
        self.post_message(self.Changed())

    def toggle(self) -> None:
        """Show the list and look again, or put it away."""
        if self.display and self.has_focus_within:
            self.display = False
            self.post_message(self.Left())
            return
        self.display = True
        self.focus()
        self._run_safely(self._look(), "checks")

    def leave(self) -> bool:
        """One step back, if the focus is here; says whether it was."""
        if not self.has_focus_within:
            return False
        if not self.back():
            self.display = not self.all_well
            self.post_message(self.Left())
        return True

    def on_checklist_mend_asked(self, event: Checklist.MendAsked) -> None:
        """Begin a mend; one at a time."""
        event.stop()
        if self._mending is None or self._mending.is_finished:
            self._mending = self._run_safely(self._mend(event.check_id), "mend")

    async def _mend(self, check_id: str) -> None:
        self.begin(check_id)
        sentence = "Cancelled. Nothing was lost; the key begins again."
        try:
            await self._link.mend(check_id, self.step)
            sentence = ""
        except PocketCoderError as error:
            sentence = sentence_of(error)
        finally:
            self.end(sentence)
        await self._look()
        self._leave_if_all_well()

    def on_checklist_cancel_asked(self) -> None:
        """End the mend that runs."""
        if self._mending is not None:
            self._mending.cancel()

    def on_checklist_key_entered(self, event: Checklist.KeyEntered) -> None:
        """Keep the model's key."""
        event.stop()
        self._run_safely(self._keep_key(event.key), "key")

    async def _keep_key(self, key: str) -> None:
        try:
            await self._link.workbench.set_key(key)
        except ConfigError as error:
            self.refuse_key(sentence_of(error))
            return
        self.close_key()
        await self._look()
        self._leave_if_all_well()

    def _leave_if_all_well(self) -> None:
        """Nothing is missing any more: the list goes, and the person writes."""
        if self.all_well and self.has_focus_within:
            self.display = False
            self.post_message(self.Left())

    def on_checklist_tour_asked(self, event: Checklist.TourAsked) -> None:
        """Take the tour."""
        event.stop()
        self._run_safely(self._tour(), "tour")

    async def _tour(self) -> None:
        await self._link.workbench.take_tour()
        self.display = False
        self.post_message(self.Left())
        self.post_message(self.Changed())
        await self._link.send(FIRST_MESSAGE)
