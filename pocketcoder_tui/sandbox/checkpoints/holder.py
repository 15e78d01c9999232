"""What may stand of the files that the host runs, and how the rest goes and comes back. Blocking.

Everything is compared with the last state that may stand (``accepted``), not with an action's own
checkpoint: what was put back, or allowed, in between is no change any more.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from pocketcoder_tui.core.holding import Hold, Placed
from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.holding import (
    Guarded,
    Harmless,
    described,
    find,
    item_at,
    keep,
    kept,
    merged,
    offered,
    reversed_,
    sort_out,
)
from pocketcoder_tui.sandbox.checkpoints.objects import Item
from pocketcoder_tui.sandbox.checkpoints.restoring import Kept, Restorer
from pocketcoder_tui.sandbox.checkpoints.store import Batch, Store, explained
from pocketcoder_tui.sandbox.checkpoints.walking import Left, Walker

__all__ = ["Holder"]

_CANNOT = "A change of files that your machine runs cannot be put back"
_MOVED = "{} is not as it was when this was held, so nothing was put in place."


class Holder:
    """Owns nothing but what it remembers of one workspace."""

    def __init__(
        self,
        workspace: Path,
        store: Store,
        walker: Walker,
        guarded: Guarded,
        harmless: Harmless,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._walker = walker
        self._guarded = guarded
        self._harmless = harmless
        self.accepted = b""
        """The last tree in which everything may stand; empty before the first."""
        self._unkept: frozenset[bytes] = frozenset()
        self._granted: dict[bytes, Item | None] = {}

    def accept(self, tree: bytes, left: Sequence[Left]) -> None:
        """All that is in a tree may stand."""
        self.accepted = tree
        self._unkept = frozenset(os.fsencode(one.path) for one in left)
        self._granted.clear()

    def grant(self, changes: Sequence[Change]) -> None:
        """What is at these paths now may stand, whatever else changed."""
        self._granted |= {change.path: change.new for change in changes}

    def find(self, now: bytes, covered: Collection[str]) -> list[Change]:
        """What differs from what may stand and is covered by no decision."""
        if not self.accepted or self.accepted == now:
            return []
        return find(
            self._store,
            self.accepted,
            now,
            guarded=self._guarded,
            harmless=self._harmless,
            covered=covered,
            granted=self._granted,
            unkept=self._unkept,
        )

    def keep(
        self, batch: Batch, changes: Sequence[Change], onto: str
    ) -> tuple[bytes, list[Change]]:
        """Write a hold, joined with one that waits already. The batch is to be finished."""
        whole = list(changes)
        if onto:
            whole = merged(kept(self._store, bytes.fromhex(onto)), changes)
        return keep(batch, whole), whole

    def described(self, tree: bytes, changes: Sequence[Change]) -> Hold:
        """What a person is shown."""
        return described(self._store, tree, changes, self._guarded)

    def put_back(self, tree: str, now: bytes, left: Sequence[Left], look: "Look") -> Placed:
        """Bring back what was there before; what does not fit changed once more and is found so."""
        todo, _ = sort_out(self._store, now, reversed_(kept(self._store, bytes.fromhex(tree))))
        said = self._apply(todo, left, aside=f".held-{tree[:8]}")
        if said:
            after = look()
            stuck = [
                Change(change.path, change.new, change.old)
                for change in todo
                if item_at(self._store, after, change.path) == change.old
            ]
            self.grant(stuck)
        return Placed(tuple(said))

    def place(self, tree: str, now: bytes, left: Sequence[Left]) -> Placed:
        """Put in place what was held: all of it, or nothing when one path is another by now."""
        changes = offered(kept(self._store, bytes.fromhex(tree)))
        todo, other = sort_out(self._store, now, changes)
        paths = {change.path for change in changes}
        hindered = [one.path for one in left if os.fsencode(one.path) in paths]
        gone = [c.path for c in todo if c.new is not None and not self._has_parent(now, c, todo)]
        wrong = [*map(os.fsdecode, [*(c.path for c in other), *gone]), *hindered]
        if wrong:
            return Placed(tuple(_MOVED.format(path) for path in dict.fromkeys(wrong)))
        self.grant(changes)
        return Placed(tuple(self._apply(todo, left, aside=f".held-{tree[:8]}")))

    def _has_parent(self, now: bytes, change: Change, todo: Sequence[Change]) -> bool:
        parent = change.path.rpartition(b"/")[0]
        if not parent or any(c.path == parent and c.new is not None for c in todo):
            return True
        item = item_at(self._store, now, parent)
        return item is not None and item.is_folder

    def _apply(self, changes: Sequence[Change], left: Sequence[Left], aside: str) -> list[str]:
        nothing: Mapping[bytes, str] = {}
        if not changes:
            return []
        restorer = Restorer(self._workspace, self._store, self._walker, aside)
        with explained(_CANNOT):
            restorer.apply(changes, Kept(nothing, {os.fsencode(x.path): x.why for x in left}))
        return restorer.left


Look = Callable[[], bytes]
