"""The one door for untrusted text: what cannot be seen is made visible, and nothing is dropped.

Two texts that differ never look the same here, so what a person approves is what would run. For
that it is not enough that every character is drawn: ``é`` can be one character or two, and a
semicolon has a twin (U+037E) that Unicode holds to be the same sign. So of everything that is
canonically equivalent only the composed form (NFC) is drawn as itself, and the rest is named.

Combining marks are drawn on letters that need them, three at most; a longer stack, a mark on ASCII,
on a sign or on nothing is named. An emoji of several parts is drawn as its parts with the joiners
between them named, because terminals do not agree on what they make of it. Wide characters are
drawn: they can be seen. Letters and signs that resemble others are drawn too; ``lookalikes`` names
the words that have them.

Everything here works on whole texts with what Python does in C, in time linear in the text.
Sources: the Unicode version that Python carries (general categories, canonical equivalence), and
Default_Ignorable_Code_Point of DerivedCoreProperties.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import cycle, groupby
from typing import NamedTuple

__all__ = [
    "LONG_BLANKS",
    "LONG_SPACES",
    "MOST_MARKS",
    "TAB_WIDTH",
    "Fragment",
    "faithful",
    "faithful_text",
    "nameable",
    "plain",
    "token",
    "unseen",
]

TAB_WIDTH = 4
"""Columns that a drawn tab takes, its arrow included."""
LONG_SPACES = 24
"""From this many spaces in a row on, the run is counted and not drawn."""
LONG_BLANKS = 4
"""From this many blank lines in a row on, the run is counted and not drawn."""
MOST_MARKS = 3
"""Combining marks that are drawn on one letter."""

_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159\U00016fe4"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Characters that Python takes for printable and that leave no ink."""
_DRAWINGS = frozenset("→·")
"""What stands for a tab and a trailing space; in a text they are named."""

# Until the end a token stands between _ON and _OFF, and a dot or an arrow is one character.
_ON, _OFF, _DOT, _ARROW = "\x0e", "\x0f", "\x10", "\x11"
_INTERNAL = frozenset((_ON, _OFF, _DOT, _ARROW))
_IMITATION = re.compile(r"<(?=U\+[0-9A-F]|[0-9]+ (?:spaces|blank lines)>)")
_INTERNAL_OR_IMITATION = re.compile(rf"[\x0e-\x11]|{_IMITATION.pattern}")
_MANY_SPACES = re.compile(rf" {{{LONG_SPACES},}}")
_MANY_BLANKS = re.compile(rf"\n{{{LONG_BLANKS + 1},}}")
_DOTS = re.compile(f"{_DOT}+")
_SPLIT = re.compile(f"[{_ON}{_OFF}]")
_JOINERS = str.maketrans("", "", "\u200d\ufe0e\ufe0f")
_FEW = 48
"""Up to this many different characters are replaced one after the other, which is quicker."""


class Fragment(NamedTuple):
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
    if _is_plain(text):
        return text
    text = text.replace("\t", " " * TAB_WIDTH)
    if text.isascii():
        return _named(text, _unseen(set(text)), "", "")
    text = text.translate(_JOINERS) if not {"\u200d", "\ufe0e", "\ufe0f"}.isdisjoint(text) else text
    found = set(text)
    return _named(_stacked(text, found, "", ""), _unseen(found), "", "")


def faithful(text: str) -> tuple[Fragment, ...]:
    """Split text into fragments that together show every character of it.

    Tabs are drawn as an arrow, trailing spaces as middle dots, long runs of spaces and blank
    lines as a count; the characters that serve as drawings, and text that imitates a token, are
    tokens themselves. The mapping is injective over the fragments' texts alone, colour aside.
    """
    shown = _DOTS.sub(rf"{_ON}\g<0>{_OFF}", _shown(text, _ON, _OFF)).replace(_OFF + _ON, "")
    pieces = zip(_SPLIT.split(_inked(shown)), cycle((False, True)))
    return tuple(Fragment(*piece) for piece in pieces if piece[0])


def faithful_text(text: str) -> str:
    """The fragments' texts in one string, for places without colour."""
    return _inked(_shown(text, "", ""))


def unseen(text: str) -> set[str]:
    """The characters of a text that cannot be seen, save for newlines."""
    return set() if _is_plain(text) else _unseen(set(text))


def nameable(text: str) -> str:
    """Return a text to be changed by hand: tabs and newlines stay, what cannot be seen is named.

    A name in it is text like any other; it is not turned back.
    """
    return _named(text, unseen(text) - {"\t"}, "", "")


def _is_plain(text: str) -> bool:
    """Whether a text is printable ASCII and newlines."""
    return text.isascii() and text.replace("\n", "").isprintable()


def _shown(text: str, on: str, off: str) -> str:
    """The whole text as it is drawn, save for _DOT and _ARROW.

    The order matters: what imitates a token goes first, while no token is there yet, and spaces
    before tabs, whose drawing holds some.
    """
    text = _unlike_tokens(text, on, off)
    if " " * LONG_SPACES in text:
        text = _MANY_SPACES.sub(lambda run: f"{on}<{len(run.group())} spaces>{off}", text)
    text = _dotted(text)
    if "\n" * (LONG_BLANKS + 1) in text:
        text = _MANY_BLANKS.sub(
            lambda run: f"\n{on}<{len(run.group()) - 1} blank lines>{off}\n", text
        )
    if _is_plain(text):
        return text
    found = set(text) - _INTERNAL
    if not text.isascii():
        text = _stacked(text, found, on, off)
    twins = {char for char in found if char in _DRAWINGS or not _is_composed(char)}
    text = _named(text, _unseen(found - {"\t"}) | twins, on, off)
    return text.replace("\t", f"{on}{_ARROW}{' ' * (TAB_WIDTH - 1)}{off}")


def _unlike_tokens(text: str, on: str, off: str) -> str:
    """Name what imitates a token, or stands for a drawing in here."""
    if not _INTERNAL.isdisjoint(text):
        return _INTERNAL_OR_IMITATION.sub(lambda found: on + token(found.group()) + off, text)
    if "<U+" in text or " spaces>" in text or " blank lines>" in text:
        return _IMITATION.sub(f"{on}{token('<')}{off}", text)
    return text


def _dotted(text: str) -> str:
    """Draw the spaces that end a line; there are fewer than LONG_SPACES in each run by now."""
    if text.endswith(" "):
        bare = text.rstrip(" ")
        text = bare + _DOT * (len(text) - len(bare))
    text = text.replace(" \n", f"{_DOT}\n")
    while f" {_DOT}" in text:
        text = text.replace(f" {_DOT}", _DOT * 2)
    return text


def _inked(text: str) -> str:
    return text.replace(_DOT, "·").replace(_ARROW, "→")


def _unseen(found: Iterable[str]) -> set[str]:
    """Of some characters those that cannot be seen; a newline can."""
    return {char for char in found if not char.isprintable() and char != "\n"} | (
        _INVISIBLE.intersection(found)
    )


def _is_composed(char: str) -> bool:
    """Whether a character is not just another way to write one."""
    return unicodedata.is_normalized("NFC", char)


def _named(text: str, chars: set[str], on: str, off: str) -> str:
    """Replace characters by their tokens, each between ``on`` and ``off``."""
    if len(chars) > _FEW:
        return text.translate({ord(char): f"{on}{token(char)}{off}" for char in chars})
    for char in chars:
        text = text.replace(char, f"{on}{token(char)}{off}")
    return text


def _stacked(text: str, found: set[str], on: str, off: str) -> str:
    """Name the marks that are more than a letter needs, or that join to another character."""
    joining = sorted(ord(char) for char in found if _joins(char))
    if not joining:
        return text

    def shown(match: re.Match[str]) -> str:
        start, marks = match.start(), match.group()
        base = text[start - 1] if start else ""
        return marks if _carries(base, marks) else f"{on}{_tokens(marks)}{off}"

    return re.sub(f"[{_ranges(joining)}]+", shown, text)


@lru_cache(maxsize=4_096)
def _tokens(chars: str) -> str:
    return "".join(map(token, chars))


def _ranges(codes: list[int]) -> str:
    """Sorted code points as the inside of a regular expression's set; it is quicker with few."""
    pieces = []
    for _, run in groupby(enumerate(codes), key=lambda place: place[1] - place[0]):
        members = [chr(code) for _, code in run]
        pieces.append(f"{members[0]}-{members[-1]}")
    return "".join(pieces)


def _joins(char: str) -> bool:
    """Whether a character may be drawn as part of the one before it."""
    jamo = "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff"
    return jamo or (char > "\u02ff" and unicodedata.category(char).startswith("M"))


@lru_cache(maxsize=4_096)
def _carries(base: str, marks: str) -> bool:
    """Whether marks are drawn on what stands before them."""
    if not unicodedata.is_normalized("NFC", base + marks) or not _INVISIBLE.isdisjoint(marks):
        return False
    stacked = sum(unicodedata.category(mark) in ("Mn", "Me") for mark in marks)
    letter = not base.isascii() and base not in _INVISIBLE and base.isalnum()
    return stacked <= MOST_MARKS and (letter or not stacked)
