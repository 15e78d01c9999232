"""Folders of a hostile workspace, opened one name at a time and never by following a link.

Source: openat(2), O_NOFOLLOW. Whoever can write there may swap a folder for a link between any two
of our steps: then an open fails, and what was named is treated as gone.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["GIT", "Stamp", "enter", "entered", "open_file", "open_root", "split", "stamp_of"]

GIT = ".git"
"""What is of this name, wherever it is, belongs to git: never read, never touched."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without waiting for anybody, should it have become a pipe meanwhile."""

Stamp = tuple[int, int, int, int, int]
"""Mode, size, moments of change of content and of anything (ns), and number: stat(2)."""


def stamp_of(facts: os.stat_result) -> Stamp:
    """By what a file is known again. Nothing in the box can set the second moment (st_ctime)."""
    return (
        facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
    )  # fmt: skip


def open_root(folder: Path) -> int:
    """Open the workspace itself. Raises OSError."""
    return os.open(folder, _FOLDER)


def enter(name: str | bytes, parent: int) -> int:
    """Open a folder in a folder. Raises OSError when it is none, or a link."""
    return os.open(name, _FOLDER, dir_fd=parent)


def open_file(name: str | bytes, parent: int) -> int:
    """Open a file in a folder for reading. Raises OSError for a link; the caller looks at it."""
    return os.open(name, _FILE, dir_fd=parent)


@contextlib.contextmanager
def entered(root: int, parts: Sequence[bytes]) -> Iterator[int]:
    """Open a folder below another one, name by name. Raises OSError."""
    fd = os.dup(root)
    try:
        for part in parts:
            below = enter(part, fd)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def split(path: bytes) -> tuple[list[bytes], bytes]:
    """A path below the workspace as its folders and its last name."""
    *folders, name = path.split(b"/")
    return folders, name
