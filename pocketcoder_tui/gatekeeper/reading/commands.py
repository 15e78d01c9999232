"""From the parser's tree to the simple commands of a text, in the order of the text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
_COMMANDS = frozenset({"command", "declaration_command", "unset_command", "test_command"})


def read(text: str) -> Reading:
    """Read a text as bash would. Never raises; what cannot be read says why."""
    try:
        root = parse(text)
    except Unread as reason:
        return Reading(text, str(reason))
    return _Reader(text).read(root)


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
        self._commands: dict[int, Simple] = {}
        """By the node's id, for the redirections around them."""

    def read(self, root: Node) -> Reading:
        """Return what the whole tree says."""
        pending = [(root, _Around())]
        while pending:
            node, around = pending.pop()
            self._note(node, around)
            pending += reversed(self._below(node, around))
        self._reading.commands.sort(key=lambda command: command.start)
        return self._reading

    def _note(self, node: Node, around: _Around) -> None:
        match node.type:
            case kind if kind in _COMMANDS:
                self._command(node, around)
            case "file_redirect":
                self._redirect(node)
            case "heredoc_redirect" | "herestring_redirect":
                self._document(node)
            case "variable_assignment":
                self._assignment(node)
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
            if child.is_named:
                below.append((child, replace(around, optional=True, pipe=pipe, place=place)))
                place += 1
        return below

    def _command(self, node: Node, around: _Around) -> None:
        words = [self._word(child) for child in node.children if child.type in WORDS]
        if node.type != "command":
            settings = [c for c in node.children if c.type == "variable_assignment"]
            words += [self._word(setting) for setting in settings]
            first = node.children[0]
            words.insert(0, Word(self._raw(first), *first.byte_range, self._raw(first)))
        elif name := node.child_by_field_name("name"):
            words.insert(0, self._word(name.children[0]))
        if words:
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

    def _redirect(self, node: Node) -> None:
        """Note where a stream is led; what stands behind it are the command's own words."""
        words = [self._word(child) for child in node.children if child.type in WORDS]
        signs = [child for child in node.children if not child.is_named]
        if words:
            span = node.start_byte, words[0].end
            self._reading.redirects.append(Redirect(self._raw(signs[0]), words[0], *span))
        command = self._served(node)
        if command is not None:
            command.words += words[1:]

    def _served(self, node: Node | None) -> Simple | None:
        """The command that a redirection belongs to."""
        parent = node.parent if node is not None else None
        if parent is not None and parent.type == "heredoc_redirect":
            parent = parent.parent
        if parent is None:
            return None
        body = parent.child_by_field_name("body")
        return self._commands.get(parent.id if body is None else body.id)

    def _document(self, node: Node) -> None:
        command = self._served(node)
        body = next((c for c in node.children if c.type == "heredoc_body" or c.type in WORDS), None)
        if command is None or body is None:
            return
        if body.type in WORDS:
            text = self._word(body).text
        else:
            raw = self._raw(body)
            text = raw if _is_quoted(node, self._text) or not set("$`\\") & set(raw) else None
        command.documents.append(Document(text, *body.byte_range))

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


def _is_quoted(heredoc: Node, text: str) -> bool:
    """Whether a here-document's text is taken as it is."""
    opening = next((c for c in heredoc.children if c.type == "heredoc_start"), None)
    return opening is not None and text[opening.start_byte] in "'\""


def _apart(words: list[Word]) -> list[Word]:
    """Words that stand together without a blank are one word to bash, and nobody knows which."""
    touching = {w.end for w in words} & {w.start for w in words}
    return [
        replace(word, text=None) if word.start in touching or word.end in touching else word
        for word in words
    ]
