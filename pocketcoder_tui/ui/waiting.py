"""The list of what waits: one line for each action, the selected one marked."""

from collections.abc import Collection, Mapping, Sequence

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from pocketcoder_tui.core.actions import PreviewKind
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.ui.bonds import Bond, bonds
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.looks import WAITING
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip

MOST_ROWS = 5
"""Rows shown at once; the list scrolls with the selection."""


class WaitingList(Widget):
    """Draws the rows; a click selects, and never decides."""

    DEFAULT_CSS = "WaitingList { height: auto; }"

    class Picked(Message):
        """A row was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._deeds: Sequence[Deed] = ()
        self._selected = 0
        self._first = 0
        self._most = MOST_ROWS
        self._marked: frozenset[str] = frozenset()
        self._bonds: Mapping[str, Bond] = {}

    def mark(self, marked: Collection[str]) -> None:
        """These rows are marked."""
        self._marked = frozenset(marked)
        self.refresh()

    def put(self, deeds: Sequence[Deed], selected: int, most: int = MOST_ROWS) -> None:
        """Show these rows; ``most`` is how many at once."""
        self._bonds = bonds(deeds)
        changed = min(len(deeds), most) != min(len(self._deeds), self._most)
        self._deeds, self._selected, self._most = tuple(deeds), selected, most
        self._first = min(max(self._first, selected - most + 1), max(selected, 0))
        self._first = max(min(self._first, len(deeds) - most), 0)
        self.refresh(layout=changed)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line for each row."""
        return min(len(self._deeds), self._most)

    def on_click(self, event: object) -> None:
        """Select the row under the mouse."""
        row = self._first + int(getattr(event, "y", 0))
        if row < len(self._deeds):
            self.post_message(self.Picked(row))

    def render(self) -> Content:
        """Draw the rows that fit."""
        shown = range(self._first, min(self._first + self._most, len(self._deeds)))
        return Content("\n").join(self._line(i, self._deeds[i]) for i in shown)

    def _line(self, index: int, deed: Deed) -> Content:
        width = self.size.width
        preview = deed.preview
        counts = f" +{preview.added} −{preview.removed}" if preview.kind is PreviewKind.DIFF else ""
        if self._kit.ascii:
            counts = counts.replace("−", "-")
        counts = self._facts(deed, width) + counts
        mark = self._kit.pick("▌", ">") if index == self._selected else " "
        chosen = self._kit.pick("◆", "#") if deed.id in self._marked else " "
        head = f"{mark}{index + 1}{chosen}"
        glyph = self._kit.pick(WAITING.glyph, WAITING.fallback)
        verb = f" {preview.verb:<6} "
        room = width - len(head) - 1 - len(verb) - len(counts)
        title = clip(one_line(preview.title), room, self._kit.pick("…", "..."))
        pad = max(room - Content(title).cell_length, 0)
        style = "bold" if index == self._selected else ""
        return Content.assemble(
            (head, "$warning" if index == self._selected else "$text-muted"),
            (glyph, WAITING.style),
            (verb, style),
            (title, style),
            " " * pad,
            (counts, "$text-muted"),
        )

    def _facts(self, deed: Deed, width: int) -> str:
        """What else a row says where there is room: who changed it, what it depends on."""
        facts = ["changed"] if deed.edited else []
        facts += [self._bonds[deed.id].short] if deed.id in self._bonds else []
        words = "".join(f"  {fact}" for fact in facts)
        return words if len(words) < width // 2 else ""
