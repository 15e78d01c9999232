"""Which checkpoints go, and what of the store goes with them."""

from collections.abc import Iterable

from pocketcoder_tui.core.checkpoints import Checkpoint
from pocketcoder_tui.sandbox.checkpoints.objects import EMPTY_TREE
from pocketcoder_tui.sandbox.checkpoints.store import Store

__all__ = ["MANY_PACKS", "prune", "reachable"]

MANY_PACKS = 200
"""Packs after which the small ones are joined."""
WORTH = 0.25
"""Part of the store that must be free afterwards for old content to be dropped."""


def prune(
    store: Store,
    entries: list[Checkpoint],
    kept: list[Checkpoint],
    *,
    space: int,
    roots: Iterable[bytes],
    forget: bool = False,
) -> list[Checkpoint]:
    """Keep ``kept``, fewer where they take more than ``space`` bytes; the newest always stays.

    ``roots`` are trees that are in use now, or empty. With ``forget`` what is not kept is not there
    any more afterwards; without, it goes once it is worth the work. The list is written before
    anything is dropped, so a crash leaves content that nobody names, never a name without content.
    Raises OSError, CheckpointError.
    """
    in_use = [root for root in roots if root]
    if not kept and entries:
        kept = entries[-1:]  # its number is not to be used again
    if len(kept) < len(entries):
        store.log.replace(kept)
        _drop(store, kept, in_use, at_least=0.0 if forget else WORTH)
    while store.size > space and len(kept) > 1:
        kept = kept[(len(kept) + 1) // 2 :]
        store.log.replace(kept)
        _drop(store, kept, in_use, at_least=0.0)
    if store.packs > MANY_PACKS:
        store.join_small()
    return kept


def _drop(
    store: Store, entries: Iterable[Checkpoint], roots: Iterable[bytes], *, at_least: float
) -> None:
    """Drop what nothing names, if that is this part of the store or more."""
    wanted = set[bytes]()
    for entry in entries:
        reachable(store, bytes.fromhex(entry.tree), wanted)
        if entry.left:
            wanted.add(bytes.fromhex(entry.left))
    for root in roots:
        reachable(store, root, wanted)
    wanted.discard(EMPTY_TREE)
    size = store.size
    if size - store.weight(wanted) > size * at_least:
        store.compact(wanted)


def reachable(store: Store, tree: bytes, found: set[bytes]) -> None:
    """Add a tree, and all that is in it, to what was found."""
    pending = [tree]
    while pending:
        id_ = pending.pop()
        if id_ in found:
            continue
        found.add(id_)
        for item in store.tree(id_).values():
            if item.is_folder:
                pending.append(item.id)
            else:
                found.add(item.id)
