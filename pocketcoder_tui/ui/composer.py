"""Where the person writes. What is typed stays until it was taken."""

from collections.abc import Sequence

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

    class RecallAsked(Message):
        """The person wants to change the last message that waits."""

    class PageAsked(Message):
        """The person scrolls the conversation while writing."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def on_key(self, event: events.Key) -> None:
        """Enter sends what was written before it.

        Here and not by the binding: a binding runs when the keys behind it were typed already.
        """
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            self.action_send()
        elif event.key == "up" and not self.text:
            event.prevent_default()
            event.stop()
            self.post_message(self.RecallAsked())

    def action_send(self) -> None:
        """Hand the text over; whoever cannot keep it gives it back."""
        if self.text.strip():
            text, self.text = self.text, ""
            self.post_message(self.Sent(text))

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
        self.changing = ""
        """The waiting message whose text is in the draft; empty for a new one."""
        self._before = ""
        """What was being written when the change began."""
        self._original = ""
        self._warned = ""

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

    def change(self, message_id: str, text: str) -> None:
        """Take a waiting message's text up; what was being written comes back after it."""
        if not self.changing:
            self._before = self.draft.text
        self.changing, self._original, self._warned = message_id, text, ""
        self._write(text)
        self._draw()

    def finish(self) -> str:
        """The draft is a new message from now on; returns the one whose text it was to be."""
        changing, self.changing = self.changing, ""
        before, self._before = self._before, ""
        if changing and before:
            self.give_back([before])
        self._draw()
        return changing

    def leave(self) -> bool:
        """End the change without keeping it; a text that differs is only let go of twice."""
        text = self.draft.text
        if text not in (self._original, self._warned):
            self._warned = text
            return False
        self._write("")
        self.finish()
        return True

    def _write(self, text: str) -> None:
        self.draft.text = text
        self.draft.move_cursor(self.draft.document.end)

    def _draw(self) -> None:
        sign = self._kit.pick("›", ">")
        self.query_one("#prompt", Static).update(f"change {sign}" if self.changing else sign)
        self.set_class(bool(self.changing), "-changing")

    def give_back(self, unsent: Sequence[str]) -> None:
        """Put what could not be sent in front of what was written since."""
        since = [self.draft.text] if self.draft.text else []
        self._write("\n".join([*unsent, *since]))
