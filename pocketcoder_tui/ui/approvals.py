"""The approvals pane: what waits, its whole text, and the keys that decide.

It never takes the focus by itself, and no key decides about text that was not on screen.
"""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.folding import decision_lines
from pocketcoder_tui.ui.gate import Gate
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.waiting import MOST_ROWS, WaitingList
from pocketcoder_tui.ui.words import count

AT_ONCE = "Several keys came at once, as in a paste. Nothing was decided."


class ReasonInput(Input):
    """Words for the agent; whatever is typed here is text."""


class ApprovalsPane(Vertical, can_focus=True):
    """What waits for the person."""

    BINDINGS = bindings_for("approvals")
    HELP = "Decide about one action at a time: **y** allows it once, **n** denies it."

    class Decided(Message):
        """The person decided about one action."""

        def __init__(self, action_id: str, outcome: Outcome, reason: str) -> None:
            super().__init__()
            self.action_id = action_id
            self.outcome = outcome
            self.reason = reason

    class TryAsked(Message):
        """The person wants to see what a command does in a throw-away copy."""

        def __init__(self, deed: Deed) -> None:
            super().__init__()
            self.deed = deed

    class ZoomAsked(Message):
        """The person wants the whole screen for the row, or no longer."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="approvals")
        self._kit = kit
        self._settle_seconds = kit.settle
        self.gate = Gate(kit.clock, kit.grace)
        self._deeds: Sequence[Deed] = ()
        self._index = 0
        self._key_time = 0.0
        self._burst = False
        self._pending: Timer | None = None
        self._refused = ""

    def compose(self) -> ComposeResult:
        """Rows, text, reason, hint."""
        yield WaitingList(self._kit)
        yield TextView(self._kit, id="decision-text")
        reason = ReasonInput(placeholder="Why not? The agent reads this.", id="reason")
        reason.cursor_blink = False
        reason.display = False
        yield reason
        yield Static("", id="decision-hint", markup=False)

    def on_mount(self) -> None:
        """Show the empty state."""
        self.update_waiting(())

    @property
    def selected(self) -> Deed | None:
        """The row that the keys are about."""
        return self._deeds[self._index] if self._index < len(self._deeds) else None

    def update_waiting(self, deeds: Sequence[Deed]) -> None:
        """Take over what waits now; the selection stays on its action while that waits."""
        kept = [i for i, d in enumerate(deeds) if d.id == self.gate.row]
        self._deeds = tuple(deeds)
        self._index = kept[0] if kept else min(self._index, max(len(deeds) - 1, 0))
        if not kept:
            self._row_came_up()
        self._draw()

    def on_resize(self) -> None:
        """A low or narrow pane shows the selected row only."""
        self._draw()

    def on_show(self) -> None:
        """The pane came into sight, and its row with it."""
        if self.selected is not None:
            self._row_came_up()

    def on_focus(self) -> None:
        """The keys live now."""
        self._draw()

    def on_blur(self) -> None:
        """The keys rest; one that had not settled is forgotten."""
        self._forget_key()
        self._draw()

    def _row_came_up(self) -> None:
        """Another row is selected: show its text, begin its grace, drop what was typed before."""
        self._forget_key()
        deed = self.selected
        self.gate.select(deed.id if deed else "")
        self._close_reason()
        view = self.query_one("#decision-text", TextView)
        if deed is None:
            view.show(())
            return
        view.show(decision_lines(deed), self.gate.reading)
        self.set_timer(self.gate.grace + 0.01, self._wake)

    def _wake(self) -> None:
        """The first moment is over: the keys decide, and a refusal for its sake is stale."""
        if not self.gate.resting:
            self._refused = ""
        self._draw()

    def _draw(self) -> None:
        total = len(self._deeds)
        low = self.size.height < 10 or self.size.width < 44
        self.query_one(WaitingList).put(self._deeds, self._index, 1 if low else MOST_ROWS)
        title = f"Waiting for you · {total}" if total else "Waiting for you"
        if low and total > 1:
            title = f"Waiting for you · {self._index + 1} of {total}"
        self.border_title = Content(title if not self._kit.ascii else title.replace("·", "-"))
        self.border_subtitle = Content(one_line(self.selected.why) if self.selected else "")
        self.query_one("#decision-text").display = bool(total)
        self.query_one("#decision-hint", Static).update(self._hint())

    def _hint(self) -> Content:
        """What the keys would do now, or why they rest."""
        if self.selected is None:
            return Content.styled(
                "Nothing waits. What the agent wants to do appears here, "
                "and does not happen before you allow it.",
                "$text-muted",
            )
        if self.query_one("#reason").display:
            return Content.styled("Enter denies with this reason   Esc back", "$text-muted")
        narrow = self.size.width < 60
        left = self.gate.reading.left
        if not self.gate.reading.whole:
            more = f"   {count(left, 'line')} more" if left else ""
            return Content.styled(f"Scroll to the end to decide: Space{more}", "$warning")
        if self._refused:
            return Content.styled(self._refused, "$warning")
        if not self.has_focus:
            return Content.styled("^Y decide", "$text-muted")
        if self.gate.resting:
            return Content.styled(
                "This has just come up. The keys wake in a moment.", "$text-muted"
            )
        return Content.assemble(
            ("y", "bold $success"), " allow once   ", ("n", "bold $error"), " deny   ",
            ("N", "bold $error"), " reason" if narrow else " deny with a reason",
            ("   t", "bold"), " try" if narrow else " try first",
            ("   f", "bold"), "" if narrow else " whole screen",
        )  # fmt: skip

    def on_text_view_seen(self, event: TextView.Seen) -> None:
        """More of the text was on screen."""
        event.stop()
        self._draw()

    def on_waiting_list_picked(self, event: WaitingList.Picked) -> None:
        """A click selects."""
        event.stop()
        self._select(event.index)

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """Note when the key was pressed; it runs before the key's action."""
        pressed = self._kit.clock.of_key(event.time)
        self._burst = pressed - self._key_time < self._settle_seconds
        self._key_time = pressed
        if self._pending is not None:
            self._forget_key()
            self._refused = AT_ONCE
            self._draw()
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A paste decides nothing."""
        self._forget_key()
        event.stop()

    def action_allow(self) -> None:
        """Allow the selected action once."""
        self._decide(Outcome.ALLOW)

    def action_deny(self) -> None:
        """Deny the selected action."""
        self._decide(Outcome.DENY)

    def _decide(self, outcome: Outcome) -> None:
        deed = self.selected
        self._refused = AT_ONCE if self._burst else self.gate.refusal(self._key_time)
        if deed is None or self._refused:
            self._draw()
            return
        if self._settle_seconds == 0:
            self._settled(deed.id, outcome)
            return
        self._pending = self.set_timer(
            self._settle_seconds, lambda: self._settled(deed.id, outcome)
        )

    def _settled(self, action_id: str, outcome: Outcome, reason: str = "") -> None:
        self._forget_key()
        self.post_message(self.Decided(action_id, outcome, reason))

    def _forget_key(self) -> None:
        if self._pending is not None:
            self._pending.stop()
        self._pending = None
        self._refused = ""

    def action_deny_reason(self) -> None:
        """Ask for the reason, in place."""
        self._refused = self.gate.refusal(self._key_time)
        if self.selected is not None and not self._refused:
            reason = self.query_one("#reason", ReasonInput)
            reason.display = True
            reason.focus()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Deny with the words that were typed."""
        event.stop()
        deed = self.selected
        if deed is not None:
            self._settled(deed.id, Outcome.DENY, event.value.strip())
        self._close_reason()
        self._draw()

    def close_reason(self) -> bool:
        """Put the reason away; says whether it was open."""
        was_open = bool(self.query_one("#reason").display)
        self._close_reason()
        self._draw()
        return was_open

    def _close_reason(self) -> None:
        reason = self.query_one("#reason", ReasonInput)
        if reason.display:
            had_focus = reason.has_focus
            reason.value = ""
            reason.display = False
            if had_focus:
                self.focus()

    def action_try_first(self) -> None:
        """Ask for a try; no decision, but a key that came in a paste asks for nothing either."""
        deed = self.selected
        self._refused = AT_ONCE if self._burst else self.gate.refusal(self._key_time)
        if deed is not None and not self._refused:
            self.post_message(self.TryAsked(deed))
        self._draw()

    def action_select(self, step: int) -> None:
        """Select the row before or after."""
        self._select(self._index + step)

    def _select(self, index: int) -> None:
        if 0 <= index < len(self._deeds) and index != self._index:
            self._index = index
            self._row_came_up()
        self._draw()

    def action_read(self, step: int) -> None:
        """Scroll the text by almost a page, so that no line is skipped."""
        view = self.query_one("#decision-text", TextView)
        page = max(view.size.height - 1, 1)
        view.scroll_to(y=view.scroll_y + step * page, animate=False, immediate=True)

    def action_zoom(self) -> None:
        """Ask for the whole screen, or give it back."""
        self.post_message(self.ZoomAsked())
