"""Folding loses nothing, and no row is wider than it may be."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pocketcoder_tui.core.actions import Preview, PreviewKind
from pocketcoder_tui.gatekeeper.faithful import faithful_text
from pocketcoder_tui.ui.folding import Ink, Piece, fold, fold_all, preview_lines


@given(st.text(), st.integers(2, 40))
def test_every_character_is_there_and_no_row_is_too_wide(text: str, width: int) -> None:
    preview = Preview(PreviewKind.COMMAND, "run", "", text)
    rows = fold_all(preview_lines(preview), width)
    lines: list[str] = []
    for row in rows:
        drawn = "".join(p.text for p in row.pieces)
        assert cell_len(drawn) <= width
        if row.goes_on:
            lines[-1] += drawn
        else:
            lines.append(drawn)
    assert "\n".join(lines) == faithful_text(text)


def test_spaces_at_a_fold_stay() -> None:
    rows = list(fold([Piece("ab      cd")], 4))
    assert ["".join(p.text for p in r.pieces) for r in rows] == ["ab  ", "    ", "cd"]


def test_diff_lines_have_their_ink_and_tokens_keep_their_mark() -> None:
    preview = Preview(PreviewKind.DIFF, "edit", "", "@@ 1 @@\n-old\n+new\u202e\n same")
    inks = [[p.ink for p in line] for line in preview_lines(preview)]
    assert inks[1:] == [[Ink.HUNK], [Ink.REMOVED], [Ink.ADDED, Ink.MARK], [Ink.TEXT]]


def test_notes_come_first_and_are_part_of_what_is_read() -> None:
    preview = Preview(PreviewKind.DIFF, "edit", "", "+a", notes=("It does not fit.",))
    first = preview_lines(preview)[0][0]
    assert (first.text, first.ink) == ("! It does not fit.", Ink.NOTE)
