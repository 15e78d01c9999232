"""The arguments of a program: its options, what they are given, and the files that are left."""

from dataclasses import dataclass, field

from pocketcoder_tui.gatekeeper.reading import Word

__all__ = ["Arguments", "arguments_of"]


@dataclass(slots=True)
class Arguments:
    """What a program was given, as far as its options follow the usual form."""

    operands: list[Word] = field(default_factory=list)
    options: list[Word] = field(default_factory=list)
    values: dict[str, Word] = field(default_factory=dict)
    """By option, the short ones without their hyphen; the last one given counts."""

    def has(self, letters: str, *longs: str) -> bool:
        """Whether one of these short options, or of these long ones, was given."""
        return any(_is(word.text or word.raw, letters, longs) for word in self.options)

    @property
    def literal(self) -> bool:
        """Whether every argument can be told from the text."""
        given = [*self.operands, *self.options, *self.values.values()]
        return all(word.text is not None for word in given)


def arguments_of(words: list[Word], valued: str = "", *longs: str) -> Arguments:
    """Sort the words behind a program's name.

    ``valued`` are the short options that take a value, ``longs`` the long ones (``--output``).
    """
    found = Arguments()
    wanting, ended = "", False
    for word in words:
        text = word.text if word.text is not None else word.raw
        if wanting:
            found.values[wanting] = word
            wanting = ""
        elif ended or len(text) < 2 or not text.startswith("-"):
            found.operands.append(word)
        elif text == "--":
            ended = True
        else:
            found.options.append(word)
            wanting = _wants(found, word, text, valued, longs)
    return found


def _wants(found: Arguments, word: Word, text: str, valued: str, longs: tuple[str, ...]) -> str:
    """The option that takes the next word; a value that hangs on its option is taken at once."""
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        if name in longs and equals:
            found.values[name] = _part(word, value)
        return name if name in longs and not equals else ""
    for place, letter in enumerate(text[1:], 2):
        if letter in valued:
            if text[place:]:
                found.values[letter] = _part(word, text[place:])
                return ""
            return letter
    return ""


def _part(word: Word, text: str) -> Word:
    return Word(text, word.end - len(text), word.end, text if word.text is not None else None)


def _is(text: str, letters: str, longs: tuple[str, ...]) -> bool:
    if text.startswith("--"):
        return text.partition("=")[0] in longs
    return any(letter in letters for letter in text[1:]) or text in longs
