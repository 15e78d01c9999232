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
OUTSIDE = 6_000
"""Of these outside quotes."""
MARKS = 350
"""Characters outside quotes that can mean something to a shell."""
BLANKS = 2_000
"""Blanks and newlines outside quotes."""
TOKENS = 600
"""Quoted stretches and nestings that are followed."""

_NUL = "It holds a NUL character, which no command can."
_LONG = f"It is longer than {LENGTH:,} characters."
_INTRICATE = "It has more parts than can be followed."
_BROKEN_WORD = "A word of it is broken over two lines."
_EXPANSION = "It has a ${…}, $[…] or ((…)) of which the end cannot be told."
_ESCAPED = "It has an escaped character within back quotes, which bash reads twice."
_UNENDED = "A here-document in it has no end that can be found."

_REFUSED = {"heredoc": _ESCAPED, "odd": _UNENDED, "opaque": _EXPANSION}

_STRUCTURE = "!\"#$&'();<=>[\\]`{|}"
_SPECIAL = _STRUCTURE + "*?^~"
_BLANK = " \n\t"
_BLOT = {ord(c): "x" for c in _SPECIAL + _BLANK}
_VARIABLES, _ALL = "${}\\", "all"
_BLOT_WORDS = {code: "x" for code in _BLOT if chr(code) not in _VARIABLES}
_PART_OF_WORD = re.compile(r"[^\x20-\x7e\n\t]|[*?@^~]")

_CODE = re.compile(
    r"""(?P<escape>\\.)
    |(?P<ansi>\$'(?:[^'\\]|\\.)*')
    |(?P<single>'[^']*')
    |(?P<comment>(?<![^ \t\n;&|()])\#[^\n]*)
    |(?P<string><<<(?!\())
    |(?P<heredoc><<(?P<dash>-?)[ \t]*(?P<quote>['"]?)(?P<word>[A-Za-z0-9_]+)(?P=quote)
        (?=[ \t\n;&|)<>]|$))
    |(?P<odd><<)
    |(?P<expansion>\$\{(?:[^{}"'`\\$\n;&|<>()]|\\[/.*?-])*\})
    |(?P<sum>\$?\(\([^'"`\\()]*(?:\([^'"`\\()]*\)[^'"`\\()]*)*\)\))
    |(?P<opaque>\$\{|\$\[|\$?\(\()
    |(?P<open>"|\$\(|[<>]\(|\(|`)
    |(?P<close>\))
    |(?P<line>\n)""",
    re.DOTALL | re.VERBOSE,
)
_OPENING = re.compile(r"\$\(")
_QUOTE = re.compile(
    r"""(?P<escape>\\.)
    |(?P<text>[^"\\$`]+)
    |(?P<expansion>\$\{(?:[^{}"'`\\$\n]|\\[/.*?-])*\})
    |(?P<sum>\$\(\([^'"`\\()]*(?:\([^'"`\\()]*\)[^'"`\\()]*)*\)\))
    |(?P<opaque>\$\{|\$\[|\$\(\()
    |(?P<open>\$\(|`)
    |(?P<close>")""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Blot:
    """A stretch that was taken for text, in characters."""

    start: int
    end: int
    kind: str
    """What the parser must call it: the name of a node."""
    stays: str = ""
    """Of a here-document, what bash still replaces: signs that stay to be seen."""

    def over(self, text: str) -> str:
        """What stands in its place."""
        stretch = text[self.start : self.end]
        if self.stays == _ALL:
            return stretch
        return stretch.translate(_BLOT_WORDS if self.stays else _BLOT)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text that is ready for the parser."""

    code: bytes = b""
    """ASCII, one byte for each character of the text; empty when it cannot be read."""
    blots: tuple[Blot, ...] = ()
    openings: tuple[int, ...] = ()
    """Where ``$(``, ``<(``, ``>(`` and back quotes begin commands, in characters."""
    why: str = ""
    """Why it is not read, one sentence; empty when it is."""


class _Unreadable(Exception):
    """Carries the sentence that says why."""


def mask(text: str) -> Masked:
    """Blot out what is only text; one that is too long or too intricate is not read."""
    if "\0" in text:
        return Masked(why=_NUL)
    if len(text) > LENGTH:
        return Masked(why=_LONG)
    try:
        blots, openings = _Scanner(text).scan()
        code = _blotted(text, blots)
    except _Unreadable as reason:
        return Masked(why=str(reason))
    return Masked(code.encode("ascii"), tuple(blots), tuple(openings))


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
        self._openings: list[int] = []
        self._pending: list[re.Match[str]] = []
        """Here-documents whose text begins after this line."""

    def scan(self) -> tuple[list[Blot], list[int]]:
        """Return the stretches, and where substitutions begin. Raises _Unreadable."""
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
        return self._blots, self._openings

    def _in_quotes(self, found: re.Match[str]) -> None:
        match found.lastgroup:
            case "text":
                self._blots.append(Blot(found.start(), found.end(), "string"))
            case "escape" if "`" in self._inside:
                raise _Unreadable(_ESCAPED)
            case "opaque":
                raise _Unreadable(_EXPANSION)
            case "open":
                self._nest(found)
            case "close":
                self._inside.pop()
            case _:
                pass

    def _in_code(self, found: re.Match[str]) -> None:
        start, end = found.span()
        match found.lastgroup:
            case "escape":
                self._escape(found)
            case "single" | "ansi" if "`" in self._inside and "\\" in found.group():
                raise _Unreadable(_ESCAPED)
            case "single":
                self._blots.append(Blot(start + 1, end - 1, "raw_string"))
            case "ansi":
                self._blots.append(Blot(start + 2, end - 1, "ansi_c_string"))
            case "comment":
                self._blots.append(Blot(start + 1, end, "comment"))
            case "heredoc" if "`" not in self._inside:
                self._pending.append(found)
            case "heredoc" | "odd" | "opaque" as kind:
                raise _Unreadable(_REFUSED[kind])
            case "open" | "close":
                self._nest(found)
            case "line" if self._pending:
                self._body(end)
            case _:
                pass

    def _escape(self, found: re.Match[str]) -> None:
        """An escaped character is part of a word; an escaped newline is not there at all.

        Bash joins what stands on both sides of such a newline, and the parser does not.
        """
        start, end = found.span()
        if "`" in self._inside:
            raise _Unreadable(_ESCAPED)
        if found.group() != "\\\n":
            self._blots.append(Blot(start, end, "word"))
            return
        around = self._text[max(start - 1, 0)], self._text[end : end + 1]
        escaped = self._text[max(start - 2, 0) : start - 1] == "\\"
        if escaped or "\n" in around or all(side and side not in _BLANK for side in around):
            raise _Unreadable(_BROKEN_WORD)

    def _nest(self, found: re.Match[str]) -> None:
        mark = found.group()[-1]
        closes = {")": "(", "`": "`"}.get(mark)
        if closes is not None and self._inside[-1:] == [closes]:
            self._inside.pop()
        elif mark != ")":
            self._inside.append(mark)
            if mark != '"' and found.group() != "(":
                self._openings.append(found.start())

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
        stays = ""
        if not opening["quote"]:
            if "`" in body or "$[" in body or "$((" in body or "\\\n" in body:
                raise _Unreadable(_INTRICATE)
            stays = _ALL if "$(" in body else _VARIABLES
            self._openings += [start + found.start() for found in _OPENING.finditer(body)]
        self._blots.append(Blot(start, max(start, last.start() - 1), "heredoc_body", stays))
