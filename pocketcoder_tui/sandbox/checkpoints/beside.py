"""What no tree holds and the host may run: files of git, and what could not be kept."""

from collections.abc import Callable, Iterable

from pocketcoder_tui.sandbox.checkpoints.folders import Stamp
from pocketcoder_tui.sandbox.checkpoints.walking import Left, Walker

__all__ = ["Beside"]

REMEMBERED = 64
"""Checkpoints for which it is remembered, in memory alone."""

Marks = dict[str, Stamp | str]


class Beside:
    """Remembers, by the trees of the last checkpoints, what was beside them."""

    def __init__(self, guarded: Callable[[str], str]) -> None:
        """``guarded`` says why a path matters to the host, empty when it does not."""
        self._guarded = guarded
        self._known: dict[str, Marks] = {}

    def remember(self, tree: str, walker: Walker, left: Iterable[Left]) -> None:
        """What is there now belongs to this tree."""
        self._known.pop(tree, None)
        self._known[tree] = _marks(walker, left)
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def changed(self, tree: str, walker: Walker, left: Iterable[Left]) -> list[str]:
        """A sentence for each change since that tree; none for a tree of an earlier process."""
        before = self._known.get(tree)
        if before is None:
            return []
        now = _marks(walker, left)
        paths = sorted(p for p in before.keys() | now.keys() if before.get(p) != now.get(p))
        return [f"{path}: {why}." for path in paths if (why := self._guarded(path))]


def _marks(walker: Walker, left: Iterable[Left]) -> Marks:
    git: Marks = dict(walker.git())
    return git | {one.path: one.why for one in left}
