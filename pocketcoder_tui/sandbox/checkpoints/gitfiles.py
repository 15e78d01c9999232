"""What git on the host runs or obeys in a repository: looked at by stamps, never read, never kept.

Checkpoints leave every ``.git`` alone; a hook that appears in one is named all the same. Sources:
githooks(5), git-config(1), gitrepository-layout(5).
"""

import contextlib
import os
import stat
from collections.abc import Iterator

from pocketcoder_tui.sandbox.checkpoints.folders import GIT, Stamp, enter, stamp_of

__all__ = ["git_marks"]

_OBEYED = ("config", "config.worktree", "commondir", "gitdir")
_MOST = 1_000
"""Hooks of one repository that are looked at."""
_NESTED = 4
"""Submodules within submodules that are looked at."""

Marks = dict[str, Stamp]


def git_marks(parent: int) -> Marks:
    """Stamps of what matters in the ``.git`` of an open folder, by their paths below it.

    What vanishes meanwhile, or cannot be looked at, is left out.
    """
    found: Marks = {}
    with contextlib.suppress(OSError):
        facts = os.stat(GIT, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(facts.st_mode):
            return {GIT: stamp_of(facts)}
        with _opened(GIT, parent) as git:
            _look(git, GIT, found, _NESTED)
    return found


def _look(git: int, path: str, found: Marks, nested: int) -> None:
    for name in _OBEYED:
        _mark(name, git, path, found)
    with contextlib.suppress(OSError), _opened("info", git) as info:
        _mark("attributes", info, f"{path}/info", found)
    with contextlib.suppress(OSError):
        facts = os.stat("hooks", dir_fd=git, follow_symlinks=False)
        if not stat.S_ISDIR(facts.st_mode):
            found[f"{path}/hooks"] = stamp_of(facts)
        else:
            _hooks(git, path, found)
    if nested:
        for kind in ("modules", "worktrees"):
            for name, below in _folders(kind, git):
                _look(below, f"{path}/{kind}/{name}", found, nested - 1)


def _hooks(git: int, path: str, found: Marks) -> None:
    """Samples are what git itself puts there, and it does not run them."""
    with _opened("hooks", git) as hooks:
        names = sorted(n for n in os.listdir(hooks) if not n.endswith(".sample"))
        for name in names[:_MOST]:
            _mark(name, hooks, f"{path}/hooks", found)


def _folders(kind: str, git: int) -> Iterator[tuple[str, int]]:
    with contextlib.suppress(OSError), _opened(kind, git) as folder:
        for name in sorted(os.listdir(folder))[:_MOST]:
            with contextlib.suppress(OSError), _opened(name, folder) as below:
                yield name, below


def _mark(name: str, folder: int, path: str, found: Marks) -> None:
    with contextlib.suppress(OSError):
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        found[f"{path}/{name}"] = stamp_of(facts)


@contextlib.contextmanager
def _opened(name: str, parent: int) -> Iterator[int]:
    fd = enter(name, parent)
    try:
        yield fd
    finally:
        os.close(fd)
