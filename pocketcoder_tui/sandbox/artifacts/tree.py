"""A hostile folder, reached one name at a time: no link is followed, no pipe is waited for.

The agent can swap anything in the workspace for anything else between two of our steps. So every
step starts from an open folder (openat(2), O_NOFOLLOW), a file is judged by what was opened, and
only what is a regular file with one name, on the workspace's own file system, is read.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from pocketcoder_tui.core.errors import WorkspaceError
from pocketcoder_tui.sandbox.checkpoints.folders import entered, open_file, open_root
from pocketcoder_tui.sandbox.flags import WORKSPACE

__all__ = ["Kind", "Opened", "Row", "Tree"]

MOST = 10_000
"""Rows of a listing."""
_PIECE = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Kind(StrEnum):
    """What a row of a listing is."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    OTHER = "other"
    """A pipe, a socket or a device."""


@dataclass(frozen=True, slots=True)
class Row:
    """One name in a folder."""

    name: bytes
    """Untrusted, as the file system has it."""
    kind: Kind
    size: int
    """Bytes; 0 for what is no file."""
    changed: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A regular file that is open for reading."""

    fd: int
    name: bytes
    facts: os.stat_result

    def pieces(self, start: int = 0, count: int | None = None) -> Iterator[bytes]:
        """Its bytes from ``start`` on, ``count`` at most; fewer when it was cut meanwhile."""
        left = self.facts.st_size - start if count is None else count
        while left > 0 and (piece := os.pread(self.fd, min(left, _PIECE), start)):
            yield piece
            start, left = start + len(piece), left - len(piece)


class Tree:
    """One workspace. Holds nothing open between calls."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def listing(self, path: bytes = b"") -> list[Row]:
        """What is in a folder, by name, the first of it. Raises WorkspaceError."""
        rows: list[Row] = []
        with self._explained(path), self._folder(_parts(path)) as fd, os.scandir(fd) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    rows.append(_row(os.fsencode(entry.name), facts))
                if len(rows) >= MOST:
                    break
        return sorted(rows, key=lambda row: (row.kind is not Kind.FOLDER, row.name))

    def is_folder(self, path: bytes) -> bool:
        """Whether a path leads to a folder, without a link on the way. Raises WorkspaceError."""
        try:
            with self._folder(_parts(path)):
                return True
        except OSError:
            return False

    @contextmanager
    def opened(self, path: bytes) -> Iterator[Opened]:
        """Open a file. Raises WorkspaceError for what is no plain file of this workspace alone."""
        *folders, name = _parts(path) or [b""]
        with self._explained(path), self._folder(folders) as folder:
            fd = open_file(name, folder)
        try:
            facts = os.fstat(fd)
            self._require_plain(path, facts)
            yield Opened(fd, name, facts)
        finally:
            os.close(fd)

    def put(self, source: BinaryIO, path: bytes, *, replace: bool = False) -> int:
        """Write a file whole or not at all; returns its size in bytes. Raises WorkspaceError.

        It belongs to the workspace's owner. Nothing is replaced unless ``replace``; then what has
        the name is, be it a link, and never what a link leads to.
        """
        *folders, name = _parts(path) or [b""]
        if not name:
            raise WorkspaceError("That names no file.", hint="Name the file: --as notes.txt.")
        temporary = f".pocketcoder-{secrets.token_hex(8)}".encode()
        with self._explained(path), self._folder(folders) as folder:
            fd = os.open(temporary, _NEW, 0o644, dir_fd=folder)
            try:
                size = self._fill(fd, source)
                if replace:
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                else:
                    os.link(
                        temporary,
                        name,
                        src_dir_fd=folder,
                        dst_dir_fd=folder,
                        follow_symlinks=False,
                    )
            finally:
                os.close(fd)
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
        return size

    def _fill(self, fd: int, source: BinaryIO) -> int:
        if os.geteuid() == 0:
            owner = os.stat(self._workspace)
            os.fchown(fd, owner.st_uid, owner.st_gid)
        size = 0
        while piece := source.read(_PIECE):
            view = memoryview(piece)
            while view:
                view = view[os.write(fd, view) :]
            size += len(piece)
        os.fsync(fd)
        return size

    @contextmanager
    def _folder(self, parts: list[bytes]) -> Iterator[int]:
        root = open_root(self._workspace)
        try:
            with entered(root, parts) as fd:
                yield fd
        finally:
            os.close(root)

    def _require_plain(self, path: bytes, facts: os.stat_result) -> None:
        if stat.S_ISDIR(facts.st_mode):
            raise WorkspaceError(f"{_said(path)} is a folder.", hint="Name a file in it.")
        if not stat.S_ISREG(facts.st_mode):
            raise WorkspaceError(f"{_said(path)} is a pipe, a socket or a device.", hint=_NO)
        if facts.st_nlink != 1:
            raise WorkspaceError(
                f"{_said(path)} has another name somewhere (a hard link), which may be elsewhere.",
                hint="Copy it under a new name in the workspace, then fetch that.",
            )
        if facts.st_dev != os.stat(self._workspace).st_dev:
            raise WorkspaceError(f"{_said(path)} is on another file system.", hint=_NO)

    @contextmanager
    def _explained(self, path: bytes) -> Iterator[None]:
        """Turn what the system says into a sentence."""
        try:
            yield
        except OSError as error:
            sentence, hint = _WHY.get(error.errno or 0, ("", ""))
            why = sentence or f"cannot be used: {error.strerror}"
            raise WorkspaceError(f"{_said(path)} {why}.", hint=hint or _NO) from error


_NO = "Look at it in the box: pocketcoder attach."
_WHY = {
    errno.ENOENT: ("is not there", "See what is: pocketcoder files ls."),
    errno.ENOTDIR: ("leads through something that is no folder, or through a link", _NO),
    errno.ELOOP: ("is a link, or leads through one, and links are not followed", _NO),
    errno.ENXIO: ("is a pipe or a socket", _NO),
    errno.EEXIST: ("is there already", "Put it under another name, or replace it: --force."),
    errno.EISDIR: ("is a folder", "Name a file in it."),
    errno.ENOTEMPTY: ("is a folder", "Name a file in it."),
    errno.ENAMETOOLONG: ("has a name that is too long", "Choose a shorter one."),
    errno.EACCES: ("may not be used by you", _NO),
    errno.ENOSPC: ("does not fit: the disk is full", "Make room, then try again."),
}


def _parts(path: bytes) -> list[bytes]:
    """The names in a path below the workspace. Raises WorkspaceError for a way out."""
    inside = WORKSPACE.encode()
    if path == inside or path.startswith(inside + b"/"):
        path = path[len(inside) :]
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if b".." in parts or b"\0" in path:
        raise WorkspaceError(
            f"{_said(path)} leads out of the workspace.", hint="Name a path below it, without “..”."
        )
    return parts


def _row(name: bytes, facts: os.stat_result) -> Row:
    mode = facts.st_mode
    if stat.S_ISDIR(mode):
        return Row(name, Kind.FOLDER, 0, facts.st_mtime)
    if stat.S_ISREG(mode):
        return Row(name, Kind.FILE, facts.st_size, facts.st_mtime)
    kind = Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER
    return Row(name, kind, 0, facts.st_mtime)


def _said(path: bytes) -> str:
    return os.fsdecode(path.strip(b"/")) or "The workspace itself"
