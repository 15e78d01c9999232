"""What a folder of the box holds: listed by find(1), and the contents by tar(1), one program each.

Of a file that is known nothing is fetched again: it is known by its stamp (checkpoints.folders),
of which nothing in the box can set the second moment.
"""

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.checkpoints.folders import Stamp
from pocketcoder_tui.sandbox.checkpoints.objects import Item

__all__ = ["LIST", "Entry", "contents_in", "fetch", "pack", "put", "read_list", "remove"]

_FORM = r"%y %m %s %T@ %C@ %i\0%P\0%l\0"
LIST = [
    "sh", "-c",
    f"date +%s.%N && exec find . -mindepth 1 -xdev -ignore_readdir_race -printf '{_FORM}'",
]  # fmt: skip
"""Prints the time, then three texts for each entry, each ended by NUL (GNU find)."""

UNREAD = "The box's files could not be listed."

_KINDS = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, link or folder of the box."""

    path: bytes
    stamp: Stamp
    target: bytes
    """Where a link leads."""


def read_list(printed: bytes) -> tuple[int, Iterator[Entry]]:
    """Read what LIST printed: when that was, nanoseconds of the box's clock, and the entries.

    Pipes, sockets and devices are left out. Raises SandboxError, the iterator too.
    """
    head, _, rest = printed.partition(b"\n")
    words = rest.split(b"\0")
    try:
        now = _moment(head.decode("ascii"))
    except ValueError as error:
        raise SandboxError(UNREAD) from error
    if words.pop() != b"" or len(words) % 3:
        raise SandboxError(UNREAD)
    return now, _entries(words)


def _entries(words: list[bytes]) -> Iterator[Entry]:
    for at in range(0, len(words), 3):
        try:
            kind, mode, size, changed, touched, number = words[at].decode("ascii").split(" ")
            if kind in _KINDS:
                full = _KINDS[kind] | int(mode, 8)
                stamp = (full, int(size), _moment(changed), _moment(touched), int(number))
                yield Entry(words[at + 1], stamp, words[at + 2])
        except ValueError as error:
            raise SandboxError(UNREAD) from error


def _moment(seconds: str) -> int:
    """Nanoseconds of a time as find prints it, for example ``1764230400.1234567890``."""
    whole, _, rest = seconds.partition(".")
    return int(whole) * 1_000_000_000 + int(rest[:9].ljust(9, "0") or "0")


def fetch() -> list[str]:
    """The program that prints files, which are named on its input, as an archive."""
    return ["tar", "--no-recursion", "--hard-dereference", "--ignore-failed-read",
            "--format=posix", "-cf", "-", "--null", "--verbatim-files-from", "-T", "-"]  # fmt: skip


def put() -> list[str]:
    """The program that unpacks an archive from its input into the workspace."""
    return ["tar", "--no-same-owner", "-p", "--warning=none", "-xf", "-"]


def remove() -> list[str]:
    """The program that removes what is named on its input; a folder only when it is empty."""
    return ["sh", "-c", "xargs -0 -r rm -df -- 2>/dev/null; exit 0"]


def names(paths: Sequence[bytes]) -> bytes:
    """Paths as these programs read them: from where they are, so that none is an option."""
    return b"".join(b"./" + path + b"\0" for path in paths)


def contents_in(archive: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """The files of an archive: path, content, and when it changed last, seconds.

    Raises SandboxError for what is no archive.
    """
    try:
        with tarfile.open(
            fileobj=io.BytesIO(archive), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                if file is not None:
                    path = os.fsencode(member.name).removeprefix(b"./")
                    yield path, file.read(), int(member.mtime)
    except (tarfile.TarError, ValueError, OSError) as error:
        raise SandboxError("What the box sent of its files cannot be read.") from error


def pack(items: Sequence[tuple[bytes, Item, int]], content: Mapping[bytes, bytes]) -> bytes:
    """An archive of files, links and folders: their path, what they are, and when they changed.

    ``content`` is by the id of an item.
    """
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8",
        errors="surrogateescape",
    ) as tar:  # fmt: skip
        for path, item, changed in items:
            facts = tarfile.TarInfo("./" + os.fsdecode(path))
            facts.mode, facts.mtime = stat.S_IMODE(item.mode) & 0o1777, changed
            if item.is_folder:
                facts.type = tarfile.DIRTYPE
                tar.addfile(facts)
            elif item.is_link:
                facts.type = tarfile.SYMTYPE
                facts.linkname = os.fsdecode(content[item.id])
                tar.addfile(facts)
            else:
                facts.size = len(content[item.id])
                tar.addfile(facts, io.BytesIO(content[item.id]))
    return buffer.getvalue()
