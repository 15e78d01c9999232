"""Server-sent events out of bytes (WHATWG HTML, 9.2), and the JSON in them; pure."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

__all__ = ["MOST_BYTES", "EventLines", "TooLong", "load_object"]

MOST_BYTES = 64_000_000
"""The longest event or body that is read; beyond it a service is not trusted with our memory."""


class TooLong(Exception):
    """An event has no end within MOST_BYTES."""


class EventLines:
    """Collects the data lines of each event; names, ids and comments are passed over."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._pieces: list[bytes] = []
        self._held = 0
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take the next bytes; yields the data of each event that is whole. Raises TooLong."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._most:
            raise TooLong
        if b"\n" not in piece and b"\r" not in piece:
            return
        lines = b"".join(self._pieces).splitlines(keepends=True)
        # A CR at the very end may be the first half of a CRLF.
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        self._pieces = [rest]
        for line in lines:
            yield from self._line(line.rstrip(b"\r\n"))
        self._held = len(rest) + sum(map(len, self._data))

    def end(self) -> Iterator[bytes]:
        """Take what is left when the body is over without a blank line."""
        rest, self._pieces = b"".join(self._pieces).rstrip(b"\r\n"), []
        yield from self._line(rest)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            yield data


DEEPEST = 100
"""Levels of nesting in JSON of a service's; the ledger keeps twice that at most."""


def load_object(text: bytes | str) -> dict[str, Any]:
    """Read a JSON object that the ledger can keep.

    Raises ValueError for anything else: NaN and infinities too, and what is nested too deep.
    """
    try:
        found = json.loads(text, parse_float=_finite, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(found, dict) or _deep(found):
        raise ValueError("no object of a usable form")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"not a number that JSON can hold: {text[:20]}")


def _deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        level = inner
    return True
