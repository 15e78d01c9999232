"""Where the person writes. What is typed stays until it was taken."""

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static, TextArea

from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.kit import Kit


class Draft(TextArea):
    """The text under the person's hands."""

    BINDINGS = bindings_for("writing")

    class Sent(Message):
        """The person wants this text sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class PageAsked(Message):
        """The person scrolls the conversation while writing."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def on_key(self, event: events.Key) -> None:
        """Enter sends: keep TextArea from putting a newline before any binding is asked."""
        if event.key == "enter":
            event.prevent_default()

    def action_send(self) -> None:
        """Offer the text; it is cleared by whoever took it."""
        if self.text.strip():
            self.post_message(self.Sent(self.text))

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def action_page(self, step: int) -> None:
        """Let the conversation scroll."""
        self.post_message(self.PageAsked(step))


class Composer(Horizontal):
    """The prompt sign and the draft."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="composer")
        self._kit = kit

    def compose(self) -> ComposeResult:
        """The sign, then the text."""
        yield Static(self._kit.pick("›", ">"), id="prompt", markup=False)
        draft = Draft(
            id="draft",
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="write to the agent…",
            compact=True,
        )
        draft.cursor_blink = False
        yield draft

    @property
    def draft(self) -> Draft:
        """The text area."""
        return self.query_one(Draft)

    def taken(self, text: str) -> None:
        """The text is durable now; what was typed since stays."""
        if self.draft.text == text:
            self.draft.text = ""
        elif self.draft.text.startswith(text):
            self.draft.text = self.draft.text[len(text) :]
