"""A scrolling view of folded lines that knows which of them have been on screen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from pocketcoder_tui.ui.folding import OURS, Ink, Piece, Row, Under, fold_all
from pocketcoder_tui.ui.gate import Reading
from pocketcoder_tui.ui.kit import Kit

Layout = Callable[[int], list[Row]]
"""Lays a text out for a width in columns."""
GUTTER = 2
"""Columns in front of each line that the text cannot reach."""
SIGNS = ("! ", "~ ")
"""How our own lines begin: a warning, and a remark."""


class TextView(ScrollView, can_focus=False):
    """Draws lines; the scrolling is the parent's business as far as keys go."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"text-view--{ink.value}" for ink in Ink),
        *(f"text-view--under-{under.value}" for under in Under),
    }
    DEFAULT_CSS = """
    TextView {
        overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; height: 1fr;
        scrollbar-gutter: stable;
        & > .text-view--text { color: $foreground; }
        & > .text-view--mark { color: $warning; text-style: bold reverse; }
        & > .text-view--note { color: $warning; text-style: bold; }
        & > .text-view--dim { color: $text-muted; }
        & > .text-view--added { color: $success; }
        & > .text-view--removed { color: $error; }
        & > .text-view--hunk { color: $primary; }
        & > .text-view--keyword { color: $secondary; }
        & > .text-view--string { color: $success; }
        & > .text-view--number { color: $primary; }
        & > .text-view--comment { color: $text-muted; }
        & > .text-view--name { color: $accent; }
        & > .text-view--danger { color: $error; text-style: bold underline; }
        & > .text-view--under-added { background: $success 14%; }
        & > .text-view--under-removed { background: $error 14%; }
    }
    """

    class Seen(Message):
        """More of the text, or all of it, has been on screen."""

    def __init__(self, kit: Kit, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kit = kit
        self._layout: Layout = partial(fold_all, ())
        self._rows: list[Row] = []
        self._folded_at = -1
        self._reading = Reading()

    @property
    def line_count(self) -> int:
        """Lines on the screen when everything is shown, after folding."""
        return len(self._rows)

    @property
    def text_width(self) -> int:
        """Columns that a line may take."""
        return max(self.scrollable_content_region.width - GUTTER, 0)

    @property
    def hunk_rows(self) -> list[int]:
        """Where the parts of a change begin, in lines."""
        return [y for y, row in enumerate(self._rows) if row.hunk >= 0]

    def show(self, lines: Sequence[list[Piece]], reading: Reading | None = None) -> None:
        """Show other lines from their beginning; ``reading`` is told what was on screen."""
        self.lay_out(partial(fold_all, lines), reading)

    def lay_out(self, layout: Layout, reading: Reading | None = None) -> None:
        """Show another text from its beginning, laid out for whatever width there is."""
        self._layout = layout
        self._reading = reading or Reading()
        self._folded_at = -1
        self.scroll_to(0, 0, animate=False, immediate=True, force=True)
        self._fold()

    def lay_out_again(self, layout: Layout) -> None:
        """Show the same text in another way, without scrolling."""
        self._layout = layout
        self._folded_at = -1
        self._fold()

    def on_resize(self) -> None:
        """Fold again for the new width."""
        self._fold()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other lines are on screen."""
        super().watch_scroll_y(old_value, new_value)
        self.call_after_refresh(self._note_seen)

    def _fold(self) -> None:
        width = self.text_width
        if width <= 0:
            return
        if width != self._folded_at:
            self._folded_at = width
            self._rows = self._layout(width)
            self._reading.restart(len(self._rows))
            self.virtual_size = Size(width + GUTTER, len(self._rows))
        self.refresh()
        self.call_after_refresh(self._note_seen)

    def _note_seen(self) -> None:
        """Tell the reading which lines the person can see now, clipped by everything around."""
        if not self.is_attached or self.app.screen is not self.screen or not self._rows:
            return
        seen = self._on_screen()
        top = round(self.scroll_y) + seen.y - self.content_region.y
        before = (self._reading.whole, self._reading.left)
        if seen.height > 0 and seen.width >= self._folded_at + GUTTER:
            self._reading.see(top, min(top + seen.height, len(self._rows)))
        if (self._reading.whole, self._reading.left) != before:
            self.post_message(self.Seen())

    def _on_screen(self) -> Region:
        """The part of the content that is inside the terminal and not clipped by a parent."""
        region = self.scrollable_content_region
        for widget in self.ancestors_with_self:
            if widget is self.screen:
                break
            if isinstance(widget, Widget):
                region = region.intersection(widget.region)
        return region.intersection(self.screen.region)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y + round(self.scroll_y)
        width = self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[index]
        sign, pieces = self._signed(row)
        segments = [Segment(sign.text, base + self._ink(sign.ink.value))]
        segments += [Segment(p.text, base + self._style(p)) for p in pieces]
        return Strip(segments).adjust_cell_length(width, base)

    def _signed(self, row: Row) -> tuple[Piece, tuple[Piece, ...]]:
        """What stands in the gutter, and what beside it.

        The sign of a line of ours stands where no text of an action can: none can imitate it.
        """
        if row.goes_on:
            return Piece(self._kit.pick("↪ ", "> "), Ink.DIM), row.pieces
        first = row.pieces[0] if row.pieces else Piece("")
        if first.ink in OURS and first.text[:GUTTER] in SIGNS:
            rest = replace(first, text=first.text[GUTTER:])
            return replace(first, text=first.text[:GUTTER]), (rest, *row.pieces[1:])
        return Piece(" " * GUTTER), row.pieces

    def _style(self, piece: Piece) -> Style:
        ink = self._ink(piece.ink.value)
        return ink if piece.under is None else self._ink(f"under-{piece.under.value}") + ink

    def _ink(self, name: str) -> Style:
        return self.get_component_rich_style(f"text-view--{name}", partial=True)
