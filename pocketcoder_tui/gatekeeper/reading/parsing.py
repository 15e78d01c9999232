"""The one place that knows the parser: tree-sitter and its grammar of bash, loaded on first use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pocketcoder_tui.gatekeeper.reading.masking import Blot, mask

if TYPE_CHECKING:  # loaded with the first text that is parsed, after the first frame
    from tree_sitter import Node, Parser

__all__ = ["Unread", "parse"]

_NO_BASH = "It is not bash that can be read."
_NO_QUOTE = "It cannot be told where a quote in it ends."
_NO_COMMANDS = "It runs commands at a place where they cannot be followed."
_SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion"})
_PIECE = 4_096
"""Bytes that the parser is handed at a time."""
_HEIGHT = 4
"""How far above a blotted stretch the node that holds it can be."""


class Unread(Exception):
    """A text could not be read; the sentence says why."""


def parse(text: str) -> Node:
    """Return the root of a text's tree; offsets in it are characters of the text.

    What is quoted is blotted out in the tree (``masking``), so words are taken from the text.
    Raises Unread for anything that is not bash from its first to its last character.
    """
    masked = mask(text)
    if masked.why:
        raise Unread(masked.why)
    root = _root(masked.code)
    for blot in masked.blots:
        if blot.start < blot.end and not _is_quoted(root, blot):
            raise Unread(_NO_QUOTE)
    for opening in masked.openings:
        if not _begins_commands(root, opening):
            raise Unread(_NO_COMMANDS)
    return root


@cache
def _parser() -> Parser:
    """Load the grammar, about 3 ms, and keep it."""
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _root(code: bytes) -> Node:
    """Parse up to the first mistake: to recover from one is what takes the parser long."""
    try:
        tree = _parser().parse(
            lambda at, _point: code[at : at + _PIECE],
            progress_callback=lambda _at, mistaken: mistaken,
        )
    except ValueError as error:
        _parser().reset()
        raise Unread(_NO_BASH) from error
    if tree.root_node.has_error:
        raise Unread(_NO_BASH)
    return tree.root_node


def _begins_commands(root: Node, opening: int) -> bool:
    """Whether the parser too sees commands where bash does; it does not within ``${…}``."""
    node = root.descendant_for_byte_range(opening, opening)
    for _ in range(_HEIGHT):
        if node is None:
            break
        if node.type in _SUBSTITUTIONS and node.start_byte == opening:
            return True
        node = node.parent
    return False


def _is_quoted(root: Node, blot: Blot) -> bool:
    """Whether the parser too takes a stretch for text."""
    node = root.descendant_for_byte_range(blot.start, blot.end - 1)
    for _ in range(_HEIGHT):
        if node is None or node.type == blot.kind:
            break
        node = node.parent
    if node is None or node.type != blot.kind:
        return False
    after = node.next_sibling
    if blot.kind == "heredoc_body":
        ended = after is not None and after.type == "heredoc_end"
        return ended and blot.start <= node.start_byte and blot.end <= node.end_byte
    return node.start_byte <= blot.start and blot.end <= node.end_byte
