"""How connections share one stream with the program in the box (inside.py): pure.

A frame is a kind (1 byte), a connection's number (4), a length (4, big-endian all) and as many
bytes. Both sides send data only within a window that the other one opens again as it reads, so
neither has to hold more than that for a connection. Everything that comes from the box is judged:
what is out of order ends the whole stream.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["LONGEST", "WINDOW", "Frame", "FrameError", "Frames", "Kind", "credit", "frame"]

_HEAD = struct.Struct(">BII")
LONGEST = 1 << 16
"""Bytes in one frame at most."""
WINDOW = 1 << 18
"""Bytes of a connection that may be on their way in one direction."""


class Kind(IntEnum):
    """What a frame says."""

    READY = 1
    """From the box, once: the proxy's port is open."""
    OPEN = 2
    """A connection: from the box odd numbers, from the host even ones with the port behind."""
    DATA = 3
    END = 4
    """The sender has no more data."""
    CLOSE = 5
    """The connection is over in both directions."""
    CREDIT = 6
    """So many bytes (4, big-endian) were read: as many more may be sent."""
    PORTS = 7
    """Asked with nothing behind; answered with a port and a program's name a line."""
    TROUBLE = 8
    """From the box: it cannot work; the text says why."""


class FrameError(ValueError):
    """What came is no frame."""


class Frame(NamedTuple):
    """One frame."""

    kind: Kind
    number: int
    data: bytes


def frame(kind: Kind, number: int = 0, data: bytes = b"") -> bytes:
    """Write a frame; ``data`` is at most LONGEST bytes."""
    return _HEAD.pack(kind, number, len(data)) + data


def credit(number: int, size: int) -> bytes:
    """Write the frame that opens a connection's window again."""
    return frame(Kind.CREDIT, number, struct.pack(">I", size))


class Frames:
    """Reads frames from pieces of a stream."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole now. Raises FrameError."""
        self._held += data
        while len(self._held) >= _HEAD.size:
            kind, number, length = _HEAD.unpack_from(self._held)
            if length > LONGEST or kind not in _KINDS:
                raise FrameError("The box sent what is no frame.")
            end = _HEAD.size + length
            if len(self._held) < end:
                return
            payload = bytes(self._held[_HEAD.size : end])
            del self._held[:end]
            yield Frame(Kind(kind), number, payload)


_KINDS = frozenset(Kind)
