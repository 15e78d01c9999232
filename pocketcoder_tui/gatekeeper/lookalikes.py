"""Words that are not what they look like: letters of two scripts, and signs that resemble ASCII.

Every character here can be seen, so ``faithful`` draws it as it is; this says where the eye may be
wrong. Sources: Unicode names and compatibility decompositions, which Python carries, and a short
list from Unicode's confusables.txt (UTS #39) for what neither of them tells.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Lookalike", "lookalikes"]

MOST = 20
"""Words that are named; who has read so many has been warned."""

_ALPHABETS = frozenset(
    {
        "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "GEORGIAN", "LISU", "GLAGOLITIC",
        "OSAGE", "DESERET", "GOTHIC", "CARIAN", "LYCIAN", "LYDIAN", "OLD", "ELBASAN", "RUNIC",
        "VAI", "BAMUM", "MIAO", "TIFINAGH", "WARANG", "MEDEFAIDRIN", "VITHKUQI",
    }
)  # fmt: skip
"""First words of the names of letters that can be taken for Latin ones."""

_LIKE_LATIN = dict(
    zip(
        "аАвВеЕкКмМнНоОрРсСтТуУхХіІјЈѕЅԁһԛԝӏԚԜгпҮүѵαΑΒεΕΖΗιΙκΚΜνΝοΟρΡτΤυΥΧγσϲϳ",
        "aAbBeEkKmMhHoOpPcCtTyYxXiIjJsSdhqwlQWrnYyvaABeEZHiIkKMvNoOpPtTuYXyocj",
        strict=True,
    )
)
"""Cyrillic and Greek letters, and the Latin ones that they resemble (confusables.txt)."""

_LIKE_SIGN = {
    "⁄": "/", "∕": "/", "⧸": "/", "╱": "/", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-",
    "―": "-", "−": "-", "⁃": "-", "‘": "'", "’": "'", "‛": "'", "ʹ": "'", "ʼ": "'", "′": "'",
    "´": "'", "“": '"', "”": '"', "‟": '"', "″": '"', "ˋ": "`", "∣": "|", "ǀ": "|", "❘": "|",
    "│": "|", "∶": ":", "꞉": ":", "ː": ":", "․": ".", "‚": ",", "‹": "<", "›": ">", "∗": "*",
    "⁎": "*", "٭": "*", "∼": "~", "˜": "~", "ǃ": "!", "꞊": "=", "∖": "\\", "⧵": "\\", "⧹": "\\",
    "❨": "(", "❩": ")", "❴": "{", "❵": "}", "⸨": "(", "ﹳ": ".", "؛": ";", "⨾": ";", "＄": "$",
}  # fmt: skip
"""Signs, and those of ASCII that they resemble (confusables.txt)."""

_IN_PROSE = frozenset("‒–—―’“”‘…")
"""Signs that are common in written language; they count where a shell would read another one."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f](?:\w|[^\x00-\x7f])*")
_FORMS = ("<wide>", "<narrow>", "<font>", "<compat>", "<small>", "<vertical>", "<circle>")


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A word or sign that may be taken for another one."""

    word: str
    sentence: str
    """What it is, in plain words; holds text of the action: untrusted."""
    start: int
    end: int
    """Offsets in characters."""


def lookalikes(text: str) -> tuple[Lookalike, ...]:
    """Name the words of a text that may be taken for others, the first ``MOST`` of them."""
    if text.isascii():
        return ()
    found: list[Lookalike] = []
    seen = 0
    for candidate in _NOT_ASCII.finditer(text):
        start, end = candidate.span()
        while start > seen and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        seen = end
        for sentence in _sentences(text, start, end):
            found.append(Lookalike(text[start:end], sentence, start, end))
            if len(found) == MOST:
                return tuple(found)
    return tuple(found)


def _sentences(text: str, start: int, end: int) -> Iterator[str]:
    word = text[start:end]
    scripts = {script: char for char in reversed(word) if (script := _script(char))}
    foreign = sorted(_ALPHABETS & scripts.keys())
    if "LATIN" in scripts and foreign:
        char = scripts[foreign[0]]
        yield f"{word} mixes Latin with other letters: {char} is {_name(char)}."
    elif foreign and all(char in _LIKE_LATIN for char in word if char.isalpha()):
        like = "".join(_LIKE_LATIN.get(char, char) for char in word)
        yield f"{word} looks like {like} and has no Latin letter."
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in set(word)):
        yield f"{word} is written from right to left; what is around it may be shown out of order."
    for place, char in enumerate(word, start):
        like = _like(char)
        if like and not _is_prose(text, place):
            yield f"{char} is {_name(char)}, not {like}."
            break


def _like(char: str) -> str:
    """The ASCII text that a character resembles; empty when it resembles none."""
    if char in _LIKE_SIGN:
        return _LIKE_SIGN[char]
    if unicodedata.decomposition(char).startswith(_FORMS):
        plain = unicodedata.normalize("NFKC", char)
        return plain if plain.isascii() else ""
    return ""


def _is_prose(text: str, place: int) -> bool:
    """Whether a dash or quote stands as in a sentence: within a word, or between blanks."""
    if text[place] not in _IN_PROSE:
        return False
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    within = before.isalnum() and after.isalnum()
    apart = (not before or before.isspace()) and (not after or after.isspace())
    return within or apart


@lru_cache(maxsize=4_096)
def _script(char: str) -> str:
    """The script of a letter, as its name begins; empty for what is no letter."""
    return _name(char).partition(" ")[0] if char.isalpha() else ""


def _name(char: str) -> str:
    return unicodedata.name(char, f"U+{ord(char):04X}")
