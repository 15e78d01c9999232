"""Modes and rules on the main screen: the keys that open their prompts, and what follows."""

from typing import TYPE_CHECKING

from textual.timer import Timer

from pocketcoder_tui.core import modes
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.toolset import SEARCHING
from pocketcoder_tui.ui import asked
from pocketcoder_tui.ui.notice import Notice
from pocketcoder_tui.ui.writing import WritingScreen

if TYPE_CHECKING:  # the grammar that it reads with is not loaded for the first frame
    from pocketcoder_tui.ui.scope import Chosen

OFFER = "Reading, listing and searching in the workspace can go without asking: F2 shows the rule."
ANSWERED = "This was offered once and answered. F7 lists your rules."
ORDER = (modes.ASK, modes.CONTAINED, modes.PLAN)
"""In which the key goes through the modes."""


class RulingScreen(WritingScreen):
    """Changes the mode; opens the prompts about rules and carries out what was chosen there."""

    offered = False
    """True while the first session's offer was neither taken nor left."""
    _coming_mode = ""
    """The mode on which the key rests; empty when it holds already."""
    _resting: Timer | None = None

    @property
    def mode_word(self) -> str:
        """What the header says: the mode, or with a question mark the one that is about to hold."""
        return f"{self._coming_mode}?" if self._coming_mode else self.link.mode

    def action_next_mode(self) -> None:
        """Go on to the next mode.

        The contained one lets things run, so it holds only once the key has rested on it: on the
        way from ask to plan it never does.
        """
        if not self.link.opened:
            return
        now = self._coming_mode or self.link.mode
        mode = ORDER[(ORDER.index(now) + 1) % len(ORDER)] if now in ORDER else ORDER[0]
        if self._resting is not None:
            self._resting.stop()
        self._coming_mode = mode
        if mode == modes.CONTAINED and self.kit.grace:
            self._resting = self.set_timer(self.kit.grace, self._mode_rested)
            self.changed()
        else:
            self._mode_rested()

    def _mode_rested(self) -> None:
        mode, self._coming_mode, self._resting = self._coming_mode, "", None
        self.run_safely(self._change_mode(mode), "mode")

    async def _change_mode(self, mode: str) -> None:
        await self.link.workbench.rulebook.change_mode(mode)
        stays = " What waits goes on waiting." if self.link.transcript.waiting else ""
        self.say(f"{modes.sentence_of(mode)}{stays}", "$primary")
        self.changed()

    def on_approvals_pane_always_asked(self, event: asked.AlwaysAsked) -> None:
        """Show the rules that can be made."""
        self.run_safely(self._ask_scope(event), "scope", exclusive=True)

    async def _ask_scope(self, event: asked.AlwaysAsked) -> None:
        from pocketcoder_tui.ui.scope import ScopeScreen

        choices = self.link.workbench.rulebook.choices(event.deed.id)

        def chosen(choice: "Chosen | None") -> None:
            if choice is not None:
                self.run_safely(self._keep(choice), "decide")

        self.app.push_screen(ScopeScreen(event.deed, choices, self.kit), chosen)

    async def _keep(self, choice: "Chosen") -> None:
        try:
            if choice.terms is None:
                await self.link.decide(choice.action_id, Outcome.ALLOW, "")
            else:
                book = self.link.workbench.rulebook
                await book.keep(choice.action_id, choice.stored, choice.terms)
                self.say("The rule is kept. F7 lists your rules.", "$primary")
        finally:
            self.changed()

    def action_rules(self) -> None:
        """The person's rules."""
        from pocketcoder_tui.ui.rules import RulesScreen

        if self.link.opened and not isinstance(self.app.screen, RulesScreen):
            self.app.push_screen(RulesScreen(self.link.workbench, self.kit))

    def action_models(self) -> None:
        """Which model is asked."""
        from pocketcoder_tui.ui.models import ModelsScreen

        if self.link.opened and not isinstance(self.app.screen, ModelsScreen):
            self.app.push_screen(ModelsScreen(self.link.workbench.models, self.kit))

    def action_ssh_keys(self) -> None:
        """Who may come in over SSH."""
        from pocketcoder_tui.ui.sshkeys import SshKeysScreen

        if self.link.opened and not isinstance(self.app.screen, SshKeysScreen):
            self.app.push_screen(SshKeysScreen(self.link.workbench, self.kit))

    def action_network(self) -> None:
        """What the box reaches, and what leads into it."""
        from pocketcoder_tui.ui.network import NetworkScreen

        if self.link.opened and not isinstance(self.app.screen, NetworkScreen):
            self.app.push_screen(NetworkScreen(self.link, self.kit))

    def action_stats(self) -> None:
        """Who decided what."""
        if self.link.opened:
            self.run_safely(self._stats(), "stats", exclusive=True)

    async def _stats(self) -> None:
        from pocketcoder_tui.gatekeeper.tally import tally_words
        from pocketcoder_tui.ui.folding import Piece
        from pocketcoder_tui.ui.safe import one_line
        from pocketcoder_tui.ui.screens import TextScreen

        words = tally_words(await self.link.workbench.rulebook.tally())
        lines = [[Piece(_indented(line, one_line(line)))] for line in words]
        self.app.push_screen(TextScreen("Who decided what", lines, self.kit))

    # --- the offer that is made once

    async def look_at_offer(self) -> None:
        """Find out whether the first session's offer still stands."""
        self.offered = bool(await self.link.workbench.rulebook.first_offer())
        self.show_offer()

    def show_offer(self) -> None:
        """One quiet line while it is about what the person sees now; it never takes the focus."""
        waiting = self.link.transcript.waiting
        fits = not self.link.transcript.entries or any(
            deed.action.call.tool in SEARCHING for deed in waiting
        )
        self.query_one(Notice).offer(OFFER if self.offered and fits else "")

    def action_first_offer(self) -> None:
        """Show the offer."""
        if self.link.opened:
            self.run_safely(self._first_offer(), "offer", exclusive=True)

    async def _first_offer(self) -> None:
        from pocketcoder_tui.ui.offer import OfferScreen

        offers = await self.link.workbench.rulebook.first_offer()
        if not offers:
            self.say(ANSWERED)
            return
        self.app.push_screen(OfferScreen(offers, self.kit), self._answered)

    def _answered(self, taken: bool | None) -> None:
        if taken is not None:
            self.run_safely(self._answer(taken), "offer")

    async def _answer(self, taken: bool) -> None:
        await self.link.workbench.rulebook.answer_first_offer(taken)
        self.offered = False
        self.show_offer()
        said = "The rules are kept. F7 lists them." if taken else "It stays as it is."
        self.say(said, "$primary")


def _indented(raw: str, safe: str) -> str:
    """A cleaned line with the spaces that it began with."""
    return " " * (len(raw) - len(raw.lstrip(" "))) + safe.lstrip()
