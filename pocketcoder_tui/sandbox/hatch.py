"""The folder through which the host hands things in: the box sees it and cannot change it.

It is bound read-only into the box, so a file that was put here is what a program in the box reads,
byte for byte, for as long as it lies here. Named pipes in it carry a program's input and output
past the engine: the kernel takes writes to a pipe on a read-only mount (EROFS is for regular
files, folders and links: open(2)), and the two daemons between cost more than all the rest.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.flags import HATCH

__all__ = ["Hatch", "PipePair"]

_FOLDER = 0o755
_FILE = 0o644
_PIPE = 0o666
"""The folder above is the person's alone (0700); inside, the box's user may have another number."""

_WRITE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class PipePair:
    """A program's input and output: paths in the box, and descriptors here. Owns these."""

    input_path: str
    output_path: str
    input_fd: int
    """Non-blocking; open for reading too until ``settle``, so that opening waits for nobody."""
    output_fd: int
    """Non-blocking."""

    def close(self) -> None:
        """Close both ends; the program sees the end of its input."""
        for fd in (self.input_fd, self.output_fd):
            os.close(fd)


class Hatch:
    """Owns one folder of the host's. Implements core's ``Drop``."""

    path = HATCH
    """Where the folder is inside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """On the host, absolute."""
        self._open: dict[str, int] = {}
        """Files that were written, by name: they are written again and again."""

    def prepare(self) -> None:
        """Make the folder, and clear away what an earlier process left. Raises SandboxError.

        The folder itself stays the same, because a running box is bound to it and not to its name.
        """
        self.close()
        with self._explained():
            self.folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            os.chmod(self.folder, _FOLDER)
            for name in os.listdir(self.folder):
                os.unlink(self.folder / name)

    @property
    def number(self) -> int:
        """Tells this folder from another one that took its name (st_ino); 0 when it is gone."""
        try:
            return os.stat(self.folder).st_ino
        except OSError:
            return 0

    def put(self, name: str, data: bytes) -> None:
        """Write a file there, or write it anew while nobody reads it.

        What was written is read back and compared. It is written in place and cut afterwards: to
        rename one file over another, or to cut one to nothing, makes ext4 write to the disk at
        once (ext4(5), auto_da_alloc; 0.18 ms here, against 0.01). Raises SandboxError.
        """
        with self._explained():
            fd = self._open.get(name)
            if fd is None:
                fd = self._open[name] = os.open(f"{self.folder}/{name}", _WRITE, _FILE)
                os.fchmod(fd, _FILE)
            _write_all(fd, data)
            os.ftruncate(fd, len(data))
            same = os.pread(fd, len(data) + 1, 0) == data
        if not same:
            raise SandboxError("What was written for the box is not what was approved.")

    def replace(self, name: str, data: bytes) -> None:
        """Put another file in a name's place at once; a reader has the old one or the new.

        Raises SandboxError.
        """
        new = self.folder / f".{name}.{secrets.token_hex(8)}"
        with self._explained():
            fd = os.open(new, _WRITE | os.O_EXCL, _FILE)
            try:
                os.fchmod(fd, _FILE)
                _write_all(fd, data)
                os.rename(new, self.folder / name)
            except BaseException:
                os.unlink(new)
                raise
            finally:
                os.close(fd)

    def close(self) -> None:
        """Let go of the files; they stay."""
        while self._open:
            os.close(self._open.popitem()[1])

    def remove(self, name: str) -> None:
        """Take a file away; one that is gone is no failure."""
        fd = self._open.pop(name, None)
        if fd is not None:
            os.close(fd)
        with contextlib.suppress(OSError):
            os.unlink(f"{self.folder}/{name}")

    def open_pipes(self) -> PipePair:
        """Make a pair of pipes and open our ends. Raises SandboxError."""
        name = secrets.token_hex(8)
        ours = [self.folder / f"{name}.{end}" for end in ("in", "out")]
        with self._explained():
            for path in ours:
                os.mkfifo(path)
                os.chmod(path, _PIPE)
            output_fd = os.open(ours[1], os.O_RDONLY | _OPEN)
            try:
                input_fd = os.open(ours[0], os.O_RDWR | _OPEN)
            except OSError:
                os.close(output_fd)
                raise
        inside = [f"{self.path}/{path.name}" for path in ours]
        return PipePair(inside[0], inside[1], input_fd, output_fd)

    def settle(self, pair: PipePair) -> None:
        """The program has its ends: write only from now on, so that its end is noticed.

        The names go, so that nobody else opens them. Raises SandboxError.
        """
        with self._explained():
            writer = os.open(self.folder / Path(pair.input_path).name, os.O_WRONLY | _OPEN)
        os.close(pair.input_fd)
        pair.input_fd = writer
        self.forget(pair)

    def forget(self, pair: PipePair) -> None:
        """Take the pipes' names away."""
        for path in (pair.input_path, pair.output_path):
            self.remove(Path(path).name)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SandboxError(
                f"Nothing could be handed to the box: {error.strerror} ({self.folder}).",
                hint="Look at the disk and at the permissions of that folder.",
            ) from error


def _write_all(fd: int, data: bytes) -> None:
    at = os.pwrite(fd, data, 0)
    while at < len(data):
        at += os.pwrite(fd, memoryview(data)[at:], at)
