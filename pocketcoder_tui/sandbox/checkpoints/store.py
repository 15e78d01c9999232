"""The store of checkpoints: a bare git repository in SHA-256 form, outside the workspace.

``git --git-dir=FOLDER ls-tree -r TREE`` and ``git diff TREE TREE`` read it; nothing here runs git.
What is read is compared with its name, so a damaged object is an error and never a wrong file.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.sandbox.checkpoints.log import CheckpointLog
from pocketcoder_tui.sandbox.checkpoints.objects import (
    BLOB,
    EMPTY_TREE,
    TREE,
    Items,
    decode_tree,
    object_id,
)
from pocketcoder_tui.sandbox.checkpoints.packs import (
    SUM,
    PackWriter,
    Place,
    read_index,
    read_object,
)

__all__ = ["Batch", "Store", "explained"]

_CONFIG = """[core]
\trepositoryformatversion = 1
\tbare = true
[extensions]
\tobjectformat = sha256
"""
_SMALL = 4 << 20
"""Bytes below which a pack may be joined to others."""
_OPEN_PACKS = 32
"""Packs whose files are held open."""


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what the disk says into a sentence. Raises CheckpointError."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CheckpointError(
            f"{doing}: {why[:1].lower()}{why[1:]}.",
            hint="Free some space on the disk of the state folder, or look at its permissions.",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"{doing}: the store of checkpoints is damaged ({error}).",
            hint="Delete the folder `checkpoints` of the state folder to begin anew.",
        ) from error


class Store:
    """Owns the folder and, for writing, its lock. Not for several threads at once."""

    def __init__(self, folder: Path, *, base: "Store | None" = None) -> None:
        """``base``: another store that is looked into as well, and is not written to."""
        self.folder = folder
        self.log = CheckpointLog(folder / "log")
        self._packs = folder / "objects" / "pack"
        self._base = base
        self._lock = -1
        self._places: dict[bytes, Place] = {}
        self._fds: dict[str, int] = {}

    def open(self, *, writing: bool) -> None:
        """Read what is there, in the base too; for writing, make the folder and take its lock.

        Raises CheckpointError, also when another process writes.
        """
        with explained("The store of checkpoints cannot be opened"):
            if self._base is not None:
                self._base.open(writing=False)
            if writing:
                self._take_lock()
                self._make()
                self._sweep()
            self.reload()

    def reload(self) -> None:
        """Read the packs' indexes again. Raises OSError or ValueError."""
        self._close_packs()
        self._places = {}
        for pack in sorted(self._packs.glob("pack-*.pack")):
            self._places |= read_index(pack.with_suffix(".idx"))

    def close(self) -> None:
        """Let go of files and lock."""
        self._close_packs()
        if self._base is not None:
            self._base.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def __contains__(self, id_: bytes) -> bool:
        return id_ in self._places or (self._base is not None and id_ in self._base)

    @property
    def size(self) -> int:
        """Bytes of all packs. Raises OSError."""
        return sum(pack.stat().st_size for pack in self._packs.glob("pack-*.pack"))

    @property
    def packs(self) -> int:
        """How many packs there are."""
        return sum(1 for _ in self._packs.glob("pack-*.pack"))

    def batch(self, limit: int) -> "Batch":
        """Begin to add objects; ``limit`` is in bytes, as they are packed."""
        return Batch(self, self._packs, limit)

    def take(self, places: dict[bytes, Place]) -> None:
        """A batch was finished."""
        self._places |= places

    def tree(self, id_: bytes) -> Items:
        """A tree. Raises CheckpointError."""
        if id_ == EMPTY_TREE:
            return {}
        with explained("A checkpoint cannot be read"):
            return decode_tree(self._read(id_, TREE))

    def blob(self, id_: bytes) -> bytes:
        """A file's content, or where a link leads. Raises CheckpointError."""
        with explained("A checkpoint cannot be read"):
            return self._read(id_, BLOB)

    def join_small(self) -> None:
        """Bring what is in small packs into one. Raises CheckpointError."""
        small = [p for p in self._packs.glob("pack-*.pack") if p.stat().st_size < _SMALL]
        names = {pack.stem for pack in small}
        self._rewrite([id_ for id_, (name, _) in self._places.items() if name in names], small)

    def compact(self, wanted: Iterable[bytes]) -> None:
        """Keep these objects in one pack, and drop all else. Raises CheckpointError."""
        self._rewrite(wanted, list(self._packs.glob("pack-*.pack")))

    def weight(self, wanted: Iterable[bytes]) -> int:
        """Bytes that these objects take in their packs. Raises OSError."""
        ends = self._ends()
        return sum(ends[place] - place[1] for place in map(self._places.__getitem__, wanted))

    def _rewrite(self, wanted: Iterable[bytes], old: list[Path]) -> None:
        """Copy objects into a new pack, and drop the packs ``old``.

        A crash leaves the old packs, or both, or the new one. Raises CheckpointError.
        """
        with explained("The store of checkpoints cannot be tidied"):
            ends = self._ends()
            writer = PackWriter(self._packs)
            try:
                for id_ in sorted(wanted, key=lambda id_: self._places[id_]):
                    place = name, offset = self._places[id_]
                    writer.copy(id_, os.pread(self._open_pack(name), ends[place] - offset, offset))
                places = writer.finish()
            except BaseException:
                writer.abandon()
                raise
            self._close_packs()
            gone = {pack.stem for pack in old} - {name for name, _ in places.values()}
            self._places = {i: p for i, p in self._places.items() if p[0] not in gone} | places
            for pack in old:
                if pack.stem in gone:
                    pack.unlink()
                    pack.with_suffix(".idx").unlink()

    def _ends(self) -> dict[Place, int]:
        """Where each object ends: where the next one begins, or the pack's own sum. Raises OSError.

        They are copied as they stand; what is damaged is found when it is read, by its name.
        """
        offsets: dict[str, list[int]] = {}
        for name, offset in self._places.values():
            offsets.setdefault(name, []).append(offset)
        ends: dict[Place, int] = {}
        for name, begins in offsets.items():
            begins.sort()
            last = (self._packs / f"{name}.pack").stat().st_size - SUM
            for offset, end in zip(begins, [*begins[1:], last], strict=True):
                ends[name, offset] = end
        return ends

    def _read(self, id_: bytes, kind: int) -> bytes:
        if id_ not in self._places and self._base is not None:
            return self._base._read(id_, kind)
        if id_ not in self._places:
            raise ValueError("an object is not there any more")
        name, offset = self._places[id_]
        found, data = read_object(self._open_pack(name), offset, id_)
        if found != kind:
            raise ValueError("an object is of another type")
        return data

    def _open_pack(self, name: str) -> int:
        fd = self._fds.pop(name, -1)
        if fd < 0:
            fd = os.open(self._packs / f"{name}.pack", os.O_RDONLY | os.O_CLOEXEC)
        self._fds[name] = fd  # the last used is the last to go
        while len(self._fds) > _OPEN_PACKS:
            os.close(self._fds.pop(next(iter(self._fds))))
        return fd

    def _close_packs(self) -> None:
        while self._fds:
            os.close(self._fds.popitem()[1])

    def _take_lock(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._lock = os.open(self.folder / "lock", flags, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise CheckpointError(
                "Another pocketcoder uses the checkpoints of this workspace.",
                hint="Press u there, or quit it first.",
            ) from error

    def _make(self) -> None:
        """What makes git take the folder for a repository."""
        self._packs.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "refs").mkdir(mode=0o700, exist_ok=True)
        for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", _CONFIG)):
            place = self.folder / name
            if not place.exists():
                place.write_text(text, encoding="ascii")

    def _sweep(self) -> None:
        """Take away what a crash left half done."""
        for place in self._packs.iterdir():
            index = place.with_suffix(".idx")
            torn = place.name.startswith("tmp-") or (
                place.suffix == ".idx" and not place.with_suffix(".pack").exists()
            )
            if torn or (place.suffix == ".pack" and not index.exists()):
                place.unlink()


class Batch:
    """Objects on their way into a store: all of them, or none."""

    def __init__(self, store: Store, folder: Path, limit: int) -> None:
        self._store = store
        self._folder = folder
        self._limit = limit
        self._writer: PackWriter | None = None

    @property
    def objects(self) -> int:
        """How many are new."""
        return len(self._writer) if self._writer is not None else 0

    def add(self, kind: int, data: bytes) -> bytes:
        """Add an object that may be there already; returns its id.

        Raises OSError, or CheckpointError beyond the limit.
        """
        id_ = object_id(kind, data)
        if id_ in self._store or (self._writer is not None and id_ in self._writer):
            return id_
        if self._writer is None:
            self._writer = PackWriter(self._folder)
        self._writer.add(kind, data, id_)
        if self._writer.size > self._limit:
            raise CheckpointError(
                "The workspace holds more than checkpoints may take.",
                hint="Raise POCKETCODER_CHECKPOINT_SPACE, or lower POCKETCODER_CHECKPOINT_FILE.",
            )
        return id_

    def finish(self) -> None:
        """Bring them to the disk; nothing is written when all were there. Raises OSError."""
        if self._writer is not None:
            self._store.take(self._writer.finish())
            self._writer = None

    def abandon(self) -> None:
        """Forget them."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
