"""A list of rows, one of them marked: a title, short facts that give way, and a second line."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.words import clip

TITLE_ROOM = 24
"""Cells that a title has at least, before facts give way."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row; every text in it is safe and has no newline."""

    id: str
    title: str
    facts: tuple[str, ...] = ()
    """At the right end; the first gives way first."""
    more: str = ""
    """What stands below the title; empty for a row of one line."""
    quiet: bool = False
    """Drawn so that it stands back."""


class RowList(Widget, can_focus=True):
    """Draws the rows that fit. The keys are the screen's business."""

    DEFAULT_CSS = "RowList { height: 1fr; }"

    class Picked(Message):
        """A row was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, kit: Kit, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kit = kit
        self._rows: Sequence[ListRow] = ()
        self._first = 0
        self.index = 0
        """The row that is marked."""

    @property
    def rows(self) -> Sequence[ListRow]:
        """What is listed."""
        return self._rows

    @property
    def marked(self) -> ListRow | None:
        """The row that the keys are about; None in an empty list."""
        return self._rows[self.index] if self.index < len(self._rows) else None

    @property
    def page(self) -> int:
        """Rows that are on the screen at once."""
        return max(self.size.height // self._height, 1)

    @property
    def _height(self) -> int:
        return 2 if any(row.more for row in self._rows) else 1

    def put(self, rows: Sequence[ListRow]) -> None:
        """List other rows; the mark stays on its row as long as that is there."""
        kept = self.marked.id if self.marked else ""
        places = [i for i, row in enumerate(rows) if row.id == kept]
        self._rows = tuple(rows)
        self.mark(places[0] if places else min(self.index, max(len(rows) - 1, 0)))

    def mark(self, index: int) -> None:
        """Mark a row, and bring it into sight."""
        self.index = min(max(index, 0), max(len(self._rows) - 1, 0))
        self._first = min(max(self._first, self.index - self.page + 1), self.index)
        self._first = max(min(self._first, len(self._rows) - self.page), 0)
        self.refresh()

    def on_resize(self) -> None:
        """The mark stays in sight."""
        self.mark(self.index)

    def on_click(self, event: object) -> None:
        """Tell which row is under the mouse."""
        at = self._first + int(getattr(event, "y", 0)) // self._height
        if at < len(self._rows):
            self.post_message(self.Picked(at))

    def render(self) -> Content:
        """Draw the rows that fit."""
        shown = range(self._first, min(self._first + self.page, len(self._rows)))
        return Content("\n").join(self._drawn(self._rows[i], i == self.index) for i in shown)

    def _drawn(self, row: ListRow, marked: bool) -> Content:
        width, dots = self.size.width, self._kit.pick("…", "...")
        facts = list(row.facts)
        while facts and width - sum(len(fact) + 2 for fact in facts) < TITLE_ROOM:
            facts.pop(0)
        right = "  ".join(facts)
        room = max(width - 2 - (Content(right).cell_length + 2 if right else 0), 4)
        title = clip(row.title, room, dots)
        pad = max(room - Content(title).cell_length, 0) + (2 if right else 0)
        sign = f"{self._kit.pick('▌', '>')} " if marked else "  "
        style = "bold" if marked else "$text-muted" if row.quiet else ""
        parts: list[str | tuple[str, str]] = [(sign, "$primary"), (title, style), " " * pad]
        parts.append((right, "$text-muted"))
        if self._height == 2:
            parts.append((f"\n    {clip(row.more, width - 4, dots)}", "$text-muted"))
        return Content.assemble(*parts)
