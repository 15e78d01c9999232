"""The whole text of a row, laid out: its head, then the command, or the change in its parts."""

from collections.abc import Iterable
from functools import partial

from pocketcoder_tui.core.actions import PreviewKind
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.ui.bonds import Bond
from pocketcoder_tui.ui.diffs import SPLIT_LEAST, Change, change_of, split, unified, wants_split
from pocketcoder_tui.ui.effects import report_of, warnings
from pocketcoder_tui.ui.folding import Ink, Piece, Row, body_lines, fold_all, head_lines
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.textview import Layout

TOO_NARROW = "Side by side needs more room: f gives the whole screen."


class RowText:
    """Remembers for each row which parts of its change are wanted, and how changes are shown."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._changes: dict[str, Change] = {}
        self._side_by_side: bool | None = None

    def keep(self, rows: Iterable[str]) -> None:
        """Forget what does not wait any more."""
        kept = set(rows)
        self._changes = {row: change for row, change in self._changes.items() if row in kept}

    def change(self, deed: Deed) -> Change | None:
        """A row's change in its parts; None when it is no diff."""
        if deed.preview.kind is not PreviewKind.DIFF:
            return None
        if deed.id not in self._changes:
            self._changes[deed.id] = change_of(deed.preview.text, deed.preview.title)
        change = self._changes[deed.id]
        return change if change.hunks else None

    def layout(self, deed: Deed, bond: Bond | None) -> Layout:
        """How the row's text is laid out for a width."""
        head = head_lines(deed, warnings(report_of(deed.action)))
        if bond is not None:
            head.append([Piece(bond.sentence, Ink.DIM)])
        change = self.change(deed)
        if change is None:
            return partial(fold_all, [*head, *body_lines(deed.preview)])
        return partial(self._lay_out, change, head)

    def toggle_split(self, width: int) -> str:
        """Show changes the other way; returns why not, or nothing."""
        if width < SPLIT_LEAST:
            return TOO_NARROW
        self._side_by_side = not wants_split(width, self._side_by_side)
        return ""

    def _lay_out(self, change: Change, head: list[list[Piece]], width: int) -> list[Row]:
        draw = split if wants_split(width, self._side_by_side) else unified
        return draw(change, head, width, self._kit)
