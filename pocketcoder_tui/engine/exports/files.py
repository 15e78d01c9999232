"""The files of the person's that an export is written to and an import is read from."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from pocketcoder_tui.core.errors import PocketCoderError

LONGEST_LINE = 64_000_000
"""Bytes of one line of an import."""
LARGEST = 1 << 30
"""Bytes of a whole import."""


class FileRefused(PocketCoderError):
    """A file cannot be written or read as it was asked for."""


def write_new(place: Path, text: str, *, workspace: Path | None = None) -> None:
    """Write a new file for its owner alone (0600).

    Below ``workspace`` the agent may have put links: a folder that leads out of it is refused.
    Raises FileRefused: it is there already, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        there = _folder(place, workspace) / place.name
        fd = os.open(there, flags, 0o600)
        with ExitStack() as half_written:
            half_written.callback(there.unlink, missing_ok=True)
            with open(fd, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            half_written.pop_all()
    except FileExistsError as error:
        raise FileRefused(f"There is a file {place} already.", hint="Name another one.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a file"
        raise FileRefused(f"{place} cannot be written: {reason}.") from error


def _folder(place: Path, workspace: Path | None) -> Path:
    """The folder to write in, links resolved. Raises FileRefused, ValueError."""
    folder = Path(os.path.realpath(place.parent))
    within = any(Path(os.path.realpath(above)) == workspace for above in place.absolute().parents)
    if workspace is not None and within and not folder.is_relative_to(workspace):
        raise FileRefused(f"{place.parent} leads out of the workspace, to {folder}.")
    return folder


def lines_of(place: Path) -> Iterator[str]:
    """Yield a file's lines, decoded one after the other.

    Raises FileRefused: it is no ordinary file, cannot be read, is larger than LARGEST, has a line
    longer than LONGEST_LINE, or one that is not UTF-8, which is named by its number.
    """
    try:
        # Without waiting for somebody to write into a pipe of that name.
        fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a file"
        raise FileRefused(f"{place} cannot be read: {reason}.") from error
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise FileRefused(f"{place} is not a file.")
        if facts.st_size > LARGEST:
            raise FileRefused(
                f"{place} has {facts.st_size:,} bytes.", hint=f"At most {LARGEST:,} are read."
            )
        with open(fd, "rb", closefd=False) as file:
            yield from _decoded(place, file.readline)
    finally:
        os.close(fd)


def _decoded(place: Path, readline: Callable[[int], bytes]) -> Iterator[str]:
    number = 0
    try:
        while line := readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise FileRefused(f"Line {number} of {place} is longer than {LONGEST_LINE:,}.")
            yield line.decode()
    except UnicodeDecodeError as error:
        raise FileRefused(
            f"Line {number} of {place} is not UTF-8.", hint="Export the session again."
        ) from error
    except OSError as error:
        raise FileRefused(f"{place} cannot be read: {error.strerror}.") from error
