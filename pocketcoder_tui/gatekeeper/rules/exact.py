"""The only texts that an allow rule can match: one simple command, written in a safe alphabet.

In these characters bash expands, splits and redirects nothing, so what is written is the argument
list. A text is taken only if a regular expression and the parser both say so; everything else,
also what bash would read in the same way, is not a match and is asked about.
Source: Bash manual, Shell Syntax and Shell Expansions; tests compare with bash itself.
"""

import re

from pocketcoder_tui.gatekeeper.programs import BUILTINS, RESERVED
from pocketcoder_tui.gatekeeper.reading import read

__all__ = ["LONGEST", "exact_words", "written"]

LONGEST = 2_000
"""Characters of a command that a rule can be about."""

_SAFE = r"[A-Za-z0-9_./:,@%+=-]"
_SAFE_OR_SPACE = r"[A-Za-z0-9_./:,@%+= -]"
_WORD = re.compile(rf"{_SAFE}+|'{_SAFE_OR_SPACE}+'|\"{_SAFE_OR_SPACE}+\"")
_COMMAND = re.compile(rf" *(?:{_WORD.pattern})(?: +(?:{_WORD.pattern}))* *")
_PROGRAM = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")
_QUOTED = re.compile(r"[ ]")


def exact_words(text: str) -> tuple[str, ...] | None:
    """The argument list that a text is, or None for anything that is not plainly one."""
    if len(text) > LONGEST or _COMMAND.fullmatch(text) is None:
        return None
    words = tuple(word.strip("'\"") for word in _WORD.findall(text))
    program = words[0]
    if _PROGRAM.fullmatch(program) is None or program in RESERVED or program in BUILTINS:
        return None
    return words if _parser_agrees(text, words) else None


def written(words: tuple[str, ...]) -> str:
    """An argument list as a command; the opposite of ``exact_words``."""
    return " ".join(f"'{word}'" if _QUOTED.search(word) else word for word in words)


def _parser_agrees(text: str, words: tuple[str, ...]) -> bool:
    reading = read(text)
    if reading.why or reading.redirects or reading.assignments or reading.definitions:
        return False
    if len(reading.commands) != 1:
        return False
    command = reading.commands[0]
    alone = not (command.background or command.optional or command.documents)
    return alone and tuple(word.text for word in command.words) == words
