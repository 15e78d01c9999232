"""The whole of an output that is too long for the ledger: a file of the host's for each action."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ids import is_id

log = logging.getLogger(__name__)

_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Slice:
    """Some lines of an output."""

    text: str
    first: int
    """The number of the first line, from 1."""
    lines: int
    total: int
    """Lines of the whole output, as far as it was kept."""
    cut: bool
    """True when the end of the output was not kept."""


class Outputs:
    """Owns the folder. A file is made when an output first outgrows what the ledger keeps."""

    def __init__(self, folder: Path, limit: int) -> None:
        """``limit`` is in bytes for one output; what comes after is counted and not kept."""
        self._folder = folder
        self._limit = limit

    def spool(self, action_id: str) -> "Spooled":
        """The place for one action's output."""
        return Spooled(self._path(action_id), self._limit)

    def has(self, action_id: str) -> bool:
        """True when the whole output of an action is here."""
        return is_id(action_id) and self._path(action_id).is_file()

    def read(self, action_id: str, first: int, count: int) -> Slice:
        """Return ``count`` lines from line ``first`` on.

        Raises SandboxError when it is not kept or cannot be read.
        """
        if not self.has(action_id):
            raise SandboxError("The whole output of that command is not kept.", hint="")
        path = self._path(action_id)
        try:
            chosen: list[str] = []
            total = 0
            for total, line in enumerate(_lines(path), 1):
                if first <= total < first + count:
                    chosen.append(line)
            cut = path.stat().st_size >= self._limit
        except OSError as error:
            raise SandboxError(f"The output cannot be read: {error.strerror}.") from error
        return Slice("".join(chosen), first, len(chosen), total, cut)

    def _path(self, action_id: str) -> Path:
        return self._folder / f"{action_id}.txt"


class Spooled:
    """Takes an output piece by piece. A disk that fails costs the rest of it, and no more."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._room = limit
        self._begun = False

    def __call__(self, text: str) -> None:
        """Append."""
        data = text.encode("utf-8", "replace")[: max(self._room, 0)]
        if not data:
            return
        self._room -= len(data)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        # An output that is read back from the box after a gap begins again.
        flags |= os.O_APPEND if self._begun else os.O_TRUNC
        self._begun = True
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            fd = os.open(self._path, flags, _PRIVATE)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
        except OSError as error:
            log.warning("an output is not kept whole: %s", error)
            self._room = 0


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        yield from file
