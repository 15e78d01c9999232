"""Rows read straight off the pages of a damaged SQLite file, whatever became of its trees.

Only leaves of tables are looked at: each holds whole rows, and needs nothing of the rest but the
pages on which a long row goes on. Source: https://www.sqlite.org/fileformat.html, 1.6, 2.1 and 4.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

LEAF = 0x0D
"""The first byte of a leaf of a table."""
PAGE_SIZE = 4096
"""What we make; used where the file's header is lost."""
_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_HEADER, _FRAME = 32, 24
"""Bytes of a log's header, and of a frame's in it."""

Value = str | bytes | int | float | None


class Row(NamedTuple):
    """A row of some table."""

    rowid: int
    values: tuple[Value, ...]


class Pages:
    """The pages of a file with those of its write-ahead log laid over them."""

    def __init__(self, file: bytes, log: bytes) -> None:
        size = int.from_bytes(file[16:18], "big")
        self._size = 65536 if size == 1 else size if size in _SIZES else PAGE_SIZE
        reserved = file[20] if len(file) > 20 and file[20] < 32 else 0
        self._usable = self._size - reserved
        self._file = file
        self._log: Mapping[int, bytes] = _committed(log, self._size)
        self._count = max(-(-len(file) // self._size), *self._log, 0)

    def rows(self) -> Iterator[Row]:
        """Every row that can be read; which table it was in, its values must tell."""
        for number in range(1, self._count + 1):
            page, start = self._page(number), 100 if number == 1 else 0
            if len(page) < start + 8 or page[start] != LEAF:
                continue
            for n in range(int.from_bytes(page[start + 3 : start + 5], "big")):
                at = start + 8 + 2 * n
                try:
                    row = self._row(page, int.from_bytes(page[at : at + 2], "big"))
                except (IndexError, ValueError, struct.error):
                    continue  # what is damaged is left out; that is what we are here for
                yield row

    def _page(self, number: int) -> bytes:
        at = (number - 1) * self._size
        return self._log.get(number, self._file[at : at + self._size])

    def _row(self, page: bytes, at: int) -> Row:
        length, at = _varint(page, at)
        rowid, at = _varint(page, at)
        here, most = length, self._usable - 35
        if length > most:
            least = (self._usable - 12) * 32 // 255 - 23
            here = least + (length - least) % (self._usable - 4)
            here = least if here > most else here
        payload = page[at : at + here]
        if length > most:
            next_page = int.from_bytes(page[at + here : at + here + 4], "big")
            payload += self._overflow(next_page, length)
        if len(payload) < length:
            raise ValueError("the row ends too soon")
        return Row(rowid, tuple(_values(payload[:length])))

    def _overflow(self, number: int, length: int) -> bytes:
        """What stands of a long row on other pages; no more pages than it can have."""
        found: list[bytes] = []
        for _ in range(length // (self._usable - 4) + 1):
            if not number:
                break
            page = self._page(number)
            number = int.from_bytes(page[:4], "big")
            found.append(page[4 : self._usable])
        return b"".join(found)


def _values(payload: bytes) -> Iterator[Value]:
    size, at = _varint(payload, 0)
    body = size
    while at < size:
        kind, at = _varint(payload, at)
        value, body = _value(payload, kind, body)
        yield value


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    """Read a value by its serial type; returns it with the place after it."""
    if kind >= 12:
        end = at + (kind - 12) // 2
        piece = payload[at:end]
        if len(piece) < end - at:
            raise ValueError("the value ends too soon")
        return (piece if kind % 2 == 0 else piece.decode("utf-8")), end
    if kind in (0, 8, 9):
        return (None if kind == 0 else kind - 8), at
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    width = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}.get(kind)
    if width is None:
        raise ValueError("there is no such type")
    return int.from_bytes(payload[at : at + width], "big", signed=True), at + width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to nine bytes; returns it with the place after it."""
    value = 0
    for n in range(8):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64 if value >> 63 else 0), at + 9


# --- the log


def _committed(log: bytes, page_size: int) -> dict[int, bytes]:
    """The newest committed page of each number, up to where the log's checksums hold."""
    if len(log) < _HEADER or int.from_bytes(log[:4], "big") & ~1 != 0x377F0682:
        return {}
    order = ">" if log[3] & 1 else "<"
    salt, sums = log[16:24], _sums(log[:24], (0, 0), order)
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(_HEADER, len(log) - _FRAME - page_size + 1, _FRAME + page_size):
        head, page = log[at : at + _FRAME], log[at + _FRAME : at + _FRAME + page_size]
        sums = _sums(page, _sums(head[:8], sums, order), order)
        if head[8:16] != salt or struct.unpack(">II", head[16:24]) != sums:
            break
        pending[int.from_bytes(head[:4], "big")] = page
        if any(head[4:8]):
            pages |= pending
            pending = {}
    return pages


def _sums(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """The log's checksum, https://www.sqlite.org/fileformat.html, 4.2."""
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for n in range(0, len(words), 2):
        one = (one + words[n] + two) & 0xFFFFFFFF
        two = (two + words[n + 1] + one) & 0xFFFFFFFF
    return one, two
