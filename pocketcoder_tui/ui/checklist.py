"""What must be in place before the agent can work: a row for each, and the key that mends it."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line

_LOOKS = {
    CheckState.OK: ("✓", "+", "ready", "$success"),
    CheckState.MISSING: ("✗", "x", "missing", "$error"),
    CheckState.BROKEN: ("✗", "x", "not usable", "$error"),
    CheckState.BUSY: ("◐", "~", "at work", "$primary"),
}
_KEYS = ("1", "2", "3", "t", "space")
"""Keys that do not begin a message."""
_ROOMY = 60
"""Columns from which on a row that is well says its sentence, too."""
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
        """Text that means nothing here; it belongs to the message being written."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="checklist")
        self._kit = kit
        self._checks: Sequence[Check] = ()
        self._question: Check | None = None
        self._busy: Check | None = None
        self._progress: Progress | None = None
        self._sentence = ""
        self._key_refused = ""
        self._typing = False
        """True once a message was begun here: until the focus has moved, all keys belong to it."""

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
        if self._question or self._busy or self.query_one("#model-key").display:
            self.call_after_refresh(self.scroll_end, animate=False)

    def _row(self, number: int, check: Check) -> Content:
        glyph, fallback, word, style = _LOOKS[check.state]
        well = check.state is CheckState.OK
        what = _mend_words(check)
        key = f"{number} " if what else "  "
        mend = f"\n    {number}: {what}" if what else ""
        hint = f"{'   ' if what else chr(10) + '    '}{one_line(check.hint)}"
        hint = hint if check.hint and not well else ""
        return Content.assemble(
            (key, "bold $warning"),
            (self._kit.pick(glyph, fallback), f"bold {style}"),
            (f" {one_line(check.label)} ", "bold"),
            (word, style),
            "" if well and self.size.width < _ROOMY else f"  {one_line(check.sentence)}",
            (plain(mend), "$text-muted" if well else "$warning"),
            (hint, "$text-muted"),
        )

    def _line(self) -> Content:
        """The last line: the question, the progress, or the other keys."""
        if self._question is not None:
            return Content.styled(f"{_question(self._question)}  y yes   n no", "bold $warning")
        if self._busy is not None:
            return self._progress_line()
        if self.query_one("#model-key").display:
            keys = ("Enter keeps the key   Esc back", "$text-muted")
            refused = f"{self._key_refused}   " if self._key_refused else ""
            return Content.assemble((refused, "$error"), keys)
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
        elif event.is_printable and (self._typing or event.key not in _KEYS):
            self._typing = True
            self.post_message(self.Typed(event.character))
            event.stop()
            event.prevent_default()
        self._draw()

    def on_resize(self) -> None:
        """The rows are laid out for the width."""
        self._draw()

    def on_focus(self) -> None:
        """The first key that means nothing here begins a message."""
        self._typing = False

    def on_paste(self, event: events.Paste) -> None:
        """What was pasted here belongs to the message being written."""
        self.post_message(self.Typed(event.text))
        event.stop()

    def back(self) -> bool:
        """One step back: the question, the key's input, the running mend. Says whether it was."""
        key = self.query_one("#model-key", Input)
        if self._question is not None:
            self._question = None
        elif key.display:
            self.close_key()
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
        if not _mend_words(check):
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
        """Offer the key; an empty one is refused."""
        event.stop()
        if event.value.strip():
            self.post_message(self.KeyEntered(event.value.strip()))
        else:
            self.refuse_key("The key is empty.")

    def refuse_key(self, sentence: str) -> None:
        """The key was not kept: say why beside it, and let it be typed again."""
        self.query_one("#model-key", Input).value = ""
        self._key_refused = one_line(sentence)
        self._draw()

    def close_key(self) -> None:
        """Put the key's input away."""
        key = self.query_one("#model-key", Input)
        key.value, key.display, self._key_refused = "", False, ""
        self.focus()
        self._draw()


def _mend_words(check: Check) -> str:
    """What a row's key does now; empty when it has none. A key can be replaced at any time."""
    if check.id == "key":
        return "enter another key" if check.state is CheckState.OK else check.mend or "enter a key"
    return "" if check.state is CheckState.OK else check.mend


def _question(check: Check) -> str:
    """What is asked before anything on the person's machine is changed."""
    mend = one_line(check.mend)
    how = " with the system's package manager" if check.state is CheckState.MISSING else ""
    return f"{mend[:1].upper()}{mend[1:]}{how}?"
