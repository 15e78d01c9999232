"""Sentences above the composer: what was just refused or failed, and what the box lacks."""

from textual.content import Content
from textual.widgets import Static


class Notice(Static):
    """As many lines as its sentences need; no line while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__("", id="notice", markup=False)
        self._said = Content()
        self._lasting = Content()
        self._offer = Content()
        self.display = False

    def put(self, sentence: str, style: str) -> None:
        """Show a safe sentence until ``clear``."""
        self._said = Content.styled(sentence, style)
        self._draw()

    def clear(self) -> None:
        """The sentence was there long enough."""
        self._said = Content()
        self._draw()

    def last(self, sentence: str) -> None:
        """Show a safe sentence for as long as it is true; an empty one ends it."""
        lasting = Content.styled(sentence, "$error")
        if lasting.plain != self._lasting.plain:
            self._lasting = lasting
            self._draw()

    def offer(self, sentence: str) -> None:
        """Show a quiet safe sentence until an empty one takes its place."""
        if sentence != self._offer.plain:
            self._offer = Content.styled(sentence, "$text-muted")
            self._draw()

    def _draw(self) -> None:
        lines = [line for line in (self._lasting, self._offer, self._said) if line.plain]
        self.update(Content("\n").join(lines))
        self.display = bool(lines)
