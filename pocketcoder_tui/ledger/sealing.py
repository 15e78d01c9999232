"""What the file of a ledger is once it was closed in order: known by its sha256, byte for byte."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pocketcoder_tui.ledger.head import FileSum, pieces
from pocketcoder_tui.ledger.opening import Opening


def seal(path: Path, opened: Opening) -> None:
    """Write the sum of a closed ledger's file into its head, while it is still owned.

    Where the log could not be taken in, or the head cannot be written, there is no sum, as after a
    kill: then the records alone say what is right.
    """
    with suppress(OSError):
        log = path.with_name(path.name + "-wal")
        if not log.exists() or log.stat().st_size == 0:
            opened.head.seal(sum_of(opened.file))


def sum_of(fd: int) -> FileSum:
    """Read an open file as a whole. Raises OSError."""
    digest, size = sha256(), 0
    for piece in pieces(fd):
        digest.update(piece)
        size += len(piece)
    return FileSum(size, digest.hexdigest())
