"""The colours of a programming language over text that is faithful already: colour and no more.

Textual's highlighter reads the drawn text, tokens and all, and only says what is coloured how; the
characters stay those of ``faithful``. Only languages that are told by a file's name are coloured,
and only texts of a size at which a slow pattern cannot hold the screen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath

from textual.highlight import HighlightTheme, highlight

from pocketcoder_tui.ui.folding import Ink, Piece

MOST = 40_000
"""Characters of one side of a part that are coloured."""
LONGEST = 1_000
"""Characters of a line in a text that is coloured."""

LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript",
    ".ts": "typescript", ".tsx": "tsx", ".jsx": "jsx", ".json": "json", ".toml": "toml",
    ".yaml": "yaml", ".yml": "yaml", ".sh": "bash", ".bash": "bash", ".html": "html",
    ".css": "css", ".c": "c", ".h": "c", ".cpp": "cpp", ".hpp": "cpp", ".go": "go", ".rs": "rust",
    ".java": "java", ".kt": "kotlin", ".rb": "ruby", ".php": "php", ".sql": "sql", ".ini": "ini",
    ".lua": "lua", ".cs": "csharp", ".swift": "swift", ".xml": "xml", ".md": "markdown",
}  # fmt: skip
NAMES = {"Makefile": "make", "Dockerfile": "docker", "Containerfile": "docker"}

_INKS = (
    ("Token.Comment", Ink.COMMENT),
    ("Token.Keyword", Ink.KEYWORD),
    ("Token.Operator.Word", Ink.KEYWORD),
    ("Token.Literal.String", Ink.STRING),
    ("Token.String", Ink.STRING),
    ("Token.Literal.Number", Ink.NUMBER),
    ("Token.Number", Ink.NUMBER),
    ("Token.Name.Function", Ink.NAME),
    ("Token.Name.Class", Ink.NAME),
    ("Token.Name.Decorator", Ink.NAME),
    ("Token.Name.Tag", Ink.NAME),
)


def _ink_of(token: object) -> str:
    """The ink for one of the highlighter's kinds of token; text when it has no colour here."""
    name = f"{token}."
    return next((ink.value for kind, ink in _INKS if name.startswith(f"{kind}.")), Ink.TEXT.value)


_STYLES = {token: _ink_of(token) for token in HighlightTheme.STYLES}
_Inks: type[HighlightTheme] = type("_Inks", (HighlightTheme,), {"STYLES": _STYLES})
"""Our inks in the place of styles."""


def language_of(path: str) -> str:
    """The language of a file by its name; empty when it is not one of those here."""
    name = PurePosixPath(path)
    return NAMES.get(name.name, LANGUAGES.get(name.suffix.lower(), ""))


def coloured(lines: Sequence[tuple[Piece, ...]], path: str) -> list[tuple[Piece, ...]]:
    """Colour lines that belong together; their texts stay as they are."""
    language = language_of(path)
    texts = ["".join(piece.text for piece in line) for line in lines]
    size = sum(map(len, texts)) + len(texts)
    if not language or size > MOST or any(len(text) > LONGEST for text in texts):
        return list(lines)
    inks = _inks("\n".join(texts), language)
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + len(text) + 1)
    return [
        tuple(_inked(line, inks[start : end - 1]))
        for line, (start, end) in zip(lines, pairwise(starts), strict=True)
    ]


def _inks(code: str, language: str) -> list[Ink]:
    """An ink for every character."""
    inks = [Ink.TEXT] * len(code)
    known = {ink.value: ink for ink in Ink}
    for span in highlight(code, language=language, theme=_Inks).spans:
        ink = known.get(str(span.style), Ink.TEXT)
        if ink is not Ink.TEXT:
            end = min(span.end, len(code))
            inks[span.start : end] = [ink] * (end - span.start)
    return inks


def _inked(line: tuple[Piece, ...], inks: Sequence[Ink]) -> Iterator[Piece]:
    """Cut a line's pieces where the colour changes; a token keeps its mark."""
    place = 0
    for piece in line:
        if piece.ink is Ink.MARK:
            yield piece
            place += len(piece.text)
            continue
        begun = place
        for offset in range(place + 1, place + len(piece.text) + 1):
            if offset == place + len(piece.text) or inks[offset] is not inks[begun]:
                text = piece.text[begun - place : offset - place]
                yield replace(piece, text=text, ink=inks[begun])
                begun = offset
        place += len(piece.text)
