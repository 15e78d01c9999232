"""The two fixed lines of the screen, top and bottom: a left part, and right parts that give way."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

from pocketcoder_tui.ui.words import clip


@dataclass(frozen=True, slots=True)
class Word:
    """Safe text of one line in one style; a higher ``rank`` gives way first."""

    text: str
    style: str = ""
    rank: int = 0
    gives_way: bool = False
    """True for a sentence that may be cut to the room that is left."""


class Bar(Widget):
    """One line: words from the left, words from the right; what does not fit is left out."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: tuple[Word, ...] = ()
        self._right: tuple[Word, ...] = ()

    def put(self, left: Sequence[Word], right: Sequence[Word]) -> None:
        """Show other words; the same words again cost nothing."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    @property
    def words(self) -> str:
        """All that could be shown, for tests and screen readers."""
        return "  ".join(w.text for w in (*self._left, *self._right))

    def render(self) -> Content:
        """Lay the words out for the present width."""
        width = self.size.width - 2
        words = sorted((*self._left, *self._right), key=lambda w: w.rank)
        kept: list[Word] = []
        used = 0
        for word in words:
            cells = Content(word.text).cell_length + (2 if kept else 0)
            if used + cells > width and kept:
                if (word.rank == 0 or word.gives_way) and width - used > 6:
                    kept.append(word)
                break
            kept.append(word)
            used += cells
        left = [w for w in self._left if any(w is k for k in kept)]
        right = [w for w in self._right if any(w is k for k in kept)]
        return self._line(left, right, width)

    def _line(self, left: list[Word], right: list[Word], width: int) -> Content:
        gap = Content("  ")
        right_part = gap.join(Content.styled(w.text, w.style) for w in right)
        room = max(width - right_part.cell_length - (2 if right else 0), 0)
        parts: list[Content] = []
        for word in left:
            text = clip(word.text, room)
            room -= Content(text).cell_length + 2
            if text:
                parts.append(Content.styled(text, word.style))
        left_part = gap.join(parts)
        space = max(width - left_part.cell_length - right_part.cell_length, 0)
        return Content.assemble(" ", left_part, " " * space, right_part, " ")
