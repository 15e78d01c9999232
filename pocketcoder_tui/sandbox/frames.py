"""The frames in which Docker carries two outputs over one stream (pure).

A frame is a header of 8 bytes (stream number, three zero bytes, length as big-endian 32 bits)
and the payload: Docker Engine API, "Attach to a container", stream format.
"""

import struct

__all__ = ["STDERR", "STDOUT", "FrameReader"]

STDOUT = 1
STDERR = 2

_HEADER = struct.Struct(">BxxxL")


class FrameReader:
    """Takes bytes in any pieces and gives back the payloads; holds at most one header."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the payloads in ``data`` with their stream numbers, as far as they go."""
        found: list[tuple[int, bytes]] = []
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                found.append((self._stream, piece))
                self._left -= len(piece)
                at += len(piece)
                continue
            missing = _HEADER.size - len(self._header)
            self._header += data[at : at + missing]
            at += missing
            if len(self._header) == _HEADER.size:
                self._stream, self._left = _HEADER.unpack(self._header)
                self._header = b""
        return found
