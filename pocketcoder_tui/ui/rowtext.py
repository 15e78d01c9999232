"""The whole text of a row, laid out: its head, then the command, or the change in its parts."""

from collections.abc import Iterable
from functools import partial
from itertools import groupby

from pocketcoder_tui.core.actions import PreviewKind
from pocketcoder_tui.core.holding import HELD
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.effects import Report
from pocketcoder_tui.ui.bonds import Bond
from pocketcoder_tui.ui.diffs import SPLIT_LEAST, Change, change_of, split, unified, wants_split
from pocketcoder_tui.ui.effects import WARNED, report_of, warnings
from pocketcoder_tui.ui.folding import (
    Ink,
    Piece,
    Row,
    body_lines,
    faithful_pieces,
    fold_all,
    head_lines,
    lines_of,
)
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
        """A row's change in its parts; None when it is no diff, or can only be taken whole."""
        if deed.preview.kind is not PreviewKind.DIFF or deed.action.call.tool == HELD:
            return None
        if deed.id not in self._changes:
            self._changes[deed.id] = change_of(deed.preview.text, deed.preview.title)
        change = self._changes[deed.id]
        return change if change.hunks else None

    def layout(self, deed: Deed, bond: Bond | None) -> Layout:
        """How the row's text is laid out for a width."""
        report = report_of(deed.action)
        beware = [[Piece(f"! {warning}", Ink.NOTE)] for warning in warnings(report)]
        beware += [[Piece(f"~ {bond.sentence}", Ink.DIM)]] if bond is not None else []
        change = self.change(deed)
        if change is not None:
            return partial(self._lay_out, change, [*head_lines(deed), *beware])
        held = deed.action.call.tool == HELD
        body = body_lines(deed.preview) if held else command_lines(deed.preview.text, report)
        return partial(fold_all, [*head_lines(deed), *body, *beware])

    def toggle_split(self, width: int) -> str:
        """Show changes the other way; returns why not, or nothing."""
        if width < SPLIT_LEAST:
            return TOO_NARROW
        self._side_by_side = not wants_split(width, self._side_by_side)
        return ""

    def _lay_out(self, change: Change, head: list[list[Piece]], width: int) -> list[Row]:
        draw = split if wants_split(width, self._side_by_side) else unified
        return draw(change, head, width, self._kit)


def command_lines(text: str, report: Report) -> list[list[Piece]]:
    """The text, every character of it, its dangerous places in another ink.

    They are told in words as well; a text with tokens has other places on the screen than in
    itself, and is drawn without.
    """
    pieces = list(faithful_pieces(text))
    places = [e for e in report.of(*WARNED) if e.end]
    if len(pieces) == 1 and pieces[0].text == text and places:
        inks = [Ink.TEXT] * len(text)
        for place in places:
            inks[place.start : place.end] = [Ink.DANGER] * (place.end - place.start)
        runs = groupby(range(len(text)), key=inks.__getitem__)
        pieces = [Piece("".join(text[n] for n in run), ink) for ink, run in runs]
    return list(lines_of(pieces))
