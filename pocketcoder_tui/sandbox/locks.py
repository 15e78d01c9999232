"""One process at a time changes a workspace's container: a lock that dies with its holder."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError

__all__ = ["held"]


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock of that name (flock(2)); waits for its holder. Blocking.

    The file is in this user's runtime folder, where nothing in a box can reach it. Raises
    SandboxError.
    """
    path = _folder() / f"{name}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SandboxError(f"Could not open {path}: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _folder() -> Path:
    """``$XDG_RUNTIME_DIR/pocketcoder``, else a folder of this user's own beside temporary files."""
    uid = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        folder = Path(runtime) / "pocketcoder"
    else:
        folder = Path(tempfile.gettempdir()) / f"pocketcoder-{uid}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise SandboxError(f"Could not make {folder}: {error.strerror}.") from error
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != uid or facts.st_mode & 0o022:
        raise SandboxError(
            f"{folder} belongs to somebody else.", hint="Remove it, or set XDG_RUNTIME_DIR."
        )
    return folder
