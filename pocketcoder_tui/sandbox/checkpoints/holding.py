"""Changes of files that the host runs: found, kept, taken back, and put in place when allowed.

A hold keeps both sides of every change in a tree of its own, under names that are numbers, and the
paths in a list beside them. So it outlives a crash, and nothing in it depends on other checkpoints.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from pocketcoder_tui.core.checkpoints import How
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.core.holding import MOST_HELD, HeldFile, Hold
from pocketcoder_tui.sandbox.checkpoints.difference import (
    Change,
    changes_between,
    counts,
    summary_of,
    text_of,
)
from pocketcoder_tui.sandbox.checkpoints.objects import (
    BLOB,
    EMPTY_TREE,
    TREE,
    Item,
    Items,
    encode_tree,
)
from pocketcoder_tui.sandbox.checkpoints.store import Batch, Store

__all__ = [
    "described",
    "find",
    "item_at",
    "keep",
    "kept",
    "merged",
    "offered",
    "reversed_",
    "sort_out",
]

_LIST = b"changes"
_PLAIN = 0o100600

Guarded = Callable[[str], str]
Harmless = Callable[[str, bytes, bytes], bool]


def find(
    store: Store,
    old: bytes,
    new: bytes,
    *,
    guarded: Guarded,
    harmless: Harmless,
    covered: Collection[str],
    granted: Mapping[bytes, Item | None],
    unkept: Collection[bytes],
) -> list[Change]:
    """The changes of guarded files that no decision covers, with the folders that they need.

    ``covered``: paths that a decision named. ``granted``: what may be at a path all the same.
    ``unkept``: paths that the old tree could not keep; what is there must not be taken away.
    Raises CheckpointError.
    """
    every = [_by_mode(change) for change in changes_between(store, old, new)]
    named = {os.fsencode(path) for path in covered}
    held: set[bytes] = set()
    stands: set[bytes] = set()
    for change in every:
        if _is_folder_only(change) and not counts(store, change):
            continue
        open_ = not guarded(os.fsdecode(change.path))
        open_ = open_ or _may_stand(change, named, granted, unkept)
        found = stands if open_ or _harmless(store, change, harmless) else held
        found.add(change.path)
    return [c for c in every if c.path in held or _needed(c, held, stands, guarded)]


def _by_mode(change: Change) -> Change:
    """A folder that stays one differs by its permissions alone; what is in it speaks for itself."""
    if change.old is None or change.new is None or not _is_folder_only(change):
        return change
    return Change(change.path, Item(change.old.mode, EMPTY_TREE), Item(change.new.mode, EMPTY_TREE))


def _may_stand(
    change: Change,
    named: Collection[bytes],
    granted: Mapping[bytes, Item | None],
    unkept: Collection[bytes],
) -> bool:
    path = change.path
    if path in named or any(one in unkept for one in _with_parents(path)):
        return True
    if path in granted and granted[path] == change.new:
        return True
    return change.new is None and any(one in named for one in _with_parents(path))


def _harmless(store: Store, change: Change, harmless: Harmless) -> bool:
    if change.how is not How.CHANGED or change.old is None or change.new is None:
        return False
    if change.old.is_link or change.old.mode != change.new.mode:
        return False
    path = os.fsdecode(change.path)
    return harmless(path, store.blob(change.old.id), store.blob(change.new.id))


def _is_folder_only(change: Change) -> bool:
    return all(item is None or item.is_folder for item in (change.old, change.new))


def _needed(
    change: Change, held: Collection[bytes], stands: Collection[bytes], guarded: Guarded
) -> bool:
    """Whether a folder has to come back with what was in it, or goes because nothing else is."""
    if not _is_folder_only(change) or change.path in stands:
        return False
    below = change.path + b"/"
    any_held = any(path.startswith(below) for path in held)
    if change.how is How.REMOVED:
        return any_held
    if change.how is not How.ADDED or not guarded(os.fsdecode(change.path)):
        return False
    return any_held and not any(path.startswith(below) for path in stands)


def merged(earlier: Sequence[Change], later: Sequence[Change]) -> list[Change]:
    """What waited already, with what came since: each path once, as it was before both."""
    found = {change.path: change for change in earlier}
    for change in later:
        before = found.get(change.path)
        old = before.old if before is not None else change.old
        found[change.path] = Change(change.path, old, change.new)
    return [found[path] for path in sorted(found) if found[path].old != found[path].new]


def keep(batch: Batch, changes: Sequence[Change]) -> bytes:
    """Write both sides of the changes; returns the tree. The batch is to be finished after it."""
    items: Items = {}
    listed: list[object] = []
    for number, change in enumerate(changes):
        listed.append([change.path.hex(), _side(change.old), _side(change.new)])
        for name, item in (("was", change.old), ("is", change.new)):
            if item is not None and not item.is_folder:
                items[f"{number}.{name}".encode("ascii")] = Item(_PLAIN, item.id)
    text = json.dumps(listed).encode("ascii")
    items[_LIST] = Item(_PLAIN, batch.add(BLOB, text))
    return batch.add(TREE, encode_tree(items))


def kept(store: Store, tree: bytes) -> list[Change]:
    """Read them back. Raises CheckpointError."""
    item = store.tree(tree).get(_LIST)
    if item is None:
        raise CheckpointError("What was held is not kept any more.")
    try:
        listed = json.loads(store.blob(item.id))
        return [Change(bytes.fromhex(p), _item(old), _item(new)) for p, old, new in listed]
    except (ValueError, TypeError) as error:
        raise CheckpointError("What was held cannot be read.") from error


def _side(item: Item | None) -> list[object] | None:
    if item is None:
        return None
    return [item.mode, "" if item.is_folder else item.id.hex()]


def _item(side: list[object] | None) -> Item | None:
    if side is None:
        return None
    mode, id_ = side
    return Item(int(str(mode)), bytes.fromhex(str(id_)) if id_ else EMPTY_TREE)


def offered(changes: Sequence[Change]) -> list[Change]:
    """Those that can be put in place; folders beside."""
    files = 0
    found = []
    for change in changes:
        files += not _is_folder_only(change)
        if files > MOST_HELD:
            break
        found.append(change)
    return found


def described(store: Store, tree: bytes, changes: Sequence[Change], guarded: Guarded) -> Hold:
    """What a person is shown of a hold. Raises CheckpointError."""
    shown = [c for c in offered(changes) if not _is_folder_only(c) or guarded_folder(c, guarded)]
    files = tuple(HeldFile(_shown(c.path), guarded(os.fsdecode(c.path)), c.how) for c in shown)
    total = summary_of(store, (c for c in shown if not _is_folder_only(c)))
    beyond = len(changes) - len(offered(changes))
    return Hold(tree.hex(), files, beyond, text_of(store, shown), total.added, total.removed)


def guarded_folder(change: Change, guarded: Guarded) -> bool:
    """A folder that is shown by itself: another one's permissions, or an empty one."""
    return change.how is How.MODE and bool(guarded(os.fsdecode(change.path)))


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def reversed_(changes: Iterable[Change]) -> list[Change]:
    """The way back."""
    return [Change(change.path, change.new, change.old) for change in changes]


def item_at(store: Store, tree: bytes, path: bytes) -> Item | None:
    """What a tree has at a path. Raises CheckpointError."""
    item: Item | None = Item(0o40755, tree)
    for name in path.split(b"/"):
        if item is None or not item.is_folder:
            return None
        item = store.tree(item.id).get(name)
    return item


def sort_out(
    store: Store, now: bytes, changes: Iterable[Change]
) -> tuple[list[Change], list[Change]]:
    """The changes that can be applied to a tree, and those that do not fit; done ones are neither.

    Folders fit when they are there, or not, as the change wants it. Raises CheckpointError.
    """
    todo, other = [], []
    for change in changes:
        there = item_at(store, now, change.path)
        if _same(there, change.old):
            todo.append(change)
        elif not _same(there, change.new):
            other.append(change)
    return todo, other


def _same(there: Item | None, item: Item | None) -> bool:
    if there is None or item is None:
        return there is item
    if there.is_folder and item.is_folder:
        return there.mode == item.mode
    return there == item


def _with_parents(path: bytes) -> Iterable[bytes]:
    parts = path.split(b"/")
    return (b"/".join(parts[:length]) for length in range(1, len(parts) + 1))
