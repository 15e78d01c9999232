"""The conversation's entries but for actions: what was said, answered, thought and remarked."""

from markdown_it import MarkdownIt
from textual.content import Content
from textual.message import Message
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.core.transcript import Answer, Remark, Said, Thought, Typed
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.looks import QUEUED
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import count, duration


class SaidView(Static):
    """A message of the person's."""

    def __init__(self, said: Said, kit: Kit) -> None:
        super().__init__(markup=False, classes="entry said")
        self._said = said
        self._kit = kit
        self.refresh_entry()

    @property
    def queued(self) -> Said | None:
        """The message, while it waits and can be changed."""
        return self._said if self._said.queued else None

    def refresh_entry(self) -> None:
        """Draw it again."""
        text = plain(self._said.text)
        self.set_class(self._said.queued, "openable")
        if self._said.queued:
            glyph = self._kit.pick(QUEUED.glyph, QUEUED.fallback)
            self.update(Content.styled(f"{glyph} queued: {text}", "$text-muted"))
            return
        self.update(Content.assemble(("you   ", "bold $primary"), text))


def _parser() -> MarkdownIt:
    """Markdown without HTML and without entities, which could bring back what was cleaned."""
    return MarkdownIt("gfm-like", {"html": False}).disable("entity")


class AnswerView(Markdown):
    """A run of the model's text, streaming."""

    class LinkShown(Message):
        """A link was clicked; it is shown, and never opened."""

        def __init__(self, href: str) -> None:
            super().__init__()
            self.href = href

    def __init__(self, answer: Answer) -> None:
        super().__init__(
            parser_factory=_parser, open_links=False, classes="entry answer"
        )  # empty at first: the stream must see a fence's opening itself
        self.BULLETS = ["• "] * 5
        self._answer = answer
        self._written = 0
        self._stream: MarkdownStream | None = None

    async def refresh_entry(self) -> None:
        """Append what is new; a carriage return at the end waits for what follows it."""
        text = self._answer.text
        end = len(text)
        if not self._answer.done and text.endswith("\r"):
            end -= 1
        if end > self._written:
            piece = plain(text[self._written : end])
            self._written = end
            if self._stream is None:
                self._stream = Markdown.get_stream(self)
            await self._stream.write(piece)
        if self._answer.done and self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.stop()

    async def on_unmount(self) -> None:
        """End the stream with its widget."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.stop()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """Show where the link leads."""
        event.stop()
        event.prevent_default()
        self.post_message(self.LinkShown(event.href))


class ThoughtView(Static):
    """A run of thoughts, folded until opened."""

    def __init__(self, thought: Thought, kit: Kit, *, live: bool) -> None:
        super().__init__(markup=False, classes="entry thought openable")
        self._thought = thought
        self._kit = kit
        self._began = kit.clock.wall() if live else 0.0
        self._took = -1.0
        self.opened = False
        self.refresh_entry()

    def refresh_entry(self) -> None:
        """Draw it again."""
        if self._thought.done and self._began and self._took < 0:
            self._took = self._kit.clock.wall() - self._began
        sign = self._kit.pick("▾", "v") if self.opened else self._kit.pick("▸", ">")
        if not self._thought.done:
            head = f"{sign} thinking"
        elif self._took >= 1:
            head = f"{sign} thought for {duration(self._took)}"
        else:
            head = f"{sign} thought, {count(len(self._thought.text.split()), 'word')}"
        body = "\n" + plain(self._thought.text.strip()) if self.opened else ""
        self.update(Content.styled(head + body, "$text-muted"))

    def toggle(self) -> None:
        """Open or close it."""
        self.opened = not self.opened
        self.refresh_entry()


class TypedView(Static):
    """A line that the person typed in the box's terminal, folded until opened."""

    def __init__(self, typed: Typed, kit: Kit) -> None:
        super().__init__(markup=False, classes="entry typed openable")
        self._line = typed.line
        self._kit = kit
        self.opened = False
        self.refresh_entry()

    def refresh_entry(self) -> None:
        """Draw it again."""
        line = self._line
        command = one_line(line.command) or "a line that the shell did not keep"
        where = "" if line.window == MAIN_WINDOW else f" in {one_line(line.window)}"
        good = line.status == 0
        parts: list[str | tuple[str, str]] = [
            (f"{self._kit.pick('✓', '+') if good else self._kit.pick('✗', 'x')} ",
             "$success" if good else "$error"),
            ("you ran ", "bold $primary"),
            command,
            (f"{where}  exit {line.status}  {duration(line.seconds)}", "$text-muted"),
        ]  # fmt: skip
        if self.opened:
            parts.append(("\n" + (plain(line.output).rstrip("\n") or "no output"), "$text-muted"))
        self.update(Content.assemble(*parts))

    def toggle(self) -> None:
        """Open or close it."""
        self.opened = not self.opened
        self.refresh_entry()


class RemarkView(Static):
    """A line of the program's own."""

    def __init__(self, remark: Remark, kit: Kit) -> None:
        super().__init__(markup=False, classes=f"entry remark -{remark.level}")
        sign = {"info": "·", "warning": "!", "error": kit.pick("✗", "x")}[remark.level]
        style = {"info": "$text-muted", "warning": "$warning", "error": "$error"}[remark.level]
        hint = f" {one_line(remark.hint)}" if remark.hint else ""
        self.update(
            Content.assemble((f"{sign} {one_line(remark.sentence)}", style), (hint, "$text-muted"))
        )

    def refresh_entry(self) -> None:
        """A remark never changes."""
