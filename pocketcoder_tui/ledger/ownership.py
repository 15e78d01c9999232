"""Who owns a ledger: a lock that the system takes back when its holder dies, and the holder's pid.

``<ledger>.lock`` is a file of its own because closing any descriptor of the database itself would
drop SQLite's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.ledger import failures

_PROBES = 1000
"""How often to look again while only a probe is in the way, which holds for microseconds."""


class Ownership:
    """Owns the lock on one ledger, from construction to ``release`` or the process's end."""

    def __init__(self, path: Path) -> None:
        """Take the lock for the ledger at ``path``; its folder exists.

        Raises LedgerError at once when another process (or this one) owns it, or when the lock
        file cannot be made.
        """
        lock = lock_path(path)
        try:
            self._fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failures.from_os(path, error) from error
        try:
            taken = _take(self._fd)
        except OSError as error:
            os.close(self._fd)
            raise failures.from_os(path, error) from error
        if not taken:
            pid = _read_pid(self._fd)
            os.close(self._fd)
            raise LedgerError(owned_by(pid, owned_since(path)), hint=failures.BUSY_HINT)
        # On a full disk the lock holds all the same, and only the answer's pid is missing.
        with suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Give the lock back; doing it twice is harmless."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def lock_path(path: Path) -> Path:
    """The lock file that belongs to a ledger."""
    return path.with_name(path.name + ".lock")


def owner_of(path: Path) -> int | None:
    """The pid of the process that owns a ledger, 0 when it is unknown, None when nobody does.

    Takes nothing away from anybody. Raises LedgerError when the lock file cannot be read.
    """
    try:
        fd = os.open(lock_path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failures.from_os(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(fd)
    finally:
        os.close(fd)
    return None


def owned_since(path: Path) -> float:
    """When the pid was written into a ledger's lock, Unix seconds; 0 when nobody can tell."""
    try:
        return lock_path(path).lstat().st_mtime
    except OSError:
        return 0.0


def owned_by(pid: int, since: float = 0.0) -> str:
    """The sentence for a ledger that has an owner; ``since`` in Unix seconds, 0 when unknown."""
    when = f" since {time.strftime('%Y-%m-%d %H:%M', time.localtime(since))}" if since else ""
    which = f" (process {pid}{',' if when else ''}{when})" if pid else ""
    return f"Another pocketcoder{which} owns this workspace's ledger."


def _take(fd: int) -> bool:
    """Take the lock for writing, or say that it has an owner.

    ``owner_of`` holds a shared lock for a moment. A shared lock that is granted where the
    exclusive one is not means that only such a moment is in the way.
    """
    for _ in range(_PROBES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            fcntl.flock(fd, fcntl.LOCK_UN)
            os.sched_yield()
        else:
            return True
    return False


def _read_pid(fd: int) -> int:
    """The pid in a lock file, 0 when there is none yet."""
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0
