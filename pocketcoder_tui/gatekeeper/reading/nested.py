"""Commands inside of commands: what ``bash -c``, ``eval``, a here-document or a trap holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import TypedDict

from pocketcoder_tui.gatekeeper.programs import SHELLS, WRAPPERS, family
from pocketcoder_tui.gatekeeper.reading.commands import read
from pocketcoder_tui.gatekeeper.reading.model import Reading, Simple
from pocketcoder_tui.gatekeeper.reading.words import Word

__all__ = ["Doubt", "Whole", "read_whole"]

DEPTH = 4
"""How deep texts inside of texts are followed."""
TEXTS = 20
LENGTH = 8_000
"""How many of them, and how many characters in all."""

_APART = 1_000
"""Between the numbers of the pipelines of one text and the next."""

_SUBSTITUTES = re.compile(r"\$\(|`")
_COMPUTING = frozenset(
    {"declare", "typeset", "local", "export", "readonly", "unset", "test", "printf", "read", "let",
     "mapfile", "readarray", "wait", "getopts"}
)  # fmt: skip
"""Builtins that look at the name of a variable once more, and run commands in its subscript.
Source: Bash manual, Arrays and Shell Arithmetic."""

_UNKNOWN = "Bash is given a text here that is made up only when it runs."
_TOO_MUCH = "There are more texts inside of texts than can be followed."
_PROGRAM_UNKNOWN = "Which program this starts is known only when it runs."


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place where commands run that cannot be seen."""

    sentence: str
    start: int
    end: int


@dataclass(slots=True)
class Whole:
    """A text with everything inside of it that can be seen; spans are those of the outer text."""

    outer: Reading
    readings: list[Reading] = field(default_factory=list)
    """The text itself, then what is inside of it; every one of them could be read."""
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def commands(self) -> list[Simple]:
        """Every simple command that can be seen."""
        return [command for reading in self.readings for command in reading.commands]


@dataclass(frozen=True, slots=True)
class _Code:
    """A text to be read, and where it stands."""

    text: str | None
    """None when it cannot be seen."""
    start: int
    end: int
    exact: bool = False
    """True when it stands there letter by letter."""


@lru_cache(maxsize=4)
def read_whole(text: str) -> Whole:
    """Read a text and the texts inside of it.

    Rules, effects and offers ask for the same one in a row, so the last few are kept. Nobody
    changes what is returned.
    """
    return _Follower(text).follow()


class _Span(TypedDict):
    start: int
    end: int


class _Follower:
    def __init__(self, text: str) -> None:
        self._text = text
        self._whole = Whole(read(text))
        self._texts = 0
        self._length = 0

    def follow(self) -> Whole:
        """Read what can be seen, level by level."""
        level = [] if self._whole.outer.why else [self._whole.outer]
        for depth in range(DEPTH + 1):
            self._whole.readings += level
            codes = [code for reading in level for code in self._inside(reading)]
            if not codes:
                break
            if depth == DEPTH:
                self._doubt(_TOO_MUCH, codes[0])
                break
            level = [found for code in codes if (found := self._read(code)) is not None]
        return self._whole

    def _inside(self, reading: Reading) -> Iterator[_Code]:
        for command in reading.commands:
            if command.words[0].text is None:
                self._doubt(_PROGRAM_UNKNOWN, command.words[0])
            yield from codes_of(command, self._text)

    def _read(self, code: _Code) -> Reading | None:
        if code.text is None:
            self._doubt(_UNKNOWN, code)
            return None
        self._texts += 1
        self._length += len(code.text)
        if self._texts > TEXTS or self._length > LENGTH:
            self._doubt(_TOO_MUCH, code)
            return None
        reading = read(code.text)
        if reading.why:
            self._doubt(reading.why, code)
            return None
        return _moved(reading, code, self._texts)

    def _doubt(self, sentence: str, at: _Code | Word) -> None:
        doubt = Doubt(sentence, at.start, at.end)
        if doubt not in self._whole.doubts:
            self._whole.doubts.append(doubt)


def codes_of(command: Simple, text: str) -> Iterator[_Code]:
    """The texts that a command has run as bash."""
    words = command.words
    name = family(words[0].text or "")
    if name in ("trap", "alias", "watch", "su", "runuser", "script"):
        yield from _arguments(name, words, text)
    if name in _COMPUTING:
        hidden = (word for word in words[1:] if _SUBSTITUTES.search(word.text or ""))
        yield from (_Code(None, word.start, word.end) for word in hidden)
    if name not in SHELLS | WRAPPERS | {"find", "fd"}:
        return
    for index, word in enumerate(words):
        program = family(word.text or "")
        if program == "eval":
            yield _joined(words[index + 1 :])
            return
        if program in SHELLS:
            yield from _of_shell(command, words[index + 1 :], text)
            return


def _of_shell(command: Simple, words: list[Word], text: str) -> Iterator[_Code]:
    """What a shell runs: the word after ``-c``, or what it reads when it is given no file."""
    wanted, skip = False, False
    for word in words:
        if skip:
            skip = False
        elif word.text is None and not wanted:
            yield _Code(None, word.start, word.end)
            return
        elif word.text is not None and word.text[:1] in ("-", "+") and len(word.text) > 1:
            long = word.text.startswith("--")
            wanted = wanted or ("c" in word.text and not long)
            skip = word.text in ("--rcfile", "--init-file", "-o", "+o", "-O", "+O")
        else:
            if wanted:
                yield _of_word(word, text)
            return
    for document in command.documents:
        exact = document.text == text[document.start : document.end]
        yield _Code(document.text, document.start, document.end, exact)
    if not command.documents and command.place > 0:
        yield _Code(None, command.start, command.end)


def _arguments(name: str, words: list[Word], text: str) -> Iterator[_Code]:
    """Texts that builtins keep for later, and that other programs hand to a shell."""
    rest = words[1:]
    match name:
        case "trap":
            rest = [word for word in rest if not (word.text or "").startswith("-")]
            yield from (_of_word(word, text) for word in rest[:1] if len(rest) > 1)
        case "alias":
            for word in rest:
                value = None if word.text is None else word.text.partition("=")[2]
                yield _Code(value, word.start, word.end)
        case "watch":
            plain = [word for word in rest if not (word.text or "").startswith("-")]
            yield _joined(plain)
        case _:
            after = [w for before, w in pairwise(rest) if before.text == "-c"]
            yield from (_of_word(word, text) for word in after[:1])


def _of_word(word: Word, text: str) -> _Code:
    """A word's text; one in plain quotes stands there letter by letter."""
    quoted = word.raw[:1] in ("'", '"') and word.text == word.raw[1:-1]
    if quoted and text[word.start : word.end] == word.raw:
        return _Code(word.text, word.start + 1, word.end - 1, exact=True)
    return _Code(word.text, word.start, word.end)


def _joined(words: list[Word]) -> _Code:
    texts = [word.text for word in words]
    start, end = (words[0].start, words[-1].end) if words else (0, 0)
    known = [text for text in texts if text is not None]
    return _Code(" ".join(known) if len(known) == len(texts) else None, start, end)


def _moved(reading: Reading, code: _Code, number: int) -> Reading:
    """Put a reading where its text stands: letter by letter, or over all of it."""

    def span(start: int, end: int) -> _Span:
        if code.exact:
            return {"start": code.start + start, "end": code.start + end}
        return {"start": code.start, "end": code.end}

    def word(found: Word) -> Word:
        return replace(found, **span(found.start, found.end))

    return Reading(
        reading.text,
        commands=[
            replace(
                command,
                words=[word(found) for found in command.words],
                documents=[replace(d, **span(d.start, d.end)) for d in command.documents],
                pipe=command.pipe + number * _APART if command.pipe >= 0 else -1,
                **span(command.start, command.end),
            )
            for command in reading.commands
        ],
        redirects=[
            replace(redirect, target=word(redirect.target), **span(redirect.start, redirect.end))
            for redirect in reading.redirects
        ],
        assignments=[replace(a, **span(a.start, a.end)) for a in reading.assignments],
        definitions=[replace(d, **span(d.start, d.end)) for d in reading.definitions],
    )
