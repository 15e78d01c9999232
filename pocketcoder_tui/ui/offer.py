"""The one rule that the first session offers, as it would be stored: taken, left, or for later."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.rules import Offer
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.folding import Piece
from pocketcoder_tui.ui.gate import Gate
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.lonekey import LoneKey
from pocketcoder_tui.ui.scope import rule_lines
from pocketcoder_tui.ui.textview import TextView

HEAD = "The agent asks before it looks at a file. These rules let it look in the workspace at once."
KEYS = "y take them   n leave them   Esc later"
SCROLL = "Scroll to the end to choose: Space"


class OfferScreen(ModalScreen[bool | None]):
    """Answers True when taken, False when left, None for later."""

    BINDINGS = bindings_for("offer")

    def __init__(self, offers: Sequence[Offer], kit: Kit) -> None:
        super().__init__()
        self._offers = offers
        self._kit = kit
        self._keys = LoneKey(kit, self.set_timer)
        self._gate = Gate(kit.clock, kit.grace)

    def compose(self) -> ComposeResult:
        """The rules whole, and the keys."""
        with Vertical(classes="sheet", id="offer") as sheet:
            sheet.border_title = Content("Let it look without asking")
            yield TextView(self._kit, id="offer-text")
            yield Static(id="offer-hint", markup=False)

    def on_mount(self) -> None:
        """Show them."""
        self._gate.select("offer")
        lines = [[Piece(HEAD)]]
        for offer in self._offers:
            lines += [[Piece("")], *rule_lines(Outcome.ALLOW, offer.stored, offer.sentences)]
        self.query_one(TextView).show(lines, self._gate.reading)
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """Note when the key was pressed; it runs before the key's action."""
        if self._keys.note(event.time):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A paste answers nothing."""
        self._keys.forget()
        event.stop()

    def on_text_view_seen(self, event: TextView.Seen) -> None:
        """More of the text was on screen."""
        event.stop()
        self._draw()

    def action_answer(self, taken: bool) -> None:
        """Take it or leave it, if it was read."""
        if not self._keys.in_burst and not self._gate.refusal(self._keys.pressed_at):
            self._keys.alone(lambda: self._settled(taken))

    def action_read(self, step: int) -> None:
        """Almost a page."""
        view = self.query_one(TextView)
        page = max(view.size.height - 1, 1)
        view.scroll_to(y=view.scroll_y + step * page, animate=False, immediate=True)

    def action_back(self) -> None:
        """Later."""
        self.dismiss(None)

    def _settled(self, taken: bool) -> None:
        self.dismiss(taken)

    def _draw(self) -> None:
        whole = self._gate.reading.whole
        hint = Content.styled(KEYS if whole else SCROLL, "$text-muted" if whole else "$warning")
        self.query_one("#offer-hint", Static).update(hint)
