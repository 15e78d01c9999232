"""Where the parser and bash part ways: each form that it reads otherwise makes a text unreadable.

Every check here stands for a text that bash ran in another way than the tree said. They were found
by asking bash about some millions of texts; ``tests/gatekeeper/test_against_bash.py`` goes on.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from pocketcoder_tui.gatekeeper.programs import RESERVED
from pocketcoder_tui.gatekeeper.reading.parsing import Unread
from pocketcoder_tui.gatekeeper.reading.words import Word

if TYPE_CHECKING:  # loaded with the first text that is parsed
    from tree_sitter import Node

__all__ = ["hold", "hold_gap", "hold_words"]

_WHY = "A part of it is not understood."
_BLANKS = " \t\n"
_ENDS_WORD = _BLANKS + ";&|()<>`"
_BETWEEN = re.compile(r"(?:[ \t\n]|\\\n)*")
"""What may stand between two parts of a text: blanks, and escaped newlines."""
_STREAM = re.compile(r"[0-9]+-?")
"""What may stand behind ``>&``: bash expands any other word there twice, quoted or not."""
_DELIMITER = re.compile(r"\w+|'\w+'|\"\w+\"", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[A-Za-z0-9_]*\])?")
"""What bash takes for a variable; before another ``=`` stands a command's name."""
_SOLID = frozenset({"simple_expansion", "concatenation", "variable_assignment", "subscript"})
"""What has no blank between its parts; the parser skips some there."""
_BEFORE_KEYWORDS = frozenset({"time", "coproc", "[[", "]]"})
_TEST_BREAKS = frozenset(
    {
        "&&", "||", "&", "|", ";", "(", ")", "<", ">", "command", "list", "pipeline", "subshell",
        "redirected_statement", "file_redirect", "heredoc_redirect", "parenthesized_expression",
    }
)  # fmt: skip
"""What ends the command ``[`` for bash, or leads its output elsewhere."""
_WHOLE = frozenset({"string", "command_substitution", "expansion"})


def hold(node: Node, text: str) -> None:
    """Hold that a node means to bash what it means in the tree. Raises Unread."""
    right = True
    match node.type:
        case "test_command":
            right = node.children[0].type != "[" or _is_one_test(node)
        case "compound_statement" if node.children[0].type == "{":
            right = _after(node.children[0], text) in _BLANKS
        case "!":
            right = _after(node, text) in _BLANKS
        case "file_redirect":
            right = _is_plain_redirect(node, text)
        case "heredoc_start":
            right = _DELIMITER.fullmatch(_raw(node, text)) is not None
        case "variable_assignment":
            named = _NAME.fullmatch(_raw(node.children[0], text)) is not None
            right = named and _after(node, text) in _ENDS_WORD
        case _:
            pass
    if node.type in _SOLID:
        right = right and all(a.end_byte == b.start_byte for a, b in pairwise(node.children))
    if not right:
        raise Unread(_WHY)


def hold_gap(gap: str) -> None:
    """Hold that nothing is left out between two parts; the parser leaves words out at times."""
    if not _BETWEEN.fullmatch(gap):
        raise Unread(_WHY)


def hold_words(words: list[Word], text: str) -> None:
    """Hold that words are those of one simple command. Raises Unread.

    Where bash reads ``if`` the parser may read a program of that name, and it goes on over the end
    of a line at times.
    """
    start = 1 if words[0].raw in _BEFORE_KEYWORDS else 0
    if any(word.raw in RESERVED - _BEFORE_KEYWORDS for word in words[start : start + 1]):
        raise Unread(_WHY)
    for before, after in pairwise(sorted(words, key=lambda word: word.start)):
        if "\n" in text[before.end : after.start].replace("\\\n", ""):
            raise Unread(_WHY)


def _is_plain_redirect(node: Node, text: str) -> bool:
    for child in node.children:
        raw = _raw(child, text)
        if child.type == "file_descriptor" and not raw.isdigit():
            return False
        if child.type in (">&", "<&"):
            target = child.next_sibling
            return target is not None and _STREAM.fullmatch(_raw(target, text)) is not None
    return True


def _is_one_test(node: Node) -> bool:
    """Whether ``[`` is one command, as it is to bash; the parser takes ``&&`` for a part of it."""
    if node.start_point.row != node.end_point.row:
        return False
    pending = node.children[1:]
    while pending:
        inner = pending.pop()
        if inner.type in _TEST_BREAKS:
            return False
        if inner.type not in _WHOLE:
            pending += inner.children
    return True


def _after(node: Node, text: str) -> str:
    """The character behind a node; a blank at the end of the text."""
    return text[node.end_byte : node.end_byte + 1] or " "


def _raw(node: Node, text: str) -> str:
    return text[node.start_byte : node.end_byte]
