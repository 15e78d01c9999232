"""What must be in place before the agent can work: a row for each, and the key that mends it."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line

_LOOKS = {
    CheckState.OK: ("✓", "+", "ready", "$success"),
    CheckState.MISSING: ("✗", "x", "missing", "$error"),
    CheckState.BROKEN: ("✗", "x", "not usable", "$error"),
    CheckState.BUSY: ("◐", "~", "at work", "$primary"),
}
_BAR = 24
"""Cells of the progress bar."""


class Checklist(Vertical, can_focus=True):
    """Rows, a question before anything is installed, a bar while it is, and the key's input."""

    BINDINGS = bindings_for("checklist")

    class MendAsked(Message):
        """The person said yes to a mend."""

        def __init__(self, check_id: str) -> None:
            super().__init__()
            self.check_id = check_id

    class KeyEntered(Message):
        """The person typed a model key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class TourAsked(Message):
        """The person wants the scripted model."""

    class CancelAsked(Message):
        """The person wants the running mend to end."""

    class Typed(Message):
        """A character that means nothing here; it belongs to the message being written."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="checklist")
        self._kit = kit
        self._checks: Sequence[Check] = ()
        self._question: Check | None = None
        self._busy: Check | None = None
        self._progress: Progress | None = None
        self._sentence = ""

    def compose(self) -> ComposeResult:
        """Rows, and the input for the key."""
        yield Static("", id="checks", markup=False)
        key = Input(password=True, placeholder="Model key; it is not shown", id="model-key")
        key.cursor_blink = False
        key.display = False
        yield key
        yield Static("", id="check-line", markup=False)

    def on_mount(self) -> None:
        """Name the panel."""
        self.border_title = Content("Before the agent can work")

    @property
    def busy(self) -> bool:
        """True while a mend runs."""
        return self._busy is not None

    def put(self, checks: Sequence[Check]) -> None:
        """Show how things stand now."""
        self._checks = tuple(checks)
        self._draw()

    @property
    def all_well(self) -> bool:
        """True when nothing is missing."""
        return bool(self._checks) and all(c.state is CheckState.OK for c in self._checks)

    def begin(self, check_id: str) -> None:
        """A mend runs now."""
        self._busy = next((c for c in self._checks if c.id == check_id), None)
        self._progress, self._sentence = None, ""
        self._draw()

    def step(self, progress: Progress) -> None:
        """How far the mend is."""
        self._progress = progress
        self._draw()

    def end(self, sentence: str = "") -> None:
        """The mend is over; ``sentence`` says what went wrong, if anything."""
        self._busy = self._progress = None
        self._sentence = one_line(sentence)
        self._draw()

    # --- drawing

    def _draw(self) -> None:
        rows = [self._row(i + 1, check) for i, check in enumerate(self._checks)]
        if not rows:
            rows = [Content.styled("Looking…", "$text-muted")]
        self.query_one("#checks", Static).update(Content("\n").join(rows))
        self.query_one("#check-line", Static).update(self._line())

    def _row(self, number: int, check: Check) -> Content:
        glyph, fallback, word, style = _LOOKS[check.state]
        well = check.state is CheckState.OK
        mends = bool(check.mend) or check.id == "key"
        key = f"{number} " if mends and not well else "  "
        mend = f"  {number}: {check.mend or 'enter a key'}" if mends and not well else ""
        hint = f"  {one_line(check.hint)}" if check.hint and not well else ""
        return Content.assemble(
            (key, "bold $warning"),
            (self._kit.pick(glyph, fallback), f"bold {style}"),
            (f" {one_line(check.label)} ", "bold"),
            (word, style),
            f"  {one_line(check.sentence)}",
            (hint, "$text-muted"),
            (one_line(mend), "$warning"),
        )

    def _line(self) -> Content:
        """The last line: the question, the progress, or the other keys."""
        if self._question is not None:
            return Content.styled(f"{_question(self._question)}  y yes   n no", "bold $warning")
        if self._busy is not None:
            return self._progress_line()
        if self.query_one("#model-key").display:
            return Content.styled("Enter keeps the key   Esc back", "$text-muted")
        if self._sentence:
            return Content.styled(self._sentence, "$error")
        return Content.styled("t  take the tour: a scripted model, no key needed", "$text-muted")

    def _progress_line(self) -> Content:
        progress = self._progress
        sentence = one_line(progress.sentence) if progress else "Beginning…"
        if progress is None or progress.done is None:
            return Content.assemble((sentence, "$primary"), "   Esc cancels")
        part = min(max(progress.done, 0.0), 1.0)
        full = round(part * _BAR)
        bar = self._kit.pick("█", "#") * full + self._kit.pick("░", ".") * (_BAR - full)
        return Content.assemble(
            (bar, "$primary"), f" {part:.0%}  ", sentence, ("   Esc cancels", "$text-muted")
        )

    # --- keys

    def on_key(self, event: events.Key) -> None:
        """Answer the question; hand every other character to the message being written."""
        if self.query_one("#model-key").display or event.character is None:
            return
        if self._question is not None and event.key in ("y", "n", "escape"):
            check, self._question = self._question, None
            if event.key == "y":
                self.post_message(self.MendAsked(check.id))
            event.stop()
            event.prevent_default()
        elif event.is_printable and event.key not in ("1", "2", "3", "t", "space"):
            self.post_message(self.Typed(event.character))
            event.stop()
        self._draw()

    def back(self) -> bool:
        """One step back: the question, the key's input, the running mend. Says whether it was."""
        key = self.query_one("#model-key", Input)
        if self._question is not None:
            self._question = None
        elif key.display:
            key.value, key.display = "", False
            self.focus()
        elif self._busy is not None:
            self.post_message(self.CancelAsked())
        else:
            return False
        self._draw()
        return True

    def action_mend(self, number: int) -> None:
        """Mend one row: ask first, or let the key be typed."""
        if not 0 < number <= len(self._checks) or self._busy is not None:
            return
        check = self._checks[number - 1]
        if check.state is CheckState.OK:
            return
        self._sentence = ""
        if check.id == "key":
            key = self.query_one("#model-key", Input)
            key.display = True
            key.focus()
        elif check.id == "engine" and check.mend:
            self._question = check
        elif check.mend:
            self.post_message(self.MendAsked(check.id))
        self._draw()

    def action_tour(self) -> None:
        """Take the tour."""
        self.post_message(self.TourAsked())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the key; an empty one is refused."""
        event.stop()
        if not event.value.strip():
            self._sentence = "The key is empty."
            event.input.display = False
            self.focus()
            self._draw()
            return
        value, event.input.value = event.value.strip(), ""
        event.input.display = False
        self.focus()
        self.post_message(self.KeyEntered(value))
        self._draw()


def _question(check: Check) -> str:
    """What is asked before anything on the person's machine is changed."""
    mend = one_line(check.mend)
    how = " with the system's package manager" if check.state is CheckState.MISSING else ""
    return f"{mend[:1].upper()}{mend[1:]}{how}?"
