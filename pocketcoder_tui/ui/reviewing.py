"""What the approvals pane leads to: decisions, changed actions, explanations, the way back."""

from collections.abc import Sequence

from textual.app import SuspendNotSupported

from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.ui import asked
from pocketcoder_tui.ui.editor import edited_outside
from pocketcoder_tui.ui.wayfinding import WayfindingScreen

RULE_STAYS = "The rule that you made with it stays; F7 ends it."
NO_STEPPING_ASIDE = "This screen cannot step aside for an editor. e changes the text in place."


class ReviewingScreen(WayfindingScreen):
    """Carries out what the pane asks for; a refusal is said, and the row follows the transcript."""

    def show_waiting(self) -> None:
        """Give the pane what waits; while the next row comes up, the focus stays there."""
        waiting, pane = self.link.transcript.waiting, self.panes.approvals
        had_focus = pane.has_focus_within
        coming = had_focus and any(map(_comes_up, self.link.transcript.entries.values()))
        self.set_class(bool(waiting) or coming, "-waiting")
        pane.elsewhere = self.link.watching
        pane.update_waiting(waiting)
        if not waiting and had_focus and not coming:
            self.go_to_draft()

    def on_approvals_pane_decided(self, event: asked.Decided) -> None:
        """Record the decision."""
        self.run_safely(self._decide((event.action_id,), event.outcome, event.reason), "decide")

    def on_approvals_pane_decided_together(self, event: asked.DecidedTogether) -> None:
        """Record the decisions in the order of the rows."""
        self.run_safely(self._decide(event.action_ids, event.outcome, event.reason), "decide")

    async def _decide(self, action_ids: Sequence[str], outcome: Outcome, reason: str) -> None:
        """Each stands for itself: one that is refused keeps no other from being recorded."""
        refusals: list[PocketCoderError] = []
        for action_id in action_ids:
            try:
                await self.link.decide(action_id, outcome, reason)
            except PocketCoderError as error:
                refusals.append(error)
        self.changed()
        if refusals:
            raise refusals[0]

    def on_approvals_pane_edited(self, event: asked.Edited) -> None:
        """Ask about the changed text."""
        review = self.link.workbench.review
        self.run_safely(review.edit(event.action_id, event.text), "edit")

    def on_approvals_pane_parts_chosen(self, event: asked.PartsChosen) -> None:
        """Ask about the chosen parts."""
        review = self.link.workbench.review
        self.run_safely(review.keep_hunks(event.action_id, event.parts), "edit")

    def on_approvals_pane_editor_asked(self, event: asked.EditorAsked) -> None:
        """Step aside for the person's editor; what they leave in it is asked about."""
        try:
            with self.app.batch_update(), self.app.suspend():
                text, trouble = edited_outside(event.text)
        except SuspendNotSupported:
            text, trouble = None, NO_STEPPING_ASIDE
        self.refresh(repaint=True, layout=True)
        if trouble:
            self.say(trouble, "$error")
        elif text is not None:
            self.on_approvals_pane_edited(asked.Edited(event.action_id, text))

    def on_approvals_pane_explain_asked(self, event: asked.ExplainAsked) -> None:
        """Why it was asked, and what it touches, on the whole screen."""
        from pocketcoder_tui.ui.explaining import explanation
        from pocketcoder_tui.ui.screens import TextScreen

        lines = explanation(event.deed, mode=self.link.mode, bond=event.bond)
        self.app.push_screen(TextScreen("Why you are asked", lines, self.kit))

    def on_approvals_pane_undo_asked(self) -> None:
        """Take the last decision back."""
        self.action_take_back()

    def action_take_back(self) -> None:
        """Take the last decision back; what it was about is asked again."""
        if self.link.opened:
            self.run_safely(self._take_back(), "take back", exclusive=True)

    async def _take_back(self) -> None:
        bench = self.link.workbench
        action_id = await bench.review.undo()
        made = [one for one in await bench.rulebook.listed() if one.kept.made_from == action_id]
        stays = f" {RULE_STAYS}" if made else ""
        self.say(f"Your last decision is taken back: it waits for you again.{stays}", "$primary")

    def on_approvals_pane_zoom_asked(self) -> None:
        """The whole screen for one row, and back."""
        self.toggle_class("-zoom")


def _comes_up(entry: object) -> bool:
    """Whether an entry is an action that is about to wait in another one's place."""
    if not isinstance(entry, Deed) or entry.state is not ActionState.PROPOSED:
        return False
    return entry.action.supersedes is not None
