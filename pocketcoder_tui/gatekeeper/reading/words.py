"""The words of a command: what bash would make of each, where the text alone says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded with the first text that is parsed
    from tree_sitter import Node

__all__ = ["WORDS", "Word", "word_of"]

WORDS = frozenset(
    {
        "word", "number", "raw_string", "string", "ansi_c_string", "concatenation",
        "simple_expansion", "expansion", "command_substitution", "process_substitution",
        "arithmetic_expansion", "brace_expression", "translated_string", "variable_name", "$",
        "test_operator", "regex", "extglob_pattern",
    }
)  # fmt: skip
"""The parser's kinds of nodes that stand where a word can."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_IN_QUOTES = re.compile(r'\\([\\"$`\n])')
_PATTERN = re.compile(r"[*?\[\]{}]|^~|[=:]~")
"""What bash replaces; a tilde only at the beginning, or where a variable's value can begin."""
_ANSI = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r",
    "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is written, and what bash makes of it."""

    raw: str
    start: int
    end: int
    """Offsets in the whole text, in characters."""
    text: str | None
    """None when it depends on the shell: a variable, a command's output, a pattern, a tilde."""


def word_of(node: Node, text: str, base: int = 0) -> Word:
    """Make a word of the parser's node; ``base`` is where ``text`` begins in the whole."""
    start, end = node.start_byte, node.end_byte
    raw = text[start:end]
    value = None if raw.startswith("~") else _value(node, text)
    if raw == "{}":
        value = raw
    return Word(raw, base + start, base + end, value)


def _value(node: Node, text: str) -> str | None:
    """What bash makes of one node, as the Bash manual's chapter on quoting says."""
    raw = text[node.start_byte : node.end_byte]
    match node.type:
        case "word" | "number" | "variable_name" | "test_operator":
            return _unquoted(raw)
        case "raw_string":
            return raw[1:-1]
        case "ansi_c_string":
            return _ansi(raw[2:-1])
        case "string":
            plain = all(child.type in ('"', "string_content") for child in node.children)
            return _ESCAPE_IN_QUOTES.sub(_escaped, raw[1:-1]) if plain else None
        case "concatenation":
            return _joined(node, text)
        case _:
            return None


def _joined(node: Node, text: str) -> str | None:
    parts, position = [], node.start_byte
    for child in node.children:
        part = _value(child, text) if child.start_byte == position else None
        if part is None:
            return None
        parts.append(part)
        position = child.end_byte
    return "".join(parts)


def _unquoted(raw: str) -> str | None:
    """A word without quotes; None if it holds a pattern that bash replaces."""
    return None if _PATTERN.search(_ESCAPE.sub("", raw)) else _ESCAPE.sub(_escaped, raw)


def _escaped(found: re.Match[str]) -> str:
    return "" if found[1] == "\n" else found[1]


def _ansi(body: str) -> str | None:
    """The text of ``$'…'``; None for what ends the text (NUL) or is no character by itself."""
    pieces, position = [], 0
    for found in _ANSI.finditer(body):
        char = _ansi_char(found)
        if char is None:
            return None
        pieces += [body[position : found.start()], char]
        position = found.end()
    return "".join([*pieces, body[position:]])


def _ansi_char(found: re.Match[str]) -> str | None:
    byte, short, long, octal, letter = found.groups()
    if letter is not None:
        return _ANSI_LETTERS.get(letter)
    number = int(octal, 8) if octal else int(byte or short or long, 16)
    wide = short is not None or long is not None
    if not 0 < number < (0xD800 if wide else 0x80):
        return None
    return chr(number)
