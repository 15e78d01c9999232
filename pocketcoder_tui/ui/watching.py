"""Two pocketcoders on one workspace: the second one watches, and what it may not do says so."""

from textual.message import Message

from pocketcoder_tui.core.errors import LedgerOwned, PocketCoderError
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import MakeWorkbench
from pocketcoder_tui.ui.ruling import RulingScreen

ELSEWHERE = "You watch: that is done where the session works."
NOBODY = "No other pocketcoder works in this folder."
ALREADY = "You watch already."


class WatchingScreen(RulingScreen):
    """Offers to watch, and keeps what only the owner can do from being begun."""

    class WatchAsked(Message, namespace="watching_screen"):
        """The person wants to watch the other process's session."""

    def __init__(self, make: MakeWorkbench, kit: Kit, mirror: Mirror | None = None) -> None:
        super().__init__(make, kit)
        self._mirror = mirror

    async def offers_watching(self, error: PocketCoderError) -> bool:
        """Whether what kept the session from opening is somebody whose session can be watched."""
        owned = isinstance(error, LedgerOwned)
        return owned and self._mirror is not None and await self._mirror.is_there()

    def action_watch(self) -> None:
        """Watch, if there is somebody."""
        if self.link.opened and not self.link.left:
            self.say(ALREADY if self.link.watching else NOBODY)
        else:
            self.run_safely(self._ask_to_watch(), "watch asked", exclusive=True)

    async def _ask_to_watch(self) -> None:
        if self._mirror is not None and await self._mirror.is_there():
            self.post_message(self.WatchAsked())
        else:
            self.say(NOBODY)

    def _kept_out(self) -> bool:
        """Say that it is done elsewhere; True where that is so."""
        if self.link.watching:
            self.say(ELSEWHERE)
        return self.link.watching

    def take_over(self) -> bool:
        """Open the session here that the other process has left; says whether it has."""
        if self.link.left:
            self.post_message(self.SessionAsked(self.link.transcript.session_id))
        return self.link.left

    async def action_attach(self) -> None:
        """Not from here: `pocketcoder attach` needs no session."""
        if not self._kept_out():
            await super().action_attach()

    def action_clear_line(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_clear_line()

    def action_jobs(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_jobs()

    def action_undo(self, number: int = 0) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_undo(number)

    def action_sessions(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_sessions()

    def action_new_session(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_new_session()

    def action_checklist(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_checklist()

    def action_take_back(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_take_back()

    def action_next_mode(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_next_mode()

    def action_rules(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_rules()

    def action_models(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_models()

    def action_ssh_keys(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_ssh_keys()

    def action_network(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_network()

    def action_stats(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_stats()

    def action_first_offer(self) -> None:
        """The owner's."""
        if not self._kept_out():
            super().action_first_offer()
