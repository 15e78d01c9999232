"""The audit head: where the chain ends, kept outside the database in ``<ledger>.head``.

A chain alone cannot see that its end was cut off or that all of it was put back to an older state.
The head can, because each transaction that adds a record goes in this order:

1. announce: the end as it is and the end as it will be, on the disk before anything else;
2. the database commits;
3. confirm: the new end alone.

So the database ends where the head says, or one transaction further and exactly where it was
announced: never behind, never anywhere else. A process that is killed between 2 and 3 leaves the
announcement, which both states fit. Step 3 need not be on the disk to be seen after a kill; after
a power cut the announcement is there.

Two lines of 512 bytes are written in turn and in place, each with its own check: a torn write
leaves the line before it, no space is needed on a full disk, and it costs a seventh of replacing a
file with its two syncs.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.errors import LedgerDamaged
from pocketcoder_tui.ledger.verify_audit import ZERO, sha256

LINE = 512
"""Bytes of a line: a sector, which a disk writes whole."""
PIECE = 4_000_000
"""Bytes of a database file that are read at once."""


class Link(NamedTuple):
    """A place in the chain."""

    seq: int
    hash: str


START = Link(0, ZERO)
"""Before the first record."""


class FileSum(NamedTuple):
    """What a closed database file is, byte for byte."""

    size: int
    sha256: str


def pieces(fd: int) -> Iterator[bytes]:
    """Read an open file from its beginning to its end, some megabytes at a time."""
    at = 0
    while piece := os.pread(fd, PIECE, at):
        at += len(piece)
        yield piece


@dataclass(frozen=True, slots=True)
class Mark:
    """What the head says."""

    now: Link
    coming: Link | None = None
    """Announced, and perhaps committed."""
    file: FileSum | None = None
    """The whole file, after a close in order; None while anything may be written."""


def head_path(path: Path) -> Path:
    """The head that belongs to a ledger."""
    return path.with_name(path.name + ".head")


def read_head(path: Path) -> Mark | None:
    """What the head of the ledger at ``path`` says; None when there is none, or an empty file.

    Raises OSError, and LedgerDamaged when it cannot be understood.
    """
    try:
        fd = os.open(head_path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _newest(fd, head_path(path))[1] if os.fstat(fd).st_size else None
    finally:
        os.close(fd)


class Head:
    """Owns the open head file of one ledger. Its methods raise OSError."""

    def __init__(self, path: Path) -> None:
        """Open the head of the ledger at ``path``, made when it is not there.

        Raises LedgerDamaged when it cannot be understood.
        """
        place = head_path(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(place, flags, 0o600)
        try:
            if os.fstat(self._fd).st_size == 0:
                self._count, self.mark = 0, Mark(START)
                self._write(Mark(START))
                self._write(Mark(START))
                os.fsync(self._fd)
                sync_folder(place.parent)
            self._count, self.mark = _newest(self._fd, place)
        except BaseException:
            os.close(self._fd)
            raise

    def announce(self, coming: Link) -> None:
        """Say where the chain is about to end, durably."""
        failpoints.reach("before announcing", "the head")
        self._write(Mark(self.mark.now, coming))
        os.fdatasync(self._fd)
        failpoints.reach("after announcing", "the head")

    def confirm(self) -> None:
        """Say that the chain ends where it was announced.

        A failure changes nothing: the announcement says the same.
        """
        if self.mark.coming is not None:
            failpoints.reach("before confirming", "the head")
            with suppress(OSError):
                self._write(Mark(self.mark.coming))
            self.mark = Mark(self.mark.coming or self.mark.now)
            failpoints.reach("after confirming", "the head")

    def settle(self, end: Link) -> None:
        """Take over where the chain of the opened database ends; nothing is written."""
        self.mark = Mark(end, file=self.mark.file)

    def unseal(self) -> None:
        """Before the first write: the file will not be what it was."""
        if self.mark.file is not None:
            self._write(Mark(self.mark.now))
            os.fdatasync(self._fd)

    def seal(self, file: FileSum) -> None:
        """Say what the file of the closed database is."""
        self._write(replace(self.mark, file=file))
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Let go of the file; doing it twice is harmless."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, mark: Mark) -> None:
        self._count += 1
        line = _line(self._count, mark)
        if os.pwrite(self._fd, line, self._count % 2 * LINE) != len(line):
            raise OSError(5, "the audit head was written in part")
        self.mark = mark


def check_end(path: Path, mark: Mark, end: Link) -> None:
    """Compare the end of the chain with the head. Raises LedgerDamaged."""
    begun = mark.now == START and mark.coming is None and end.seq <= 1
    if begun or end in (mark.now, mark.coming):
        return
    told = mark.coming or mark.now
    if end.seq < told.seq:
        what = f"ends at record {end.seq}, and its head says that there are {told.seq}: it was cut"
        raise LedgerDamaged(f"The ledger {path} {what} off or put back to an older state.")
    if end.seq > told.seq:
        what = f"has {end.seq} records, and its head knows of {told.seq}"
        raise LedgerDamaged(f"The ledger {path} {what}: something else wrote to it.")
    raise LedgerDamaged(f"Record {end.seq} of the ledger {path} is not the one its head knows.")


def sync_folder(folder: Path) -> None:
    """Bring what was made or renamed in a folder to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _line(count: int, mark: Mark) -> bytes:
    said = json.dumps([count, mark.now, mark.coming, mark.file])
    line = json.dumps([said, sha256(said)]).encode("ascii")
    return line.ljust(LINE - 1) + b"\n"


def _newest(fd: int, place: Path) -> tuple[int, Mark]:
    """The line that was written last, with its number."""
    lines = [_read(os.pread(fd, LINE, n * LINE)) for n in range(2)]
    found = [line for line in lines if line is not None]
    if not found:
        raise LedgerDamaged(f"The audit head {place} cannot be read.")
    return max(found, key=lambda line: line[0])


def _read(line: bytes) -> tuple[int, Mark] | None:
    """Read a line; None when it is torn or empty."""
    try:
        said, check = json.loads(line)
        if sha256(said) != check:
            return None
        count, now, coming, file = json.loads(said)
        return count, Mark(Link(*now), _link(coming), FileSum(*file) if file else None)
    except (ValueError, TypeError, AttributeError):
        return None


def _link(value: Any) -> Link | None:
    return Link(*value) if value else None
