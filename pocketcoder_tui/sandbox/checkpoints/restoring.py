"""Bringing the workspace back: each path compared with what was shown, then replaced in one step.

Nothing is written through a link, whatever is swapped in meanwhile (folders.py). New content goes
into a file beside its place and is renamed over it; what was not there when it was shown is put
there by link(2), which never overwrites. A process that is killed leaves some paths as they were
and some as they are to be, and at most one file named ``.pocketcoder.*``, which the next undo to
the same checkpoint takes away.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.checkpoints import How
from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.folders import (
    enter,
    entered,
    open_file,
    open_root,
    split,
    stamp_of,
)
from pocketcoder_tui.sandbox.checkpoints.objects import BLOB, Item, object_id
from pocketcoder_tui.sandbox.checkpoints.store import Store
from pocketcoder_tui.sandbox.checkpoints.walking import Known, Walker, Why

__all__ = ["Kept", "Restorer"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OWNER = 0o700
_GIVES_RIGHTS = stat.S_ISUID | stat.S_ISGID


class Moved(Exception):
    """A path is not as it was shown."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What two states could not keep, by path, with the reason."""

    then: Mapping[bytes, str]
    """In the state to go back to: it must not be taken away."""
    now: Mapping[bytes, str]
    """In the state of now: it must not be overwritten."""

    def held_then(self, path: bytes) -> str:
        """Why a path must stay; empty when it may go."""
        return next((self.then[p] for p in _with_parents(path) if p in self.then), "")


class Restorer:
    """Applies changes to one workspace. Owns nothing between two calls."""

    def __init__(self, folder: Path, store: Store, walker: Walker, aside: str) -> None:
        """``aside``: the end of the name under which something is kept that is in the way."""
        self._folder = folder
        self._store = store
        self._walker = walker
        self._aside = os.fsencode(aside)
        self._owner: tuple[int, int] | None = None
        self.left: list[str] = []
        """Sentences about what is not as it is to be."""

    def apply(self, changes: Sequence[Change], kept: Kept) -> None:
        """Do it. Raises OSError when the workspace itself cannot be opened, CheckpointError."""
        root = open_root(self._folder)
        try:
            facts = os.fstat(root)
            self._owner = (facts.st_uid, facts.st_gid) if os.geteuid() == 0 else None
            for change in reversed(changes):
                if change.old is not None and change.how in (How.REMOVED, How.KIND):
                    self._step(root, change, self._remove, kept)
            for change in changes:
                if change.new is None:
                    continue
                if change.how in (How.ADDED, How.KIND):
                    self._step(root, change, self._create, kept)
                elif not change.new.is_folder:
                    self._step(root, change, self._change, kept)
            for change in reversed(changes):
                if change.new is not None and change.new.is_folder:
                    self._step(root, change, self._folder_mode, kept)
        finally:
            os.close(root)

    def _step(self, root: int, change: Change, do: "_Do", kept: Kept) -> None:
        """One path; what hinders it is said, and the others go on."""
        shown = os.fsdecode(change.path)
        failpoints.reach("before change", "undo")
        folders, name = split(change.path)
        try:
            with entered(root, folders) as fd, _writable(fd):
                do(fd, os.fsdecode(name), change, kept)
        except Moved:
            self.left.append(f"{shown} changed meanwhile and was left as it is.")
        except OSError as error:
            self.left.append(f"{shown} could not be brought back: {_said(error)}.")

    def _remove(self, fd: int, name: str, change: Change, kept: Kept) -> None:
        shown = os.fsdecode(change.path)
        if why := kept.held_then(change.path):
            self.left.append(f"{shown} stays, because the checkpoint did not keep it: {why}.")
            return
        assert change.old is not None  # asked for removals only
        if change.old.is_folder:
            try:
                os.rmdir(name, dir_fd=fd)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                self.left.append(f"{shown} stays: something in it is not kept in checkpoints.")
            return
        self._require(fd, name, change)
        os.unlink(name, dir_fd=fd)

    def _create(self, fd: int, name: str, change: Change, kept: Kept) -> None:
        assert change.new is not None  # asked for what is to be there
        if why := kept.now.get(change.path, ""):
            self._make_way(fd, name, change, why)
        if change.new.is_folder:
            os.mkdir(name, _OWNER, dir_fd=fd)
            self._give(name, fd)
        elif change.new.is_link:
            os.symlink(self._store.blob(change.new.id), os.fsencode(name), dir_fd=fd)
            self._give(name, fd)
        else:
            with self._prepared(fd, change) as temporary:
                os.link(temporary, name, src_dir_fd=fd, dst_dir_fd=fd, follow_symlinks=False)

    def _change(self, fd: int, name: str, change: Change, kept: Kept) -> None:
        """Another content, or other permissions alone."""
        assert change.new is not None  # asked for what is to be there
        self._require(fd, name, change)
        if change.how is How.MODE:
            self._chmod(fd, name, change)
            return
        if change.new.is_link:
            temporary = _temporary()
            os.symlink(self._store.blob(change.new.id), os.fsencode(temporary), dir_fd=fd)
            try:
                self._give(temporary, fd)
                os.rename(temporary, name, src_dir_fd=fd, dst_dir_fd=fd)
            except OSError:
                os.unlink(temporary, dir_fd=fd)
                raise
            return
        with self._prepared(fd, change) as temporary:
            self._require(fd, name, change)
            os.rename(temporary, name, src_dir_fd=fd, dst_dir_fd=fd)

    def _chmod(self, fd: int, name: str, change: Change) -> None:
        assert change.new is not None  # asked for what is to be there
        file = open_file(name, fd)
        try:
            if os.fstat(file).st_mode != (change.old or change.new).mode:
                raise Moved
            os.fchmod(file, self._mode(change))
        finally:
            os.close(file)

    def _folder_mode(self, fd: int, name: str, change: Change, kept: Kept) -> None:
        assert change.new is not None  # asked for what is to be there
        inside = enter(name, fd)
        try:
            os.fchmod(inside, stat.S_IMODE(change.new.mode))
        finally:
            os.close(inside)

    def _make_way(self, fd: int, name: str, change: Change, why: str) -> None:
        """Something that could not be kept is in the way: it gets another name, a pipe goes."""
        if why == Why.SPECIAL:
            os.unlink(name, dir_fd=fd)
            return
        aside = os.fsdecode(os.fsencode(name)[:200] + self._aside)
        with contextlib.suppress(FileNotFoundError):
            os.stat(aside, dir_fd=fd, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), aside)
        os.rename(name, aside, src_dir_fd=fd, dst_dir_fd=fd)
        shown = os.fsdecode(change.path)
        self.left.append(f"What was at {shown} is beside it as {aside}: {why}.")

    @contextlib.contextmanager
    def _prepared(self, fd: int, change: Change) -> Iterator[str]:
        """A file with the new content beside its place; it is gone afterwards, or renamed."""
        assert change.new is not None  # asked for what is to be there
        content = self._store.blob(change.new.id)
        name = _temporary()
        file = os.open(name, _NEW, 0o600, dir_fd=fd)
        try:
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(file, view) :]
                if self._owner is not None:
                    os.fchown(file, *self._owner)
                os.fchmod(file, self._mode(change))
                os.fsync(file)
            finally:
                os.close(file)
            failpoints.reach("before rename", "undo")
            yield name
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=fd)

    def _give(self, name: str, fd: int) -> None:
        """What root makes belongs to the workspace's owner, like everything there."""
        if self._owner is not None:
            os.chown(name, *self._owner, dir_fd=fd, follow_symlinks=False)

    def _mode(self, change: Change) -> int:
        """A file's permissions; one that lends its owner's rights to others is not made here."""
        assert change.new is not None  # asked for what is to be there
        mode = stat.S_IMODE(change.new.mode)
        if mode & _GIVES_RIGHTS:
            shown = os.fsdecode(change.path)
            self.left.append(f"{shown} is back without its setuid and setgid bits.")
        return mode & ~_GIVES_RIGHTS

    def _require(self, fd: int, name: str, change: Change) -> None:
        """Raise Moved unless what is there is what was shown."""
        assert change.old is not None  # asked for what was there
        if not _is(fd, name, change.old, self._walker.known(change.path)):
            raise Moved


_Do = Callable[[int, str, Change, Kept], None]


def _is(fd: int, name: str, item: Item, known: Known | None) -> bool:
    """Whether a file or a link is what a tree says. Raises OSError."""
    facts = os.stat(name, dir_fd=fd, follow_symlinks=False)
    if facts.st_mode != item.mode:
        return False
    if known is not None and known[2] and known[0] == stamp_of(facts) and known[1] == item.id:
        return True
    if item.is_link:
        return object_id(BLOB, os.fsencode(os.readlink(name, dir_fd=fd))) == item.id
    file = open_file(name, fd)
    try:
        pieces = []
        while piece := os.read(file, 1 << 20):
            pieces.append(piece)
    finally:
        os.close(file)
    return object_id(BLOB, b"".join(pieces)) == item.id


@contextlib.contextmanager
def _writable(fd: int) -> Iterator[None]:
    """Let us work in a folder of ours that is closed to its owner; closed again afterwards."""
    mode = stat.S_IMODE(os.fstat(fd).st_mode)
    if mode & 0o300 == 0o300:
        yield
        return
    os.fchmod(fd, mode | _OWNER)
    try:
        yield
    finally:
        os.fchmod(fd, mode)


def _with_parents(path: bytes) -> Iterator[bytes]:
    parts = path.split(b"/")
    for length in range(1, len(parts) + 1):
        yield b"/".join(parts[:length])


def _temporary() -> str:
    return f".pocketcoder.{os.urandom(8).hex()}"


def _said(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "a folder on the way is a link or a file now"
    why = error.strerror or type(error).__name__
    return f"{why[:1].lower()}{why[1:]}"
