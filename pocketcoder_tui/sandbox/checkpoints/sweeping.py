"""What no command may leave on the host: files that lend rights, devices, others' files.

In the box a setuid bit is worth nothing (no_new_privs), but anybody may set it on a file of their
own, and on the host it counts. So after an action everything that changed since its checkpoint is
looked at, git's folders, closed folders and very deep ones too. No link is followed: each file is
held by a descriptor, looked at through it, and changed through it (O_PATH, proc(5)), so whatever
takes its name meanwhile is not touched. The moment of the last change (ctime) tells what is new;
nothing in the box can set it.
"""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.sandbox.checkpoints.folders import enter, open_root

__all__ = ["Sweeper", "sweep"]

DEPTH = 400
"""Folders within folders that are looked into; each holds a file open."""
ENTRIES = 2_000_000
_LENDS = stat.S_ISUID | stat.S_ISGID
_NAMED = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
BEGUN = 60.0
"""Seconds that a checkpoint of an earlier process may have taken until it was noted."""
_TICK = 0.1
"""Seconds by which the kernel's moments may lag behind the clock."""


@dataclass(slots=True)
class _Sweep:
    owner: tuple[int, int]
    since: float
    entries: int = 0
    said: list[str] = field(default_factory=list)


class Sweeper:
    """Knows from when on a workspace is to be swept."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._begun = 0.0
        """When the last sweep began, or the first checkpoint; 0 before both."""

    def begin(self) -> None:
        """A checkpoint begins: the first one of a process is where sweeping begins."""
        self._begun = self._begun or time.time()

    def sweep(self, noted: float) -> tuple[str, ...]:
        """Sweep what is newer than the last sweep; ``noted`` is when an earlier process made its
        last checkpoint, 0 when none did. Raises OSError."""
        since = self._begun or (noted - BEGUN if noted else time.time())
        self._begun = time.time()
        return tuple(sweep(self._workspace, since))


def sweep(workspace: Path, since: float) -> list[str]:
    """Sweep what changed after a moment (Unix seconds); returns a sentence for each thing.

    Raises OSError when the workspace itself cannot be opened.
    """
    root = open_root(workspace)
    try:
        facts = os.fstat(root)
        work = _Sweep((facts.st_uid, facts.st_gid), since - _TICK)
        _folder(work, root, "", 0)
    finally:
        os.close(root)
    return work.said


def _folder(work: _Sweep, fd: int, path: str, depth: int) -> None:
    below: list[str] = []
    for name, facts in _entries(fd):
        work.entries += 1
        kind = stat.S_IFMT(facts.st_mode)
        if kind == stat.S_IFDIR:
            below.append(name)
        if facts.st_ctime >= work.since and _is_odd(work, facts):
            _put_right(work, fd, name, f"{path}{name}")
    for name in below:
        here = f"{path}{name}"
        if depth >= DEPTH or work.entries > ENTRIES:
            work.said.append(f"{here}: too deep or too full to be searched for setuid files.")
            return
        try:
            _enter(work, fd, name, here, depth)
        except OSError as error:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                work.said.append(f"{here}: cannot be searched for setuid files.")


def _entries(fd: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(fd) as found:
        for entry in found:
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def _enter(work: _Sweep, parent: int, name: str, here: str, depth: int) -> None:
    """Look into a folder; one that is closed to its owner is opened for that long."""
    try:
        fd = enter(name, parent)
    except PermissionError:
        with_key = os.open(name, _NAMED | os.O_DIRECTORY, dir_fd=parent)
    else:
        try:
            _folder(work, fd, f"{here}/", depth + 1)
            return
        except PermissionError:  # it can be listed, and nothing in it can be looked at
            with_key = os.open(name, _NAMED | os.O_DIRECTORY, dir_fd=parent)
        finally:
            os.close(fd)
    place = f"/proc/self/fd/{with_key}"
    try:
        facts = os.fstat(with_key)
        if facts.st_uid != os.geteuid():  # closed to the box's user as well
            return
        mode = stat.S_IMODE(facts.st_mode)
        os.chmod(place, mode | 0o700)
        try:
            fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _folder(work, fd, f"{here}/", depth + 1)
            finally:
                os.close(fd)
        finally:
            os.chmod(place, mode)
    finally:
        os.close(with_key)


def _is_odd(work: _Sweep, facts: os.stat_result) -> bool:
    mode = facts.st_mode
    device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    lends = stat.S_ISREG(mode) and mode & _LENDS
    return bool(lends or device or facts.st_uid != work.owner[0])


def _put_right(work: _Sweep, fd: int, name: str, here: str) -> None:
    try:
        file = os.open(name, _NAMED, dir_fd=fd)
    except OSError:  # gone meanwhile
        return
    try:
        facts = os.fstat(file)
        place = f"/proc/self/fd/{file}"
        if stat.S_ISCHR(facts.st_mode) or stat.S_ISBLK(facts.st_mode):
            _remove(work, fd, name, here)
            return
        if stat.S_ISREG(facts.st_mode) and facts.st_mode & _LENDS:
            _take_off(work, facts, place, here)
        if facts.st_uid != work.owner[0]:
            _give_back(work, facts, place, here)
    finally:
        os.close(file)


def _take_off(work: _Sweep, facts: os.stat_result, place: str, here: str) -> None:
    bits = "setuid" if facts.st_mode & stat.S_ISUID else "setgid"
    try:
        os.chmod(place, stat.S_IMODE(facts.st_mode) & ~_LENDS)
        done = "the bit was taken off"
    except OSError as error:
        done = f"the bit could not be taken off ({error.strerror})"
    work.said.append(
        f"{here}: it was {bits} and would run with its owner's rights on your machine; {done}."
    )


def _give_back(work: _Sweep, facts: os.stat_result, place: str, here: str) -> None:
    """Only root may give a file to somebody; a link is named alone."""
    done = ""
    if os.geteuid() == 0 and not stat.S_ISLNK(facts.st_mode):
        os.chown(place, *work.owner)
        done = ", and was given to the workspace's owner"
    work.said.append(f"{here}: it belonged to user {facts.st_uid}{done}.")


def _remove(work: _Sweep, fd: int, name: str, here: str) -> None:
    """A name is taken away, and what it names: what is swapped in could be removed anyway."""
    try:
        os.unlink(name, dir_fd=fd)
        done = "it was removed"
    except OSError as error:
        done = f"it could not be removed ({error.strerror})"
    work.said.append(f"{here}: a device of your machine; {done}.")
