"""Where the person writes about a row: a reason, a comment, or the text of the action itself.

Whatever is typed or pasted here is text. Enter hands it over, and by itself approves nothing.
"""

from enum import StrEnum

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, TextArea

from pocketcoder_tui.gatekeeper.faithful import nameable
from pocketcoder_tui.ui.actions import bindings_for


class Purpose(StrEnum):
    """What the words are for."""

    REASON = "reason"
    """Why something is denied."""
    COMMENT = "comment"
    """What the agent is told with the result."""
    EDIT = "edit"
    """The action's text, changed."""


HINTS = {
    Purpose.REASON: "Enter denies with this reason   Esc back",
    Purpose.COMMENT: "Enter keeps the comment, then y allows with it   Esc back",
    Purpose.EDIT: "Enter asks again with this text   ^J new line   ^O your editor   Esc back",
}
_PLACEHOLDERS = {
    Purpose.REASON: "Why not? The agent reads this.",
    Purpose.COMMENT: "What should the agent know? It reads this with the result.",
    Purpose.EDIT: "",
}


class ReasonInput(Input):
    """Words for the agent, on one line."""


class EditBox(TextArea):
    """The text of an action under the person's hands."""

    BINDINGS = bindings_for("changing")

    class Done(Message):
        """The person wants to be asked about this text."""

    class EditorAsked(Message):
        """The person wants their own editor."""

    def on_key(self, event: events.Key) -> None:
        """Enter hands over what was written before it; see Draft."""
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self.post_message(self.Done())

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def action_editor(self) -> None:
        """Ask for the person's own editor."""
        self.post_message(self.EditorAsked())


class WritingBox(Vertical):
    """Holds both; one at most is open."""

    DEFAULT_CSS = "WritingBox { height: auto; }"

    class Written(Message):
        """The person handed words over."""

        def __init__(self, purpose: Purpose, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class EditorAsked(Message):
        """The person wants their own editor for this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self.purpose: Purpose | None = None
        """What is being written; None while nothing is."""
        self._handed = False
        """True from Enter until it is put away: a second Enter hands nothing over."""

    def compose(self) -> ComposeResult:
        """Both, hidden."""
        words = ReasonInput(id="reason")
        words.cursor_blink = False
        words.display = False
        yield words
        box = EditBox(
            id="edit", soft_wrap=True, tab_behavior="focus", show_line_numbers=False,
            highlight_cursor_line=False, compact=True,
        )  # fmt: skip
        box.cursor_blink = False
        box.display = False
        yield box

    @property
    def has_text_focus(self) -> bool:
        """Whether the person writes here now."""
        return self.purpose is not None and self._widget(self.purpose).has_focus

    @property
    def edited_text(self) -> str | None:
        """The text of the action as it stands in the box; None when it is not being changed."""
        return self.query_one(EditBox).text if self.purpose is Purpose.EDIT else None

    def open(self, purpose: Purpose, text: str = "") -> None:
        """Begin to write; what cannot be seen in ``text`` is named in it."""
        self.close()
        self.purpose, self._handed = purpose, False
        if purpose is Purpose.EDIT:
            box = self.query_one(EditBox)
            box.text = nameable(text)
            box.move_cursor(box.document.end)
        else:
            words = self.query_one(ReasonInput)
            words.placeholder = _PLACEHOLDERS[purpose]
            words.value = nameable(text.replace("\n", " "))
        self._widget(purpose).display = True
        self.screen.set_focus(self._widget(purpose))  # at once: the next key is text already

    def close(self) -> bool:
        """Put it away; says whether it was open."""
        if self.purpose is None:
            return False
        self._widget(self.purpose).display = False
        self.query_one(ReasonInput).value = ""
        self.query_one(EditBox).text = ""
        self.purpose = None
        return True

    def _widget(self, purpose: Purpose) -> Input | TextArea:
        if purpose is Purpose.EDIT:
            return self.query_one(EditBox)
        return self.query_one(ReasonInput)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the words over."""
        event.stop()
        self._hand_over(event.value.strip())

    def on_edit_box_done(self, event: EditBox.Done) -> None:
        """Hand the text over, as it is."""
        event.stop()
        self._hand_over(self.query_one(EditBox).text)

    def _hand_over(self, text: str) -> None:
        if self.purpose is not None and not self._handed:
            self._handed = True
            self.post_message(self.Written(self.purpose, text))

    def on_edit_box_editor_asked(self, event: EditBox.EditorAsked) -> None:
        """Hand the text to the person's editor."""
        event.stop()
        self.post_message(self.EditorAsked(self.query_one(EditBox).text))
