"""The one door for untrusted text: what cannot be seen is made visible, and nothing is dropped.

Two texts that differ never look the same here, so what a person approves is what would run.
Sources: Unicode 15 general categories, and Default_Ignorable_Code_Point (DerivedCoreProperties).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

TAB_WIDTH = 4
"""Columns that a drawn tab takes, its arrow included."""
LONG_SPACES = 24
"""From this many spaces in a row on, the run is counted and not drawn."""
LONG_BLANKS = 4
"""From this many blank lines in a row on, the run is counted and not drawn."""

_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
_SUSPECT = re.compile(rf"[^\x20-\x7e\n]|[{_INVISIBLE}]")
_INVISIBLE_ONLY = re.compile(rf"[{_INVISIBLE}]")
_LOOKALIKE = re.compile(r"<(?=U\+[0-9A-F]|[0-9]+ (?:spaces|blank lines)>)")
_RUNS = re.compile(rf"(?P<blanks>\n{{{LONG_BLANKS + 1},}})|(?P<spaces> {{{LONG_SPACES},}})")
_TRAILING = re.compile(r" +$", re.MULTILINE)
_JOINERS = str.maketrans("", "", "\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of text that is safe to draw."""

    text: str
    marked: bool
    """True for a token that stands for something that cannot be drawn as itself."""


def token(char: str) -> str:
    """Return the visible name of a character, for example ``<U+202E>``."""
    return f"<U+{ord(char):04X}>"


def plain(text: str, *, keep_newlines: bool = True) -> str:
    """Return untrusted text that is safe to draw, for everything that is not a decision.

    Invisible characters become tokens such as ``<U+202E>``; CRLF becomes a newline and a tab
    spaces; emoji joiners and variation selectors 15 and 16 are left out, since a terminal draws
    the parts. With ``keep_newlines=False`` the result is one line.
    """
    text = text.replace("\r\n", "\n")
    if not keep_newlines:
        text = text.replace("\n", " ")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    text = text.replace("\t", " " * TAB_WIDTH).translate(_JOINERS)
    return _SUSPECT.sub(lambda m: _safe(m.group()), text)


def faithful(text: str) -> tuple[Fragment, ...]:
    """Split text into fragments that together show every character of it.

    Tabs are drawn as an arrow, trailing spaces as middle dots, long runs of spaces and blank
    lines as a count; the characters that serve as drawings, and text that imitates a token, are
    tokens themselves. The mapping is injective over the fragments' texts alone, colour aside.
    """
    return tuple(_merge(_pieces(text)))


def faithful_text(text: str) -> str:
    """The fragments' texts in one string, for places without colour."""
    return "".join(f.text for f in faithful(text))


def _safe(char: str) -> str:
    """The character itself when it can be seen, else its token."""
    hidden = not char.isprintable() or _INVISIBLE_ONLY.match(char) is not None
    return token(char) if hidden else char


def _pieces(text: str) -> Iterator[Fragment]:
    position = 0
    for run in _RUNS.finditer(text):
        yield from _short(text[position : run.start()], ends_line=run.lastgroup == "blanks")
        length = len(run.group())
        if run.lastgroup == "spaces":
            yield Fragment(f"<{length} spaces>", True)
        else:
            yield Fragment("\n", False)
            yield Fragment(f"<{length - 1} blank lines>", True)
            yield Fragment("\n", False)
        position = run.end()
    yield from _short(text[position:], ends_line=True)


def _short(text: str, *, ends_line: bool) -> Iterator[Fragment]:
    """Text without long runs; ``ends_line`` says whether its end is the end of a line."""
    position = 0
    for trail in _TRAILING.finditer(text):
        if trail.end() == len(text) and not ends_line:
            continue
        yield from _characters(text[position : trail.start()])
        yield Fragment("·" * len(trail.group()), True)
        position = trail.end()
    yield from _characters(text[position:])


def _characters(text: str) -> Iterator[Fragment]:
    position = 0
    for found in _MARKED.finditer(text):
        char = found.group()
        shown = _drawn(char)
        if shown == char:
            continue
        yield Fragment(text[position : found.start()], False)
        yield Fragment(shown, True)
        position = found.end()
    yield Fragment(text[position:], False)


_MARKED = re.compile(f"{_SUSPECT.pattern}|{_LOOKALIKE.pattern}")


def _drawn(char: str) -> str:
    if char == "\t":
        return "→" + " " * (TAB_WIDTH - 1)
    if char in "→·<":
        return token(char)
    return _safe(char)


def _merge(pieces: Iterator[Fragment]) -> Iterator[Fragment]:
    """Join neighbours of one kind and leave out empty ones, in time linear in their length."""
    drawn = (piece for piece in pieces if piece.text)
    for marked, run in groupby(drawn, key=attrgetter("marked")):
        yield Fragment("".join(piece.text for piece in run), marked)
