"""The workspace looked at before its box is made: what is to be hidden, and which repositories.

One bounded walk that follows no link. Whoever can write in the workspace chooses its shape, so
what cannot be looked at is hidden as a whole, and what goes beyond a limit makes no box: else a
folder that is closed, very deep or very full would bring a secret past the walk.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.hiding import Hiding, Holds, is_public
from pocketcoder_tui.sandbox.checkpoints.folders import GIT, enter, entered, open_file, open_root

__all__ = ["Hidden", "Survey", "survey"]

DEPTH = 100
"""Folders within folders that are looked into; a deeper one is hidden."""
ENTRIES = 2_000_000
"""Files, links and folders that are looked at."""
MOST = 400
"""Files and folders that are hidden; each is a mount."""
REPOSITORIES = 200
"""Nested repositories that are kept from changes; what is done to the others is named."""
_KEY = 1 << 20
"""Bytes of a file that may be a public key; a larger one is none."""
_INSIDE = "/workspace/"
_NESTED = 6
"""Folders within git's own folder for submodules."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file or a folder that the agent is not to see."""

    path: str
    """Below the workspace."""
    folder: bool = False


@dataclass(slots=True)
class Survey:
    """What was found."""

    hidden: tuple[Hidden, ...] = ()
    guards: tuple[str, ...] = ()
    """Settings and hooks of nested repositories, by their paths; the workspace's own has its own
    mounts (flags.git_mounts)."""
    unguarded: int = 0
    """Nested repositories beyond the limit."""


@dataclass(slots=True)
class _Walk:
    workspace: Path
    root: int
    hiding: Hiding | None
    entries: int = 0
    hidden: dict[str, bool] = field(default_factory=dict)
    """Paths, and whether each is a folder."""
    numbers: set[tuple[int, int]] = field(default_factory=set)
    """Of hidden files that have further names."""
    names: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    """Files with several names."""
    links: list[str] = field(default_factory=list)
    """Links with a name that is hidden."""
    guards: list[str] = field(default_factory=list)
    repositories: int = 0


def survey(workspace: Path, hiding: Hiding | None) -> Survey:
    """Look at a workspace; without ``hiding`` at its repositories alone. Blocking.

    Raises SandboxError when it cannot be looked at whole, or when too much would be hidden.
    """
    try:
        root = open_root(workspace)
    except OSError as error:
        raise SandboxError(f"{workspace} cannot be opened: {error.strerror}.") from error
    try:
        walk = _Walk(workspace, root, hiding)
        _look(walk, root, "", 0)
        _follow_names(walk)
    finally:
        os.close(root)
    for path in (*walk.hidden, *walk.guards):
        _require_mountable(path)
    if len(walk.hidden) > MOST:
        raise SandboxError(
            f"More than {MOST} files and folders of the workspace would be hidden, "
            f"for example {', '.join(sorted(walk.hidden)[:3])}.",
            hint="POCKETCODER_SHOW_FILES=PATTERN shows some; a folder can be hidden as a whole.",
        )
    hidden = tuple(Hidden(path, walk.hidden[path]) for path in sorted(walk.hidden))
    return Survey(hidden, tuple(sorted(walk.guards)), max(0, walk.repositories - REPOSITORIES))


def _look(walk: _Walk, fd: int, path: str, depth: int) -> None:
    with os.scandir(fd) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        walk.entries += 1
        if walk.entries > ENTRIES:
            raise SandboxError(
                f"The workspace holds more than {ENTRIES:,} files, so not every secret is found.",
                hint="Work in a smaller folder, or set POCKETCODER_HIDE_SECRETS=false.",
            )
        here = f"{path}{entry.name}"
        if entry.name == GIT:
            _repository(walk, fd, path)
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(facts.st_mode):
            _folder(walk, fd, entry.name, here, depth)
        elif walk.hiding is not None:
            _file(walk, walk.hiding, fd, here, facts)


def _folder(walk: _Walk, fd: int, name: str, here: str, depth: int) -> None:
    if walk.hiding is not None and walk.hiding.of_folder(here):
        walk.hidden[here] = True
        return
    try:
        inside = enter(name, fd) if depth < DEPTH else None
    except PermissionError:
        inside = None
    except OSError:  # gone, or a link by now
        return
    if inside is None:
        if walk.hiding is not None:
            walk.hidden[here] = True
        return
    try:
        _look(walk, inside, f"{here}/", depth + 1)
    except PermissionError:
        if walk.hiding is not None:
            walk.hidden[here] = True
    finally:
        os.close(inside)


def _file(walk: _Walk, hiding: Hiding, fd: int, here: str, facts: os.stat_result) -> None:
    number = facts.st_dev, facts.st_ino
    regular = stat.S_ISREG(facts.st_mode)
    if regular and facts.st_nlink > 1:
        walk.names.setdefault(number, []).append(here)
    holds = hiding.of_file(here)
    if holds is Holds.NOTHING:
        return
    if stat.S_ISLNK(facts.st_mode):
        walk.links.append(here)
    elif regular and (holds is Holds.SECRET or not _reads_public(os.path.basename(here), fd)):
        walk.hidden[here] = False
        if facts.st_nlink > 1:
            walk.numbers.add(number)


def _reads_public(name: str, fd: int) -> bool:
    """Whether a file that may be a key is plainly a public one; what cannot be read is not."""
    try:
        file = open_file(name, fd)
    except OSError:
        return False
    try:
        content = os.read(file, _KEY + 1)
        return len(content) <= _KEY and is_public(content)
    except OSError:
        return False
    finally:
        os.close(file)


def _follow_names(walk: _Walk) -> None:
    """Hide what is hidden under its other names too: where links lead, and hard links."""
    for link in walk.links:
        path = _target(walk, link)
        if path and path not in walk.hidden and (facts := _regular(walk, path)) is not None:
            walk.hidden[path] = False
            walk.numbers.add((facts.st_dev, facts.st_ino))
    for number in walk.numbers:
        walk.hidden |= dict.fromkeys(walk.names.get(number, ()), False)


def _target(walk: _Walk, link: str) -> str:
    """Where a link leads, as the box sees it, below the workspace; empty when elsewhere.

    By its letters and those of other links alone: nothing is opened.
    """
    try:
        said = os.readlink(link, dir_fd=walk.root)
    except OSError:
        return ""
    place = os.path.join(walk.workspace, os.path.dirname(link), said)
    if said.startswith(_INSIDE):
        place = os.path.join(walk.workspace, said.removeprefix(_INSIDE))
    found = os.path.relpath(os.path.realpath(place), os.path.realpath(walk.workspace))
    parts = found.split("/")
    return "" if parts[0] in ("..", ".") or GIT in parts else found


def _regular(walk: _Walk, path: str) -> os.stat_result | None:
    """What is known of a regular file on whose way there is no link; None for anything else."""
    *folders, name = os.fsencode(path).split(b"/")
    try:
        with entered(walk.root, folders) as fd:
            facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return None
    return facts if stat.S_ISREG(facts.st_mode) else None


def _require_mountable(path: str) -> None:
    """Docker takes UTF-8 only (Engine API, Mount)."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise SandboxError(
            f"{shown} is to be kept from the agent, and its name is not valid UTF-8.",
            hint="Rename the file, or the folder on its way.",
        ) from None


# --- repositories


def _repository(walk: _Walk, fd: int, path: str) -> None:
    """Note the settings and hooks of a repository, and of all that is kept inside it."""
    if path:
        walk.repositories += 1
    if walk.repositories > REPOSITORIES:
        return
    try:
        facts = os.stat(GIT, dir_fd=fd, follow_symlinks=False)
        if stat.S_ISREG(facts.st_mode):
            walk.guards += [f"{path}{GIT}"] if path else []
            return
        git = enter(GIT, fd)
    except OSError:  # a link, which is named when it appears
        return
    try:
        if path:
            walk.guards += _obeyed(git, f"{path}{GIT}")
        for kind in ("modules", "worktrees"):
            walk.guards += _inner(git, kind, f"{path}{GIT}/{kind}", 0)
    finally:
        os.close(git)


def _inner(parent: int, name: str, path: str, depth: int) -> Iterator[str]:
    """Of git's folders for submodules and worktrees, whose names may have several parts."""
    if depth > _NESTED:
        return
    try:
        fd = enter(name, parent)
    except OSError:
        return
    try:
        names = sorted(os.listdir(fd))
        if depth and "HEAD" in names:
            yield from _obeyed(fd, path)
            names = [name for name in names if name == "modules"]
        for inner in names[:REPOSITORIES]:
            yield from _inner(fd, inner, f"{path}/{inner}", depth + 1)
    except OSError:
        return
    finally:
        os.close(fd)


def _obeyed(git: int, path: str) -> Iterator[str]:
    """What git on the host runs or takes its settings from (gitrepository-layout(5))."""
    for name in ("config", "config.worktree", "commondir", "hooks"):
        try:
            mode = os.stat(name, dir_fd=git, follow_symlinks=False).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) or (name == "hooks" and stat.S_ISDIR(mode)):
            yield f"{path}/{name}"
