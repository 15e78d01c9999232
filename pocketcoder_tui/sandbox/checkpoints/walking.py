"""From a workspace to a tree: every folder looked at, only what changed read.

What is known of a file is its stamp (folders.Stamp) and the id of its content. A file with the same
stamp is not read again, unless it changed so shortly before it was read that a second change could
have the same moment. The walk takes a workspace as it comes: what vanishes or turns into something
else meanwhile is taken as it is at the next look, and what cannot be kept is named with its reason.
"""

import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.sandbox.checkpoints.folders import (
    GIT,
    Stamp,
    enter,
    open_file,
    open_root,
    stamp_of,
)
from pocketcoder_tui.sandbox.checkpoints.gitfiles import git_marks
from pocketcoder_tui.sandbox.checkpoints.objects import BLOB, TREE, Item, encode_tree
from pocketcoder_tui.sandbox.checkpoints.store import Batch

__all__ = ["Known", "Left", "Limits", "Node", "Stopped", "Walker", "Why"]

DEPTH = 120
"""Folders within folders; each level holds a file open."""
_TRIES = 3
"""How often a file is read that changes while it is read."""
_TICK = 40_000_000
"""Nanoseconds within which two changes may have one moment: four ticks of a 100 Hz kernel."""
_COARSE = 2_000_000_000
"""The same for a file system that knows whole seconds only."""
_PIECE = 1 << 20
_GONE = (errno.ENOENT, errno.EINVAL)
"""What is said of a file that is gone, and of a link that is another thing by now."""
_OTHER = (errno.ELOOP, errno.ENXIO)
"""What is said of a file that is a link or a socket by now."""
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What says something of this process or of the store, and nothing of the file."""


class Why:
    """Why something is not kept."""

    SPECIAL = "it is a pipe, a socket or a device"
    LARGE = "it is larger than POCKETCODER_CHECKPOINT_FILE"
    UNREADABLE = "it cannot be read"
    DEEP = "it is too deep in folders"
    ELSEWHERE = "another file system is mounted there"
    RESTLESS = "it did not hold still"


class Stopped(Exception):
    """Somebody asked for the walk to end."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that is not kept."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a checkpoint may take."""

    file: int = 64 << 20
    """Bytes of one file."""
    space: int = 2 << 30
    """Bytes of the store."""
    entries: int = 300_000
    """Files, links and folders."""


Known = tuple[Stamp, bytes, bool]
"""A file's stamp, the id of its content, and whether the stamp alone tells that it is the same."""


@dataclass(slots=True)
class Node:
    """What is known of a folder."""

    mode: int = 0o40755
    files: dict[str, Known] = field(default_factory=dict)
    """Files and links."""
    folders: dict[str, "Node"] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """What is not kept, and why."""
    id: bytes = b""
    """The folder's tree; empty when it has to be written."""
    git: dict[str, Stamp] = field(default_factory=dict)
    """What matters to the host in a repository here (gitfiles); not part of the tree."""

    def items(self) -> dict[bytes, Item]:
        """The folder as a tree."""
        items = {os.fsencode(name): Item(k[0][0], k[1]) for name, k in self.files.items()}
        for name, node in self.folders.items():
            items[os.fsencode(name)] = Item(node.mode, node.id)
        return items


class Walker:
    """Walks one folder, again and again. Owns what is known of it."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        stop: threading.Event | None = None,
        *,
        git: bool = False,
    ) -> None:
        """``git``: walk through git's own folders as through any other."""
        self._git = git
        self._folder = folder
        self._limits = limits
        self._stop = stop or threading.Event()
        self.root = Node()
        self.entries = 0
        """Seen in the last walk."""
        self.read = 0
        """Files that were read in the last walk."""
        self._device = 0
        self._batch: Batch

    def walk(self, batch: Batch) -> tuple[bytes, list[Left]]:
        """Look at everything; returns the tree and what is not kept.

        Raises OSError, CheckpointError or Stopped; then what is known is forgotten, because it may
        name content that was never stored.
        """
        self.entries = self.read = 0
        self._batch = batch
        try:
            fd = open_root(self._folder)
            try:
                self._device = os.fstat(fd).st_dev
                self._look(fd, self.root, 0)
            finally:
                os.close(fd)
        except BaseException:
            self.root = Node()
            raise
        return self.root.id, list(_left(self.root, ""))

    def git(self) -> dict[str, Stamp]:
        """What matters to the host in the repositories that the last walk saw, by path."""
        return dict(_git(self.root, ""))

    def known(self, path: bytes) -> Known | None:
        """What is known of a file, by its path."""
        *folders, name = os.fsdecode(path).split("/")
        node: Node | None = self.root
        for part in folders:
            node = node.folders.get(part) if node is not None else None
        return node.files.get(name) if node is not None else None

    def _look(self, fd: int, node: Node, depth: int) -> None:
        """Bring one folder, and all below it, up to date."""
        if self._stop.is_set():
            raise Stopped
        files: dict[str, Known] = {}
        left: dict[str, str] = {}
        below: list[str] = []
        git: dict[str, Stamp] = {}
        known = node.files
        with os.scandir(fd) as found:
            for entry in found:
                name = entry.name
                if name == GIT and not self._git:
                    git = git_marks(fd)
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                self._count()
                kind = stat.S_IFMT(facts.st_mode)
                if kind == stat.S_IFDIR:
                    below.append(name)
                elif kind in (stat.S_IFREG, stat.S_IFLNK):
                    before = known.get(name)
                    if before is not None and before[2] and before[0] == stamp_of(facts):
                        files[name] = before
                    else:
                        self._take(fd, name, facts, files, left)
                else:
                    left[name] = Why.SPECIAL
        folders = self._below(fd, node, depth, below, left)
        if not node.id or _differ(node, files, folders):
            node.id = b""
        node.files, node.folders, node.left, node.git = files, folders, left, git
        if not node.id:
            node.id = self._batch.add(TREE, encode_tree(node.items()))

    def _count(self) -> None:
        self.entries += 1
        if self.entries > self._limits.entries:
            raise CheckpointError(
                f"The workspace holds more than {self._limits.entries:,} files.",
                hint="Work in a smaller folder, or without checkpoints (POCKETCODER_CHECKPOINTS).",
            )

    def _below(
        self,
        fd: int,
        node: Node,
        depth: int,
        names: list[str],
        left: dict[str, str],
    ) -> dict[str, Node]:
        folders: dict[str, Node] = {}
        for name in names:
            if depth >= DEPTH:
                left[name] = Why.DEEP
                continue
            try:
                inside = enter(name, fd)
            except PermissionError:
                left[name] = Why.UNREADABLE
                continue
            except OSError:  # gone, or a link now: the next look sees what it is
                continue
            try:
                facts = os.fstat(inside)
                if facts.st_dev != self._device:
                    left[name] = Why.ELSEWHERE
                    continue
                child = node.folders.get(name) or Node()
                before = child.id, child.mode
                child.mode = facts.st_mode
                self._look(inside, child, depth + 1)
                if before != (child.id, child.mode):
                    node.id = b""
                folders[name] = child
            except PermissionError:
                left[name] = Why.UNREADABLE
            finally:
                os.close(inside)
        return folders

    def _take(
        self,
        fd: int,
        name: str,
        facts: os.stat_result,
        files: dict[str, Known],
        left: dict[str, str],
    ) -> None:
        """Read a file or a link that is not known as it is."""
        if self._stop.is_set():
            raise Stopped
        self.read += 1
        try:
            if stat.S_ISLNK(facts.st_mode):
                files[name] = _link(fd, name, facts, self._batch)
                return
            read = self._content(fd, name)
        except OSError as error:
            if error.errno in _OURS:
                raise
            if error.errno not in _GONE:
                left[name] = Why.RESTLESS if error.errno in _OTHER else Why.UNREADABLE
            return
        if isinstance(read, str):
            left[name] = read
            return
        stamp, content, sure = read
        files[name] = (stamp, self._batch.add(BLOB, content), sure)

    def _content(self, fd: int, name: str) -> tuple[Stamp, bytes, bool] | str:
        """A file's stamp, its content, and whether both belong together; or why it is not kept.

        Raises OSError.
        """
        limit = self._limits.file
        file = open_file(name, fd)
        try:
            content: bytes | None = None
            for _ in range(_TRIES):
                facts, now = os.fstat(file), time.time_ns()
                if not stat.S_ISREG(facts.st_mode):
                    return Why.SPECIAL
                if facts.st_size > limit:
                    return Why.LARGE
                if (content := _read(file, limit)) is None:
                    return Why.LARGE
                after = os.fstat(file)
                same = stamp_of(after) == stamp_of(facts) and len(content) == facts.st_size
                if same:
                    break
            assert content is not None  # there is one try at least
            return stamp_of(facts), content, same and now - facts.st_ctime_ns > _grain(facts)
        finally:
            os.close(file)


def _link(fd: int, name: str, facts: os.stat_result, batch: Batch) -> Known:
    """Where a link leads. Raises OSError, EINVAL when it is no link any more."""
    now = time.time_ns()
    id_ = batch.add(BLOB, os.fsencode(os.readlink(name, dir_fd=fd)))
    stamp = stamp_of(os.stat(name, dir_fd=fd, follow_symlinks=False))
    sure = stamp == stamp_of(facts) and now - facts.st_ctime_ns > _grain(facts)
    return stamp_of(facts), id_, sure


def _read(file: int, limit: int) -> bytes | None:
    """All of a file; None when it is beyond the limit by now. Raises OSError."""
    os.lseek(file, 0, os.SEEK_SET)
    content = bytearray()
    while piece := os.read(file, _PIECE):
        content += piece
        if len(content) > limit:
            return None
    return bytes(content)


def _grain(facts: os.stat_result) -> int:
    """Nanoseconds within which this file system may give two changes one moment."""
    return _TICK if facts.st_ctime_ns % 1_000_000_000 else _COARSE


def _differ(node: Node, files: dict[str, Known], folders: dict[str, Node]) -> bool:
    """Whether a folder's tree is another one now; what is below says so by itself."""
    if node.folders.keys() != folders.keys() or node.files.keys() != files.keys():
        return True
    before = node.files
    for name, known in files.items():
        was = before[name]
        if was is not known and (was[1] != known[1] or was[0][0] != known[0][0]):
            return True
    return False


def _git(node: Node, path: str) -> Iterator[tuple[str, Stamp]]:
    for name, mark in node.git.items():
        yield f"{path}{name}", mark
    for name, child in node.folders.items():
        yield from _git(child, f"{path}{name}/")


def _left(node: Node, path: str) -> "list[Left]":
    found = [Left(f"{path}{name}", why) for name, why in node.left.items()]
    for name, child in node.folders.items():
        found += _left(child, f"{path}{name}/")
    return found
