"""The scope prompt: which rule can be made of an action, exactly as stored, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.rulebook import Choices
from pocketcoder_tui.gatekeeper.faithful import faithful
from pocketcoder_tui.gatekeeper.rules import MOST_USES, Offer, Scope, Terms
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.folding import Ink, Piece, lines_of
from pocketcoder_tui.ui.gate import Gate
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.lonekey import LoneKey
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.words import clip, count

AT_ONCE = "Several keys came at once, as in a paste. Nothing was decided."
NOTHING = "Nothing can be remembered about this action."
FIRST_USES = 5
"""Actions for which the prompt offers a rule at first."""

Line = list[Piece]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the person chose."""

    action_id: str
    stored: str
    """The exact text of the rule that was shown."""
    terms: Terms | None
    """None for this once: no rule is kept."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One rule that can be made."""

    outcome: Outcome
    offer: Offer


class ScopeScreen(ModalScreen[Chosen | None]):
    """Decides nothing by itself; whoever opened it is told what was chosen."""

    BINDINGS = bindings_for("scope")

    def __init__(self, deed: Deed, choices: Choices, kit: Kit) -> None:
        super().__init__()
        self._deed = deed
        self._why = choices.why
        self._rows = [_Row(Outcome.ALLOW, offer) for offer in choices.allow]
        self._rows += [_Row(Outcome.DENY, offer) for offer in choices.deny]
        self._kit = kit
        self._keys = LoneKey(kit, self.set_timer)
        self._gate = Gate(kit.clock, kit.grace)
        self._at = 0
        self._uses = FIRST_USES
        self._refused = ""

    def compose(self) -> ComposeResult:
        """What can be remembered, the selected one whole, and the keys."""
        with Vertical(classes="sheet", id="scope") as sheet:
            sheet.border_title = Content("Always, or never")
            sheet.border_subtitle = Content("Esc decides nothing")
            yield Static(id="scope-rows", markup=False)
            yield TextView(self._kit, id="scope-text")
            yield Static(id="scope-hint", markup=False)

    def on_mount(self) -> None:
        """Show the first rule."""
        self._show()

    def on_key(self, event: events.Key) -> None:
        """Note when the key was pressed; it runs before the key's action."""
        if self._keys.note(event.time):
            self._refuse(AT_ONCE)
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A paste decides nothing."""
        self._keys.forget()
        event.stop()

    def on_text_view_seen(self, event: TextView.Seen) -> None:
        """More of the text was on screen."""
        event.stop()
        self._draw()

    def on_resize(self) -> None:
        """The rows are cut to the width."""
        self._draw()

    def action_select(self, step: int) -> None:
        """Show another rule."""
        at = min(max(self._at + step, 0), max(len(self._rows) - 1, 0))
        if at != self._at:
            self._at = at
            self._show()

    def action_read(self, step: int) -> None:
        """Almost a page."""
        view = self.query_one("#scope-text", TextView)
        page = max(view.size.height - 1, 1)
        view.scroll_to(y=view.scroll_y + step * page, animate=False, immediate=True)

    def action_count(self, step: int) -> None:
        """For more actions, or fewer."""
        self._uses = min(max(self._uses + step, 1), MOST_USES)
        self._draw()

    def action_keep(self, scope: str) -> None:
        """Choose the shown rule for so long."""
        chosen = Scope(scope)
        self._choose(Terms(chosen, self._uses if chosen is Scope.USES else 0))

    def action_once(self) -> None:
        """Allow it and keep no rule."""
        if self._selected is not None and self._selected.outcome is Outcome.ALLOW:
            self._choose(None)

    def action_back(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    @property
    def _selected(self) -> _Row | None:
        return self._rows[self._at] if self._rows else None

    def _choose(self, terms: Terms | None) -> None:
        row = self._selected
        refusal = AT_ONCE if self._keys.in_burst else self._gate.refusal(self._keys.pressed_at)
        self._refuse(refusal)
        if row is None or refusal:
            return
        chosen = Chosen(self._deed.id, row.offer.stored, terms)
        self._keys.alone(lambda: self._settled(chosen))

    def _settled(self, chosen: Chosen) -> None:
        self.dismiss(chosen)

    def _refuse(self, why: str) -> None:
        self._refused = why
        self._draw()

    def _show(self) -> None:
        """Another rule is shown: its grace begins, and it has to be read."""
        self._keys.forget()
        self._refused = ""
        row = self._selected
        self._gate.select(row.offer.stored if row else "")
        lines = rule_lines(row.outcome, row.offer.stored, row.offer.sentences) if row else []
        view = self.query_one("#scope-text", TextView)
        view.show(lines or [[Piece(NOTHING)]], self._gate.reading)
        self.set_timer(self._gate.grace + 0.01, self._draw)
        self._draw()

    def _draw(self) -> None:
        width = max(self.size.width - 12, 20)
        parts: list[str | tuple[str, str]] = []
        if self._why:
            parts.append((f"No rule can allow this. {self._why}\n", "bold $warning"))
        for number, row in enumerate(self._rows):
            sign = self._kit.pick("▌", ">") if number == self._at else " "
            words = f"{sign} {row.outcome.value:<6}{one_line(row.offer.sentences[0])}"
            text = clip(words, width, self._kit.pick("…", "..."))
            parts.append((text + "\n", "bold" if number == self._at else "$text-muted"))
        self.query_one("#scope-rows", Static).update(Content.assemble(*parts))
        self.query_one("#scope-hint", Static).update(self._hint())

    def _hint(self) -> Content:
        row, left = self._selected, self._gate.reading.left
        if row is None:
            return Content.styled("Esc back", "$text-muted")
        if self._refused:
            return Content.styled(self._refused, "$warning")
        if not self._gate.reading.whole:
            more = f"   {count(left, 'line')} more" if left else ""
            return Content.styled(f"Scroll to the end to choose: Space{more}", "$warning")
        if self._gate.resting:
            words = "This has just come up. The keys wake in a moment."
            return Content.styled(words, "$text-muted")
        style = "bold $success" if row.outcome is Outcome.ALLOW else "bold $error"
        keys = [("s", "this session"), ("w", "this workspace"), ("t", "30 minutes")]
        keys.append(("u", f"next {self._uses} (+ -)"))
        if row.outcome is Outcome.ALLOW:
            keys.insert(0, ("o", "once, no rule"))
        shown = [Content.assemble((key, style), f" {text}") for key, text in keys]
        return Content("   ").join(shown)


def rule_lines(outcome: Outcome, stored: str, sentences: Sequence[str]) -> list[Line]:
    """A rule as it is shown: what it does, then the exact text that is stored, every character."""
    ink = Ink.NOTE if outcome is Outcome.DENY else Ink.TEXT
    lines = [line for text in sentences for line in lines_of(_pieces(text, ink))]
    lines.append([Piece("")])
    lines.append([Piece("stored, exactly:", Ink.DIM)])
    lines += lines_of(_pieces(stored, Ink.TEXT))
    return lines


def _pieces(text: str, ink: Ink) -> list[Piece]:
    return [Piece(f.text, Ink.MARK if f.marked else ink) for f in faithful(text)]
