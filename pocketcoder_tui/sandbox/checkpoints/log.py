"""The list of checkpoints: a line of JSON each, appended; the last line may be torn by a crash."""

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pocketcoder_tui.core.checkpoints import Checkpoint, CheckpointKind

__all__ = ["CheckpointLog"]

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class CheckpointLog:
    """Owns one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Checkpoint]:
        """The checkpoints, oldest first; a line that cannot be read is passed over.

        Raises OSError.
        """
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _understood(line)) is not None]

    def append(self, entry: Checkpoint) -> None:
        """Add one, durably. Raises OSError, and then nothing was added."""
        fd = os.open(self._path, _APPEND, 0o600)
        try:
            before = os.fstat(fd).st_size
            line = _line(entry)
            if before and not self._ends_well(before):
                line = b"\n" + line
            try:
                if os.write(fd, line) != len(line):
                    raise OSError(28, "No space left on device")
                os.fdatasync(fd)
            except OSError:
                os.ftruncate(fd, before)
                raise
        finally:
            os.close(fd)

    def replace(self, entries: Iterable[Checkpoint]) -> None:
        """Write it anew; a crash leaves the old list or the new one. Raises OSError."""
        temporary = self._path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.writelines(_line(entry) for entry in entries)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _ends_well(self, size: int) -> bool:
        with open(self._path, "rb") as file:
            file.seek(size - 1)
            return file.read(1) == b"\n"


def _line(entry: Checkpoint) -> bytes:
    return json.dumps(asdict(entry), separators=(",", ":")).encode("ascii") + b"\n"


def _understood(line: bytes) -> Checkpoint | None:
    try:
        facts = json.loads(line)
        return Checkpoint(**{**facts, "kind": CheckpointKind(facts["kind"])})
    except (ValueError, TypeError, KeyError):
        return None
