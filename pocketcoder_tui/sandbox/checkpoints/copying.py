"""A tree laid out as files in a folder of our own, and that folder taken away again.

The folder is ours alone while it is filled. What ran in it afterwards may have left anything, to
any depth, so it is removed without a recursion and without following a link.
"""

import contextlib
import os
import stat
from pathlib import Path

from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.sandbox.checkpoints.folders import GIT, enter, open_file, open_root
from pocketcoder_tui.sandbox.checkpoints.store import Store, explained

__all__ = ["copy_git", "lay_out", "remove_all"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20
_DEPTH = 60
_ROUNDS = 100_000
"""How deep a folder may be that is removed: one round brings everything up by one."""
_NAMED = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CANNOT = "The copy of the workspace cannot be made"

Owner = tuple[int, int] | None
"""Whose everything is to be (user, group), when that is not who makes it."""


class _Room:
    """What is left of the space for a copy, and whose the copy is."""

    def __init__(self, limit: int, owner: Owner) -> None:
        self._limit = limit
        self._left = limit
        self.owner = owner

    def take(self, size: int) -> None:
        """Raises CheckpointError when it is not there."""
        self._left -= size
        if self._left < 0:
            raise CheckpointError(
                f"The workspace is too large for a throw-away copy ({self._limit >> 20} MiB).",
                hint="Decide without a try.",
            )


def lay_out(store: Store, tree: bytes, folder: Path, limit: int, owner: Owner = None) -> None:
    """Write a tree into a new folder; ``limit`` is in bytes. Raises CheckpointError."""
    with explained(_CANNOT):
        os.mkdir(folder, 0o755)
        fd = open_root(folder)
        try:
            if owner is not None:
                os.fchown(fd, *owner)
            _lay_out(store, tree, fd, _Room(limit, owner))
        finally:
            os.close(fd)


def _lay_out(store: Store, tree: bytes, fd: int, room: _Room) -> None:
    owner = room.owner
    for name, item in store.tree(tree).items():
        if item.is_folder:
            os.mkdir(name, 0o700, dir_fd=fd)
            inside = enter(name, fd)
            try:
                _lay_out(store, item.id, inside, room)
                if owner is not None:
                    os.fchown(inside, *owner)
                os.fchmod(inside, stat.S_IMODE(item.mode))
            finally:
                os.close(inside)
            continue
        content = store.blob(item.id)
        room.take(len(content))
        if item.is_link:
            os.symlink(content, name, dir_fd=fd)
            if owner is not None:
                os.chown(name, *owner, dir_fd=fd, follow_symlinks=False)
            continue
        mode = stat.S_IMODE(item.mode) & ~(stat.S_ISUID | stat.S_ISGID)
        with open(os.open(name, _NEW, 0o600, dir_fd=fd), "wb") as file:
            file.write(content)
            file.flush()
            _finish(file.fileno(), mode, owner)


def copy_git(workspace: Path, folder: Path, limit: int, owner: Owner = None) -> str:
    """Copy git's own folder too, which no checkpoint has; says why not, or nothing."""
    try:
        source, target = open_root(workspace), open_root(folder)
        try:
            _copy(source, target, GIT, _Room(limit, owner), 0)
        finally:
            os.close(source)
            os.close(target)
    except FileNotFoundError:
        return ""
    except (OSError, CheckpointError):
        with contextlib.suppress(OSError):
            remove_all(folder / GIT)
        return "Git's own folder is not in the copy: it is too large, or cannot be read."
    return ""


def _copy(source: int, target: int, name: str, room: _Room, depth: int) -> None:
    facts = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISREG(facts.st_mode):
        _copy_file(source, target, name, room)
    elif stat.S_ISDIR(facts.st_mode) and depth < _DEPTH:
        below = enter(name, source)
        try:
            os.mkdir(name, 0o700, dir_fd=target)
            inside = enter(name, target)
            try:
                for inner in os.listdir(below):
                    with contextlib.suppress(FileNotFoundError):
                        _copy(below, inside, inner, room, depth + 1)
                _finish(inside, stat.S_IMODE(facts.st_mode), room.owner)
            finally:
                os.close(inside)
        finally:
            os.close(below)


def _copy_file(source: int, target: int, name: str, room: _Room) -> None:
    read = open_file(name, source)
    try:
        facts = os.fstat(read)
        if not stat.S_ISREG(facts.st_mode):
            return
        write = os.open(name, _NEW, 0o600, dir_fd=target)
        try:
            while piece := os.read(read, _PIECE):
                room.take(len(piece))
                while piece:
                    piece = piece[os.write(write, piece) :]
            _finish(write, stat.S_IMODE(facts.st_mode) & 0o777, room.owner)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _finish(fd: int, mode: int, owner: Owner) -> None:
    if owner is not None:
        os.fchown(fd, *owner)
    os.fchmod(fd, mode)


def remove_all(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is gone is no failure. Raises OSError.

    Inner folders are brought up beside the outermost ones first, so depth costs nothing.
    """
    try:
        top = open_root(folder)
    except FileNotFoundError:
        return
    try:
        moved = 0
        for _ in range(_ROUNDS):
            names = os.listdir(top)
            if not names:
                break
            for name in names:
                moved = _remove(top, name, moved)
    finally:
        os.close(top)
    os.rmdir(folder)


def _unlock(parent: int, name: str) -> None:
    """Open a folder to ourselves, the folder itself and nothing that took its place.

    O_PATH needs no permission, and through /proc the very thing is meant that it named (proc(5)).
    """
    fd = os.open(name, _NAMED, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)


def _remove(top: int, name: str, moved: int) -> int:
    """Remove one entry of ``top``; the folders in it become entries of ``top``."""
    try:
        os.unlink(name, dir_fd=top)
        return moved
    except (IsADirectoryError, PermissionError):
        pass
    _unlock(top, name)
    inside = enter(name, top)
    try:
        for inner in os.listdir(inside):
            try:
                os.unlink(inner, dir_fd=inside)
            except (IsADirectoryError, PermissionError):
                _unlock(inside, inner)
                os.rename(inner, f".{moved:x}.{os.urandom(6).hex()}", src_dir_fd=inside,
                          dst_dir_fd=top)  # fmt: skip
                moved += 1
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=top)
    return moved
