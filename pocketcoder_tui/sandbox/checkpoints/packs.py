"""A pack: many objects in one file, with its index beside it (gitformat-pack(5), versions 2).

A pack is written under another name, brought to the disk, and renamed; its index follows in the
same way. So a process that is killed leaves a whole pack, or one that nobody looks at.
"""

import contextlib
import hashlib
import os
import struct
import zlib
from pathlib import Path

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.sandbox.checkpoints.objects import object_id

__all__ = ["SUM", "PackWriter", "Place", "read_index", "read_object"]

_HEADER = struct.Struct(">4sII")
_INDEX_MAGIC = b"\xfftOc\x00\x00\x00\x02"
_FANOUT = 256 * 4
_ID = SUM = 32
"""Bytes of an id, and of the sum at the end of a pack."""
_LEVEL = 1
"""zlib's fastest: a checkpoint is in the way of an action."""
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BUFFER = 1 << 20

Place = tuple[str, int]
"""A pack's name without its ending, and where in it an object begins."""


class PackWriter:
    """One pack in the making. Owns its file until ``finish`` or ``abandon``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"tmp-{os.getpid()}-{os.urandom(6).hex()}.pack"
        self._fd = os.open(self._path, _NEW, 0o600)
        self._buffer = bytearray(_HEADER.size)
        self._written = 0
        self._entries: dict[bytes, tuple[int, int]] = {}
        """By id: where it begins, and the CRC-32 of its bytes."""

    def __contains__(self, id_: bytes) -> bool:
        return id_ in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._written + len(self._buffer)

    def add(self, kind: int, data: bytes, id_: bytes) -> None:
        """Append an object. Raises OSError."""
        self.copy(id_, _entry_head(kind, len(data)) + zlib.compress(data, _LEVEL))

    def copy(self, id_: bytes, entry: bytes) -> None:
        """Append an object as it stands in another pack. Raises OSError."""
        self._entries[id_] = (self.size, zlib.crc32(entry))
        self._buffer += entry
        if len(self._buffer) > _BUFFER:
            self._flush()

    def finish(self) -> dict[bytes, Place]:
        """Bring it to the disk under its name; returns where everything is. Raises OSError."""
        self._flush()
        header = _HEADER.pack(b"PACK", 2, len(self._entries))
        os.pwrite(self._fd, header, 0)
        sum_ = self._sum()
        _write(self._fd, sum_, self._written)
        failpoints.reach("before sync", "pack")
        os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1
        name = f"pack-{sum_.hex()}"
        self._write_index(self._folder / f"{name}.idx", sum_)
        failpoints.reach("after index", "pack")
        os.rename(self._path, self._folder / f"{name}.pack")
        failpoints.reach("after pack", "pack")
        _sync_folder(self._folder)
        return {id_: (name, offset) for id_, (offset, _) in self._entries.items()}

    def abandon(self) -> None:
        """Take away what was written; nothing of it was seen by anybody."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def _flush(self) -> None:
        _write(self._fd, self._buffer, self._written)
        self._written += len(self._buffer)
        self._buffer = bytearray()

    def _sum(self) -> bytes:
        hash_, at = hashlib.sha256(), 0
        while piece := os.pread(self._fd, _BUFFER, at):
            hash_.update(piece)
            at += len(piece)
        return hash_.digest()

    def _write_index(self, path: Path, pack_sum: bytes) -> None:
        ordered = sorted(self._entries)
        fanout = [0] * 256
        for id_ in ordered:
            fanout[id_[0]] += 1
        for byte in range(1, 256):
            fanout[byte] += fanout[byte - 1]
        entries = [self._entries[id_] for id_ in ordered]
        count = len(ordered)
        body = b"".join(
            [
                _INDEX_MAGIC,
                struct.pack(">256I", *fanout),
                *ordered,
                struct.pack(f">{count}I", *(crc for _, crc in entries)),
                struct.pack(f">{count}I", *(offset for offset, _ in entries)),
                pack_sum,
            ]
        )
        temporary = path.with_name(f"{self._path.stem}.idx")
        fd = os.open(temporary, _NEW, 0o600)
        try:
            _write(fd, body + hashlib.sha256(body).digest(), 0)
            os.fsync(fd)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        finally:
            os.close(fd)
        os.rename(temporary, path)


def read_index(path: Path) -> dict[bytes, Place]:
    """Where everything in a pack is. Raises OSError, or ValueError when the index is damaged."""
    data = path.read_bytes()
    if data[:8] != _INDEX_MAGIC or hashlib.sha256(data[:-_ID]).digest() != data[-_ID:]:
        raise ValueError(path.name)
    (count,) = struct.unpack_from(">I", data, 8 + _FANOUT - 4)
    names = 8 + _FANOUT
    offsets = struct.unpack_from(f">{count}I", data, names + count * (_ID + 4))
    ids = (data[at : at + _ID] for at in range(names, names + count * _ID, _ID))
    return {id_: (path.stem, offset) for id_, offset in zip(ids, offsets, strict=True)}


def read_object(fd: int, offset: int, id_: bytes) -> tuple[int, bytes]:
    """Read an object: its type and its content.

    Raises OSError, or ValueError when it is not the object of that name.
    """
    piece = os.pread(fd, 4096, offset)
    kind, size, head = _read_head(piece)
    inflate = zlib.decompressobj()
    content, at = bytearray(), offset + head
    piece = piece[head:]
    try:
        while True:
            content += inflate.decompress(piece, size + 1 - len(content))
            used = len(piece) - len(inflate.unused_data) - len(inflate.unconsumed_tail)
            at += used
            if inflate.eof or len(content) > size:
                break
            piece = os.pread(fd, _BUFFER, at)
            if not piece:
                raise ValueError("a pack ends in the middle of an object")
    except zlib.error as error:
        raise ValueError("an object cannot be unpacked") from error
    data = bytes(content)
    if object_id(kind, data) != id_:
        raise ValueError("an object is not what its name says")
    return kind, data


def _entry_head(kind: int, size: int) -> bytes:
    """Type and length: 4 bits of it, then 7 a byte, the lowest first."""
    head = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head)


def _read_head(piece: bytes) -> tuple[int, int, int]:
    """Type, length, and how many bytes say so. Raises ValueError."""
    try:
        kind, size, shift, at = piece[0] >> 4 & 7, piece[0] & 15, 4, 1
        while piece[at - 1] & 128:
            size |= (piece[at] & 127) << shift
            shift, at = shift + 7, at + 1
    except IndexError as error:
        raise ValueError("a pack ends too soon") from error
    if kind not in (2, 3):
        raise ValueError("an object of another type")
    return kind, size, at


def _write(fd: int, data: bytes | bytearray, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
