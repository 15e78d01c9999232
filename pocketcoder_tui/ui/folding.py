"""Text for a decision, folded to a width so that nothing is lost at a fold.

Word wrapping would drop the spaces at a fold and hide what is a new line and what is not. Here a
line is cut by cells, and a gutter that the text cannot reach marks where it goes on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.cells import get_character_cell_size

from pocketcoder_tui.core.actions import Preview, PreviewKind
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.faithful import faithful, plain
from pocketcoder_tui.gatekeeper.toolset import ASK

CHANGES = ("write", "edit")
"""The verbs of actions whose text is a change and does not name the file."""


class Ink(StrEnum):
    """How a piece is drawn; a widget turns it into a colour."""

    TEXT = "text"
    MARK = "mark"
    """A token for something that cannot be drawn as itself."""
    NOTE = "note"
    DIM = "dim"
    ADDED = "added"
    REMOVED = "removed"
    HUNK = "hunk"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    COMMENT = "comment"
    NAME = "name"
    DANGER = "danger"


OURS = frozenset({Ink.NOTE, Ink.DIM})
"""Inks that no text of an action has."""


class Under(StrEnum):
    """What a piece is drawn on."""

    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Safe text in one ink."""

    text: str
    ink: Ink = Ink.TEXT
    under: Under | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line on the screen."""

    pieces: tuple[Piece, ...]
    goes_on: bool = False
    """True when it continues the line above it."""
    hunk: int = -1
    """The number of the part of a change that begins here, from 0; -1 when none does."""


def lines_of(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Split pieces at their newlines."""
    line: list[Piece] = []
    for piece in pieces:
        first, *rest = piece.text.split("\n")
        line += [Piece(first, piece.ink)] if first else []
        for text in rest:
            yield line
            line = [Piece(text, piece.ink)] if text else []
    yield line


def fold(line: Iterable[Piece], width: int) -> Iterator[Row]:
    """Cut one line into rows of at most ``width`` cells; an empty line is one empty row."""
    width = max(width, 2)
    row: list[Piece] = []
    used = 0
    goes_on = False
    for piece in line:
        text = piece.text
        while text:
            taken, cells = _fit(text, width - used)
            if piece.ink in OURS and taken < len(text):
                # Our own sentences break between words; what runs breaks where the row is full.
                taken = text.rfind(" ", 0, taken) + 1 or taken
            if taken:
                row.append(replace(piece, text=text[:taken]))
            used += cells
            text = text[taken:]
            if text:
                yield Row(tuple(row), goes_on)
                row, used, goes_on = [], 0, True
    yield Row(tuple(row), goes_on)


def _fit(text: str, room: int) -> tuple[int, int]:
    """How many characters, and cells, of the text fit into ``room`` cells."""
    head = text[: max(room, 0)]
    if head.isascii():
        return len(head), len(head)
    cells = 0
    for index, char in enumerate(text):
        size = get_character_cell_size(char)
        if cells + size > room:
            return index, cells
        cells += size
    return len(text), cells


def decision_lines(deed: Deed) -> list[list[Piece]]:
    """Return all that a decision is about: notes, what and where in full, and the text itself."""
    return [*head_lines(deed), *body_lines(deed.preview)]


def head_lines(deed: Deed) -> list[list[Piece]]:
    """Return what stands above the text: who changed it, the notes, and the place."""
    who = f"! Changed by {_plain(deed.edited)}; the agent is told."
    changed = [[Piece(who, Ink.NOTE)]] if deed.edited else []
    where = "" if deed.action.call.tool == ASK else deed.action.cwd
    return [*changed, *_preview_head(deed.preview, where)]


def preview_lines(preview: Preview, *, cwd: str = "") -> list[list[Piece]]:
    """Return a preview as lines: the notes, the place, then every character of it."""
    return [*_preview_head(preview, cwd), *body_lines(preview)]


def _preview_head(preview: Preview, cwd: str) -> list[list[Piece]]:
    """The row of a list cuts a long path, and a diff does not name its file: so both are here."""
    lines = [[Piece(f"! {_plain(note)}", Ink.NOTE)] for note in preview.notes]
    if cwd:
        lines.extend(_named("in", cwd))
    if preview.verb in CHANGES:
        lines.extend(_named(preview.verb, preview.title))
    return lines


def _plain(text: str) -> str:
    return plain(text, keep_newlines=False)


def body_lines(preview: Preview) -> list[list[Piece]]:
    """Return every character of the text that a decision is about."""
    body = lines_of(faithful_pieces(preview.text))
    return [_diff_line(line) if preview.kind is PreviewKind.DIFF else line for line in body]


def faithful_pieces(text: str) -> Iterator[Piece]:
    for fragment in faithful(text):
        yield Piece(fragment.text, Ink.MARK if fragment.marked else Ink.TEXT)


def _named(word: str, name: str) -> Iterator[list[Piece]]:
    """A word and a name, every character of it."""
    return lines_of([Piece(f"{word} ", Ink.DIM), *faithful_pieces(name)])


def _diff_line(line: list[Piece]) -> list[Piece]:
    """Colour one line of a unified diff by its first character; its tokens keep their mark."""
    first = next((p.text[0] for p in line if p.text), "")
    ink = {"+": Ink.ADDED, "-": Ink.REMOVED, "@": Ink.HUNK}.get(first, Ink.TEXT)
    return [Piece(p.text, ink) if p.ink is Ink.TEXT else p for p in line]


def fold_all(lines: Iterable[list[Piece]], width: int) -> list[Row]:
    """Fold many lines."""
    return [row for line in lines for row in fold(line, width)]
