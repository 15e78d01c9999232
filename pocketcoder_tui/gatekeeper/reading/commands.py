"""From the parser's tree to the simple commands of a text, in the order of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pocketcoder_tui.gatekeeper.reading.holding import hold, hold_gap, hold_words
from pocketcoder_tui.gatekeeper.reading.model import (
    Assignment,
    Definition,
    Document,
    Reading,
    Redirect,
    Simple,
)
from pocketcoder_tui.gatekeeper.reading.parsing import Unread, parse
from pocketcoder_tui.gatekeeper.reading.words import WORDS, Word, word_of

if TYPE_CHECKING:  # loaded with the first text that is parsed
    from tree_sitter import Node

__all__ = ["read"]

_ELSEWHERE = frozenset(
    {
        "if_statement", "while_statement", "for_statement", "c_style_for_statement",
        "case_statement", "function_definition", "subshell", "command_substitution",
        "process_substitution", "pipeline", "negated_command",
    }
)  # fmt: skip
"""What is inside may run never, often, later, or in a process of its own."""
_LAST_IS_SERVED = frozenset({"pipeline", "negated_command", "list"})
"""What stands behind a redirection belongs to the last command of these."""
_NO_WORDS = frozenset(
    {"command_name", "variable_assignment", "file_redirect", "herestring_redirect", "comment"}
)
_COMMANDS = frozenset({"command", "declaration_command", "unset_command", "test_command"})
_LONE_HYPHEN = re.compile(r"[ \t]+-[ \t]+")
"""A word that the parser leaves out in front of a redirection."""
_NO_READER = "It holds a text of which it cannot be told what reads it."
_SETS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


def read(text: str) -> Reading:
    """Read a text as bash would. Never raises; what cannot be read says why."""
    try:
        return _Reader(text).read(parse(text))
    except Unread as reason:
        return Reading(text, str(reason))


@dataclass(frozen=True, slots=True)
class _Around:
    """What a node is inside of."""

    background: bool = False
    optional: bool = False
    pipe: int = -1
    place: int = 0


class _Reader:
    """Walks a tree from its first to its last node, without recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reading = Reading(text)
        self._pipes = 0
        self._covered = 0
        """Up to where the parser accounts for the text."""
        self._commands: dict[int, Simple] = {}
        """By the node's id, for the redirections around them."""

    def read(self, root: Node) -> Reading:
        """Return what the whole tree says. Raises Unread if it does not say all."""
        pending = [(root, _Around())]
        while pending:
            node, around = pending.pop()
            hold(node, self._text)
            self._note(node, around)
            pending += reversed(self._below(node, around))
            if not node.child_count:
                self._cover(*node.byte_range)
        self._cover(len(self._text), len(self._text))
        self._reading.commands.sort(key=lambda command: command.start)
        return self._reading

    def _cover(self, start: int, end: int) -> None:
        """Hold that nothing stands between two parts, save for a word known to be left out."""
        gap = self._text[self._covered : start]
        before = self._reading.commands[-1:]
        if _LONE_HYPHEN.fullmatch(gap) and before and before[0].end == self._covered:
            place = self._covered + gap.index("-")
            before[0].words.append(Word("-", place, place + 1, "-"))
        else:
            hold_gap(gap)
        self._covered = max(end, self._covered)

    def _note(self, node: Node, around: _Around) -> None:
        match node.type:
            case "file_redirect":
                self._redirect(node)
            case "heredoc_redirect" | "herestring_redirect":
                self._document(node)
            case "variable_assignment":
                self._assignment(node)
            case kind if kind in _COMMANDS:
                self._command(node, around)
            case "function_definition" if name := node.child_by_field_name("name"):
                self._reading.definitions.append(Definition(self._raw(name), *node.byte_range))
            case _:
                pass

    def _below(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        """The node's children, each with what it is inside of."""
        children = node.children
        if node.type == "pipeline":
            return self._piped(node, around)
        inner = replace(around, optional=True) if node.type in _ELSEWHERE else around
        below = []
        for index, child in enumerate(children):
            here = inner
            if node.type == "list" and index:
                here = replace(inner, optional=True)
            if index + 1 < len(children) and children[index + 1].type == "&":
                here = replace(inner, optional=True, background=True)
            below.append((child, here))
        return below

    def _piped(self, node: Node, around: _Around) -> list[tuple[Node, _Around]]:
        """The parts of a pipeline; one that begins with its bar goes on from a here-document."""
        pipe, place, below = self._pipes, 0, []
        self._pipes += 1
        if node.children and node.children[0].type in ("|", "|&"):
            place = 1
            if (first := self._served(node.parent)) is not None:
                first.pipe = pipe
        for child in node.children:
            below.append((child, replace(around, optional=True, pipe=pipe, place=place)))
            place += child.is_named
        return below

    def _command(self, node: Node, around: _Around) -> None:
        words = [self._word(c) for c in node.children if c.type in WORDS or self._is_odd(node, c)]
        if node.type != "command":
            settings = [c for c in node.children if c.type == "variable_assignment"]
            words += [self._word(setting) for setting in settings]
            first = node.children[0]
            words.insert(0, Word(self._raw(first), *first.byte_range, self._raw(first)))
        elif name := node.child_by_field_name("name"):
            words.insert(0, self._word(name.children[0]))
        if words:
            hold_words(words, self._text)
            simple = Simple(
                _apart(words),
                *node.byte_range,
                background=around.background,
                optional=around.optional,
                pipe=around.pipe,
                place=around.place,
            )
            self._commands[node.id] = simple
            self._reading.commands.append(simple)

    def _is_odd(self, node: Node, child: Node) -> bool:
        """The parser takes some words of a command for signs, such as ``==``; they are words."""
        return node.type == "command" and child.type not in _NO_WORDS

    def _redirect(self, node: Node) -> None:
        """Note where a stream is led; what stands behind it are the command's own words."""
        words = [self._word(child) for child in node.children if child.type in WORDS]
        signs = [child for child in node.children if not child.is_named]
        if words and not self._raw(signs[0]).endswith("&-"):
            sign, target = self._raw(signs[0]), words.pop(0)
            span = node.start_byte, target.end
            self._reading.redirects.append(Redirect(sign, target, *span))
        command = self._served(node)
        if command is not None:
            command.words += words
        while command is None and words and _SETS.match(words[0].raw):
            words.pop(0)
        if command is None and words:
            # Behind a redirection without a command stands one, as in ``x=1 >file program``.
            simple = Simple(_apart(words), words[0].start, words[-1].end, optional=True)
            self._reading.commands.append(simple)

    def _served(self, node: Node | None) -> Simple | None:
        """The command that a redirection belongs to."""
        parent = node.parent if node is not None else None
        if parent is not None and parent.type == "heredoc_redirect":
            parent = parent.parent
        if parent is None:
            return None
        body = parent.child_by_field_name("body") or parent
        while body.type in _LAST_IS_SERVED and body.named_children:
            body = body.named_children[-1]
        return self._commands.get(body.id)

    def _document(self, node: Node) -> None:
        """Note what a command reads; what stands beside a here-document are its own words."""
        command = self._served(node)
        words = [child for child in node.children if child.type in WORDS]
        parts = {child.type: child for child in node.children}
        opening = self._raw(parts["heredoc_start"]) if "heredoc_start" in parts else ""
        if command is None:
            raise Unread(_NO_READER)
        if not opening:
            value = self._word(words.pop(0)) if words else None
            if value is not None:
                command.documents.append(Document(value.text, value.start, value.end))
        elif "heredoc_body" in parts:
            raw = self._raw(parts["heredoc_body"])
            plain = opening[0] in "'\"" or not set("$`\\") & set(raw)
            span = parts["heredoc_body"].byte_range
            command.documents.append(Document(raw if plain else None, *span))
        command.words += [self._word(word) for word in words]

    def _assignment(self, node: Node) -> None:
        name, value = node.children[0], node.child_by_field_name("value")
        parent = node.parent
        self._reading.assignments.append(
            Assignment(
                self._raw(name),
                *node.byte_range,
                value=self._word(value).text if value is not None else "",
                alone=parent is None or parent.type != "command",
            )
        )

    def _word(self, node: Node) -> Word:
        word = word_of(node, self._text)
        value = node.child_by_field_name("value")
        if node.type == "variable_assignment" and value is not None:
            text = self._word(value).text
            name = self._raw(node.children[0])
            return replace(word, text=None if text is None else f"{name}={text}")
        return word

    def _raw(self, node: Node) -> str:
        return self._text[node.start_byte : node.end_byte]


def _apart(words: list[Word]) -> list[Word]:
    """Words that stand together without a blank are one word to bash, and nobody knows which."""
    touching = {w.end for w in words} & {w.start for w in words}
    return [
        replace(word, text=None) if word.start in touching or word.end in touching else word
        for word in words
    ]
