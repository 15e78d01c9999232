"""What in a command is only text: quotes, comments and here-documents, blotted out before parsing.

The parser's time grows with the square of what it has to recover from, and its idea of a blank is
not bash's. So it is given a text of the same length in which everything quoted is made of ``x``,
every character that bash takes for part of a word too, and no more structure than it can read in a
few milliseconds. A stretch that was blotted out is only believed if the parser finds it to be
quoted as well (``parsing.parse``), so a mistake here makes a text unreadable and never hides code.
"""

import re
from dataclasses import dataclass

__all__ = ["Blot", "Masked", "mask"]

LENGTH = 32_768
"""Characters of a text that is read; a longer one is not."""
OUTSIDE = 8_000
"""Of these outside quotes."""
MARKS = 500
"""Characters outside quotes that can mean something to a shell."""
BLANKS = 2_500
"""Blanks and newlines outside quotes."""
TOKENS = 600
"""Quoted stretches and nestings that are followed."""

_NUL = "It holds a NUL character, which no command can."
_LONG = f"It is longer than {LENGTH:,} characters."
_INTRICATE = "It has more parts than can be followed."
_BROKEN_WORD = "A word of it is broken over two lines."
_UNENDED = "A here-document in it has no end that can be found."

_STRUCTURE = "!\"#$&'();<=>[\\]`{|}"
_SPECIAL = _STRUCTURE + "*?^~"
_BLANK = " \n\t"
_BLOT = {ord(c): "x" for c in _SPECIAL + _BLANK}
_BLOT_WORDS = {code: "x" for code in _BLOT if chr(code) not in "${}\\"}
_PART_OF_WORD = re.compile(r"[^\x20-\x7e\n\t]|[*?@^~]")

_CODE = re.compile(
    r"""(?P<escape>\\.)
    |(?P<ansi>\$'(?:[^'\\]|\\.)*')
    |(?P<single>'[^']*')
    |(?P<comment>(?<![^\s;&|()])\#[^\n]*)
    |(?P<string><<<)
    |(?P<heredoc><<(?P<dash>-?)[ \t]*(?P<quote>['"]?)(?P<word>[A-Za-z0-9_]+)(?P=quote)
        (?=[\s;&|)<>]|$))
    |(?P<odd><<)
    |(?P<open>"|\$\(|[<>]\(|\(|`)
    |(?P<close>\))
    |(?P<line>\n)""",
    re.DOTALL | re.VERBOSE,
)
_QUOTE = re.compile(r'(?P<escape>\\.)|(?P<text>[^"\\$`]+)|(?P<open>\$\(|`)|(?P<close>")', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Blot:
    """A stretch that was taken for text, in characters."""

    start: int
    end: int
    kind: str
    """What the parser must call it: the name of a node."""
    words: bool = False
    """True for a here-document in which bash replaces variables; they stay to be seen."""

    def over(self, text: str) -> str:
        """What stands in its place."""
        return text[self.start : self.end].translate(_BLOT_WORDS if self.words else _BLOT)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text that is ready for the parser."""

    code: bytes
    """ASCII, one byte for each character of the text; empty when it cannot be read."""
    blots: tuple[Blot, ...]
    why: str = ""
    """Why it is not read, one sentence; empty when it is."""


class _Unreadable(Exception):
    """Carries the sentence that says why."""


def mask(text: str) -> Masked:
    """Blot out what is only text; one that is too long or too intricate is not read."""
    if "\0" in text:
        return Masked(b"", (), _NUL)
    if len(text) > LENGTH:
        return Masked(b"", (), _LONG)
    try:
        blots = _Scanner(text).scan()
        code = _blotted(text, blots)
    except _Unreadable as reason:
        return Masked(b"", (), str(reason))
    return Masked(code.encode("ascii"), tuple(blots))


def _blotted(text: str, blots: list[Blot]) -> str:
    pieces, position, plain = [], 0, []
    for blot in blots:
        plain.append(text[position : blot.start])
        pieces += [plain[-1], blot.over(text)]
        position = blot.end
    plain.append(text[position:])
    pieces.append(plain[-1])
    outside = "".join(plain)
    marks, blanks = (sum(map(outside.count, chars)) for chars in (_STRUCTURE, _BLANK))
    if len(outside) > OUTSIDE or marks > MARKS or blanks > BLANKS:
        raise _Unreadable(_INTRICATE)
    return _PART_OF_WORD.sub("x", "".join(pieces))


class _Scanner:
    """Follows quotes through a text. Its idea of them is checked later, against the parser's."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._inside: list[str] = []
        """What is open: each of ``"``, ``(`` and a back quote."""
        self._blots: list[Blot] = []
        self._pending: list[re.Match[str]] = []
        """Here-documents whose text begins after this line."""

    def scan(self) -> list[Blot]:
        """Return the stretches in their order. Raises _Unreadable."""
        for _ in range(TOKENS):
            quoted = self._inside[-1:] == ['"']
            found = (_QUOTE if quoted else _CODE).search(self._text, self._at)
            if found is None:
                break
            self._at = found.end()
            if quoted:
                self._in_quotes(found)
            else:
                self._in_code(found)
        else:
            raise _Unreadable(_INTRICATE)
        if self._pending:
            raise _Unreadable(_UNENDED)
        return self._blots

    def _in_quotes(self, found: re.Match[str]) -> None:
        match found.lastgroup:
            case "text":
                self._blots.append(Blot(found.start(), found.end(), "string"))
            case "open":
                self._inside.append(found.group()[-1])
            case "close":
                self._inside.pop()
            case _:
                pass

    def _in_code(self, found: re.Match[str]) -> None:
        start, end = found.span()
        match found.lastgroup:
            case "escape":
                self._check_continuation(found)
            case "single":
                self._blots.append(Blot(start + 1, end - 1, "raw_string"))
            case "ansi":
                self._blots.append(Blot(start + 2, end - 1, "ansi_c_string"))
            case "comment":
                self._blots.append(Blot(start + 1, end, "comment"))
            case "heredoc":
                self._pending.append(found)
            case "odd":
                raise _Unreadable(_UNENDED)
            case "open" | "close":
                self._nest(found.group()[-1])
            case "line" if self._pending:
                self._body(end)
            case _:
                pass

    def _check_continuation(self, found: re.Match[str]) -> None:
        """Bash joins what stands on both sides of an escaped newline; the parser does not."""
        if found.group() != "\\\n":
            return
        around = self._text[max(found.start() - 1, 0)], self._text[found.end() : found.end() + 1]
        if all(side and not side.isspace() for side in around):
            raise _Unreadable(_BROKEN_WORD)

    def _nest(self, mark: str) -> None:
        closes = {")": "(", "`": "`"}.get(mark)
        if closes is not None and self._inside[-1:] == [closes]:
            self._inside.pop()
        elif mark != ")":
            self._inside.append(mark)

    def _body(self, start: int) -> None:
        """Blot out a here-document's text, unless commands in it are run."""
        if len(self._pending) > 1:
            raise _Unreadable(_INTRICATE)
        opening = self._pending.pop()
        tabs = "\t*" if opening["dash"] else ""
        ending = re.compile(rf"^{tabs}{opening['word']}$", re.MULTILINE)
        last = ending.search(self._text, start)
        if last is None:
            raise _Unreadable(_UNENDED)
        self._at = last.end()
        body = self._text[start : last.start()]
        if opening["quote"] or not ("$(" in body or "`" in body):
            end = max(start, last.start() - 1)
            self._blots.append(Blot(start, end, "heredoc_body", words=not opening["quote"]))
