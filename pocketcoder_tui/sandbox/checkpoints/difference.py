"""What differs between two trees: which files, how many lines, and the text of it.

Lines are compared by Myers's O(ND) algorithm, given up after a number of edits: a hostile file
costs a bounded time, and then its difference is all of the old lines and all of the new ones.
Source: E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pocketcoder_tui.core.checkpoints import Difference, FileChange, How
from pocketcoder_tui.sandbox.checkpoints.objects import EMPTY_TREE, Item, Items

__all__ = [
    "Change",
    "Source",
    "bounded",
    "changes_between",
    "counts",
    "summary",
    "summary_of",
    "text_of",
    "unified",
]

EDITS = 400
"""Edits after which no smaller difference of two texts is looked for."""
TEXT_LIMIT = 1 << 20
"""Bytes of a file whose lines are compared."""
COUNTED = 200
"""Files whose lines are counted."""
LISTED = 100
"""Files that are listed in a summary."""
WARNED = 20
"""Files that the host runs and that are named."""
TEXT_LINES = 3_000
"""Lines of a difference that are shown."""
FILE_LINES = 400
"""Lines of one file in it."""
CONTEXT = 3
_BINARY_LOOK = 8_000


class Source(Protocol):
    """Where trees and contents come from."""

    def tree(self, id_: bytes) -> Items:
        """A tree."""

    def blob(self, id_: bytes) -> bytes:
        """A content."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path that is not the same in two trees."""

    path: bytes
    old: Item | None
    new: Item | None

    @property
    def how(self) -> How:
        """In one word."""
        if self.old is None:
            return How.ADDED
        if self.new is None:
            return How.REMOVED
        if stat.S_IFMT(self.old.mode) != stat.S_IFMT(self.new.mode):
            return How.KIND
        return How.CHANGED if self.old.id != self.new.id else How.MODE


def changes_between(source: Source, old: bytes, new: bytes) -> Iterator[Change]:
    """Every file, link and folder that differs, folders before what is in them.

    A folder whose content alone differs is no change of its own. Raises CheckpointError.
    """
    yield from _between(source, old, new, b"")


def _between(source: Source, old: bytes, new: bytes, path: bytes) -> Iterator[Change]:
    if old == new:
        return
    was, now = source.tree(old), source.tree(new)
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before == after:
            continue
        here = path + name
        old_tree = before.id if before is not None and before.is_folder else EMPTY_TREE
        new_tree = after.id if after is not None and after.is_folder else EMPTY_TREE
        both = before is not None and after is not None and before.is_folder and after.is_folder
        if not both or (before is not None and after is not None and before.mode != after.mode):
            yield Change(here, before, after)
        yield from _between(source, old_tree, new_tree, here + b"/")


def summary(
    source: Source, old: bytes, new: bytes, guarded: Callable[[str], str] = lambda path: ""
) -> Difference:
    """Count what differs. ``guarded`` says why a path matters to the host, empty when it does not.

    Raises CheckpointError.
    """
    return summary_of(source, changes_between(source, old, new), guarded)


def summary_of(
    source: Source, changes: Iterable[Change], guarded: Callable[[str], str] = lambda path: ""
) -> Difference:
    """The same of changes that are known. Raises CheckpointError."""
    warned: list[str] = []
    listed: list[FileChange] = []
    total = added = removed = 0
    for change in changes:
        if not counts(source, change):
            continue
        total += 1
        if why := guarded(path := os.fsdecode(change.path)):
            warned.append(f"{path}: {why}.")
        if total > COUNTED:
            continue
        found = _file_change(source, change)
        added, removed = added + (found.added or 0), removed + (found.removed or 0)
        if total <= LISTED:
            listed.append(found)
    return Difference(tuple(listed), total, added, removed, bounded(warned))


def bounded(warned: list[str]) -> tuple[str, ...]:
    """The first sentences, and how many there are beside."""
    more = len(warned) - WARNED
    said = warned if more <= 1 else [*warned[:WARNED], f"and {more:,} more of the kind."]
    return tuple(said)


def counts(source: Source, change: Change) -> bool:
    """A folder counts when it is empty, or when its permissions changed."""
    if change.how in (How.MODE, How.KIND):
        return True
    item = change.old or change.new
    return item is not None and (not item.is_folder or not source.tree(item.id))


def _file_change(source: Source, change: Change) -> FileChange:
    path = os.fsdecode(change.path)
    texts = _texts(source, change)
    if texts is None:
        return FileChange(path, change.how)
    blocks = list(_blocks(*texts))
    added = sum(b.new_end - b.new for b in blocks)
    removed = sum(b.old_end - b.old for b in blocks)
    return FileChange(path, change.how, added, removed)


def unified(source: Source, change: Change, lines: int) -> list[str]:
    """One change as lines of a unified diff, with a head of its own; at most so many lines."""
    path = os.fsdecode(change.path)
    head = [f"--- {path}" if change.old else "--- (nothing)"]
    head.append(f"+++ {path}" if change.new else "+++ (nothing)")
    if change.old and change.new and change.old.mode != change.new.mode:
        head.append(f"mode {change.old.mode:o} becomes {change.new.mode:o}")
    texts = _texts(source, change)
    if texts is None:
        item = change.new or change.old
        what = "a folder" if item is not None and item.is_folder else "no text, or too long"
        return [*head, f"({what})"]
    body: list[str] = []
    for line in _hunks(*texts):
        if len(body) >= lines:
            return [*head, *body, "(the rest of this file is not shown)"]
        body.append(line)
    return [*head, *body]


# --- texts


def text_of(source: Source, changes: Iterable[Change]) -> str:
    """Changes as a unified diff, bounded. Raises CheckpointError."""
    lines: list[str] = []
    for change in changes:
        if len(lines) >= TEXT_LINES:
            lines.append("(the rest is not shown)")
            break
        if counts(source, change):
            lines += unified(source, change, FILE_LINES)
    return "\n".join(lines)


def _texts(source: Source, change: Change) -> tuple[list[str], list[str]] | None:
    """Both sides as lines; None when one is no text."""
    sides = [_lines(source, item) for item in (change.old, change.new)]
    if sides[0] is None or sides[1] is None:
        return None
    return sides[0], sides[1]


def _lines(source: Source, item: Item | None) -> list[str] | None:
    if item is None:
        return []
    if item.is_folder:
        return None
    content = source.blob(item.id)
    if len(content) > TEXT_LIMIT or b"\0" in content[:_BINARY_LOOK]:
        return None
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "":
        lines.pop()
    elif item.is_link:
        lines[-1] = f"(a link to) {lines[-1]}"
    else:
        lines[-1] += "\n\\ No newline at the end"
    return lines


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines ``old`` to ``old_end`` became lines ``new`` to ``new_end``, counted from 0."""

    old: int
    old_end: int
    new: int
    new_end: int


def _blocks(old: list[str], new: list[str]) -> Iterator[_Block]:
    start = 0
    most = min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    a, b = old[start : len(old) - end], new[start : len(new) - end]
    if not a and not b:
        return
    matches = _matches(a, b)
    at_a = at_b = 0
    for x, y in [*matches, (len(a), len(b))]:
        if x > at_a or y > at_b:
            yield _Block(start + at_a, start + x, start + at_b, start + y)
        at_a, at_b = x + 1, y + 1


def _matches(a: list[str], b: list[str]) -> list[tuple[int, int]]:
    """The lines that stay, as pairs of places; none when that is too much work."""
    if not a or not b:
        return []
    trace: list[dict[int, int]] = []
    reach = {1: 0}
    for edits in range(min(len(a) + len(b), EDITS) + 1):
        trace.append(dict(reach))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            while x < len(a) and x - k < len(b) and a[x] == b[x - k]:
                x += 1
            reach[k] = x
            if x >= len(a) and x - k >= len(b):
                return _walked_back(a, b, trace)
    return []


def _walked_back(a: list[str], b: list[str], trace: list[dict[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    x, y = len(a), len(b)
    for edits in range(len(trace) - 1, -1, -1):
        reach, k = trace[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        before = k + 1 if down else k - 1
        from_x = reach[before]
        from_y = from_x - before
        while x > max(from_x, 0) and y > max(from_y, 0):
            x, y = x - 1, y - 1
            found.append((x, y))
        if edits:
            x, y = from_x, from_y
    return found[::-1]


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    """A unified diff of two texts, without its head."""
    groups: list[list[_Block]] = []
    for block in _blocks(old, new):
        if groups and block.old - groups[-1][-1].old_end <= 2 * CONTEXT:
            groups[-1].append(block)
        else:
            groups.append([block])
    for group in groups:
        before = min(CONTEXT, group[0].old)
        after = min(CONTEXT, len(old) - group[-1].old_end)
        first, last = group[0], group[-1]
        yield (
            f"@@ -{first.old - before + 1},{last.old_end - first.old + before + after}"
            f" +{first.new - before + 1},{last.new_end - first.new + before + after} @@"
        )
        at = first.old - before
        for block in group:
            yield from (f" {line}" for line in old[at : block.old])
            yield from (f"-{line}" for line in old[block.old : block.old_end])
            yield from (f"+{line}" for line in new[block.new : block.new_end])
            at = block.old_end
        yield from (f" {line}" for line in old[at : at + after])
