"""docs/events.md, made from the sentences in the code. tests.cli.tables writes it."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import UnionType

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.transient import PastRead, ScreenChanged, Transient

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
_QUIET = (PastRead, ScreenChanged)
_MARK = "<!-- made from the code -->"


def page() -> str:
    """The whole page: what stands above the mark is written by hand."""
    durable = list(_members(Durable))
    inner: dict[str, type] = {}
    lines = [PAGE.read_text().partition(_MARK)[0] + _MARK, "\n## What is recorded"]
    for kind in durable:
        lines += _table(f"`{kind.__dataclass_fields__['kind'].default}`", kind, inner)
    lines.append("\n## What is only shown")
    for kind in _members(Transient):
        if kind not in _QUIET:
            lines += _table(f"`{kind.__name__}`", kind, inner)
    lines.append("\n## What they hold")
    done: set[str] = set()
    while left := sorted(set(inner) - done):
        done.add(left[0])
        lines += _table(left[0], inner[left[0]], inner)
    return "\n".join(lines) + "\n"


def _members(union: object) -> Iterator[typing.Any]:
    for member in typing.get_args(union):
        if isinstance(member, UnionType):
            yield from _members(member)
        else:
            yield member


def _table(title: str, kind: type, inner: dict[str, type]) -> list[str]:
    lines = [f"\n### {title}\n", f"{_first(kind)}\n"]
    if issubclass(kind, StrEnum):
        said = _sentences(kind)
        return lines + [f"- `{m.value}`{_dash(said.get(m.name, ''))}" for m in kind]
    hints = typing.get_type_hints(kind)
    said = _sentences(kind)
    shown = [f for f in fields(typing.cast(typing.Any, kind)) if f.name != "kind"]
    if not shown:
        return lines
    lines += ["| field | type | |", "| --- | --- | --- |"]
    for field in shown:
        words = " ".join(said.get(field.name, "").split()).replace("|", "\\|")
        lines.append(f"| `{field.name}` | {_type(hints[field.name], inner)} | {words or ' '} |")
    return lines


def _type(hint: typing.Any, inner: dict[str, type]) -> str:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{a}`" for a in args)
    if origin in (typing.Union, UnionType):
        return " or ".join(_type(a, inner) for a in args)
    if isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, StrEnum)):
        inner[hint.__name__] = hint
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if origin in _LISTS:
        kept = [a for a in args if a is not ...]
        return "list of " + ", ".join(dict.fromkeys(_type(a, inner) for a in kept))
    if origin is not None:
        return "object"
    names = {str: "text", int: "number", float: "number", bool: "true or false", type(None): "null"}
    return names.get(hint, "any")


_LISTS = (tuple, list, frozenset, Sequence)


def _first(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _dash(words: str) -> str:
    return f" – {' '.join(words.split())}" if words else ""


def _sentences(kind: type) -> dict[str, str]:
    """The sentence under each field, read from the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = typing.cast(ast.ClassDef, tree.body[0]).body
    found: dict[str, str] = {}
    for at, node in enumerate(body[:-1]):
        after = body[at + 1]
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            target = typing.cast(ast.Name, node.targets[0])
        if isinstance(target, ast.Name) and isinstance(after.value.value, str):
            found[target.id] = after.value.value
    return found
