"""A change of a file as parts that can be read, jumped between, and taken or left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from textual.content import Content

from pocketcoder_tui.ui.folding import Ink, Piece, Row, Under, faithful_pieces, fold
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.syntax import coloured

SPLIT_FROM = 110
"""Columns from which old and new stand side by side by themselves."""
SPLIT_LEAST = 60
"""Columns that side by side needs."""
SIDE = 2
"""Columns in front of each side that the text cannot reach."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff."""

    sign: str
    """+, -, a space, or a backslash for the remark on a missing last newline."""
    pieces: tuple[Piece, ...]
    """The line without its sign, faithful."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One part of a change."""

    header: str
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Change:
    """A diff, and what the person wants of it."""

    preamble: list[list[Piece]]
    """Lines before the first part; usually none."""
    hunks: list[Hunk]
    left_out: set[int]
    """Parts that the person does not want."""
    current: int = 0
    """The part that keys are about."""

    @property
    def kept(self) -> list[int]:
        """The parts that are wanted."""
        return [n for n in range(len(self.hunks)) if n not in self.left_out]


def change_of(text: str, path: str) -> Change:
    """Read a unified diff; every character of it is in the result. ``path`` tells the language."""
    preamble: list[list[Piece]] = []
    headers: list[str] = []
    bodies: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("@@"):
            headers.append(line)
            bodies.append([])
        elif bodies:
            bodies[-1].append(line)
        else:
            preamble.append(list(faithful_pieces(line)))
    hunks = [Hunk(h, tuple(_lines(b, path))) for h, b in zip(headers, bodies, strict=True)]
    return Change(preamble, hunks, set())


def _lines(body: Sequence[str], path: str) -> Iterator[Line]:
    """The lines of one part, in the colours of their language, each side read as a whole."""
    plain = [Line(raw[:1], tuple(faithful_pieces(raw[1:]))) for raw in body]
    old = iter(coloured([line.pieces for line in plain if line.sign in " -"], path))
    new = iter(coloured([line.pieces for line in plain if line.sign in " +"], path))
    for line in plain:
        match line.sign:
            case "+":
                yield replace(line, pieces=next(new))
            case "-":
                yield replace(line, pieces=next(old))
            case " ":
                next(old)
                yield replace(line, pieces=next(new))
            case _:
                yield line


def unified(change: Change, head: Sequence[list[Piece]], width: int, kit: Kit) -> list[Row]:
    """Lay a change out as one column."""
    rows = [row for line in (*head, *change.preamble) for row in fold(line, width)]
    for number, hunk in enumerate(change.hunks):
        rows += _header(change, number, width, kit)
        for line in hunk.lines:
            out = number in change.left_out
            rows += fold([_sign(line, out), *_drawn(line, out)], width)
    return rows


def split(change: Change, head: Sequence[list[Piece]], width: int, kit: Kit) -> list[Row]:
    """Lay a change out side by side: what was on the left, what would be on the right."""
    rows = [row for line in (*head, *change.preamble) for row in fold(line, width)]
    left = (width - 3) // 2
    right = width - 3 - left
    bar = Piece(f" {kit.pick('│', '|')} ", Ink.DIM)
    for number, hunk in enumerate(change.hunks):
        rows += _header(change, number, width, kit)
        out = number in change.left_out
        for old, new in _pairs(hunk.lines):
            cells = _cell(old, left, out, kit), _cell(new, right, out, kit)
            for a, b in zip_longest(*cells):
                rows.append(Row((*(a or _blank(left)), bar, *(b or _blank(right)))))
    return rows


def wants_split(width: int, asked: bool | None) -> bool:
    """Whether a change is laid out side by side; ``asked`` is the person's wish, None for none."""
    if width < SPLIT_LEAST:
        return False
    return width >= SPLIT_FROM if asked is None else asked


def _header(change: Change, number: int, width: int, kit: Kit) -> list[Row]:
    """The line that begins a part: where it is, which one, and whether it is wanted."""
    total = len(change.hunks)
    words = [*faithful_pieces(change.hunks[number].header)]
    words = [p if p.ink is Ink.MARK else replace(p, ink=Ink.HUNK) for p in words]
    if total > 1:
        here = kit.pick("▶", ">") if number == change.current else " "
        state = "LEFT OUT" if number in change.left_out else "taken"
        words = [Piece(f"{here} {number + 1}/{total} {state}  ", Ink.HUNK), *words]
    first, *rest = fold(words, width)
    return [replace(first, hunk=number), *rest]


def _sign(line: Line, left_out: bool) -> Piece:
    return _signed(line.sign, left_out)


def _signed(sign: str, left_out: bool) -> Piece:
    ink = {"+": Ink.ADDED, "-": Ink.REMOVED}.get(sign, Ink.DIM)
    return Piece(sign, Ink.DIM if left_out else ink, None if left_out else _under(sign))


def _drawn(line: Line, left_out: bool) -> Iterable[Piece]:
    """The line's text on its ground; dim when it is not wanted, its marks still marked."""
    if left_out:
        return [p if p.ink is Ink.MARK else Piece(p.text, Ink.DIM) for p in line.pieces]
    ink = {"+": Ink.ADDED, "-": Ink.REMOVED, "\\": Ink.DIM}.get(line.sign, Ink.TEXT)
    under = _under(line.sign)
    return [replace(p, under=under, ink=ink if p.ink is Ink.TEXT else p.ink) for p in line.pieces]


def _under(sign: str) -> Under | None:
    return {"+": Under.ADDED, "-": Under.REMOVED}.get(sign)


def _pairs(lines: Sequence[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """What stands beside what: a run of removed lines beside the run of added ones after it."""
    removed: list[Line] = []
    added: list[Line] = []
    for line in lines:
        if line.sign == "-" and added:
            yield from zip_longest(removed, added)
            removed, added = [line], []
        elif line.sign == "-":
            removed.append(line)
        elif line.sign == "+":
            added.append(line)
        elif line.sign == "\\" and (removed or added):
            (added or removed).append(line)
        else:
            yield from zip_longest(removed, added)
            removed, added = [], []
            yield line, line
    yield from zip_longest(removed, added)


def _cell(line: Line | None, width: int, left_out: bool, kit: Kit) -> list[list[Piece]]:
    """One side of a pair, folded and padded to its width."""
    if line is None:
        return []
    cells = []
    for row in fold(_drawn(line, left_out), width - SIDE):
        lead = _signed(line.sign, left_out)
        lead = replace(lead, text=f"{lead.text or ' '} ")
        if row.goes_on:
            lead = Piece(kit.pick("↪ ", "> "), Ink.DIM)
        used = SIDE + sum(Content(p.text).cell_length for p in row.pieces)
        cells.append([lead, *row.pieces, Piece(" " * (width - used))])
    return cells


def _blank(width: int) -> list[Piece]:
    return [Piece(" " * width)]
