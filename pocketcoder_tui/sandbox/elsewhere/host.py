"""The host's side of a workspace that is carried: what it holds, and what is brought to it.

Everything is written by what brings a checkpoint back (checkpoints.restoring): through no link,
over nothing that changed meanwhile, in one step for each file.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.folders import Stamp
from pocketcoder_tui.sandbox.checkpoints.objects import BLOB, Item, object_id
from pocketcoder_tui.sandbox.checkpoints.restoring import Kept, Restorer
from pocketcoder_tui.sandbox.checkpoints.store import Store, explained
from pocketcoder_tui.sandbox.checkpoints.walking import Limits, Node, Walker
from pocketcoder_tui.sandbox.elsewhere.manifest import Manifest

__all__ = ["HostSide", "Memory", "Seen"]

log = logging.getLogger(__name__)

LIMITS = Limits(file=256 << 20, space=8 << 30)
"""A larger file stays where it is."""
STORE = 2 << 30
"""Bytes of contents that are kept between two processes."""

Seen = tuple[Stamp, bytes, bool]
"""As checkpoints.walking.Known: of a file of the box."""


@dataclass(slots=True)
class Memory:
    """What is known of both sides when nothing is on its way."""

    volume: str = ""
    """Which of the engine's volumes this is about."""
    agreed: Manifest = field(default_factory=dict)
    there: dict[bytes, Seen] = field(default_factory=dict)


class HostSide:
    """Owns the contents that were seen and the memory, in a folder of ours. Blocking, one thread
    at a time."""

    def __init__(self, workspace: Path, folder: Path) -> None:
        self._workspace = workspace
        self._folder = folder
        self._store = Store(folder / "contents")
        self._walker = Walker(workspace, LIMITS, git=True)
        self._memory = folder / "memory"
        self._open = False
        self.left: dict[bytes, str] = {}
        """What the last look could not keep, and why."""

    def open(self) -> Memory:
        """Begin. Raises CheckpointError, also when another process carries this workspace."""
        if not self._open:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store.open(writing=True)
            if self._store.size > STORE:
                self._store.close()
                shutil.rmtree(self._store.folder)
                self._store.open(writing=True)
            self._open = True
        return self._read()

    def close(self) -> None:
        """Let go."""
        self._store.close()
        self._open = False

    def look(self) -> Manifest:
        """What the workspace holds now. Raises CheckpointError."""
        batch = self._store.batch(LIMITS.space)
        try:
            with explained("The workspace cannot be carried to the box"):
                _, left = self._walker.walk(batch)
                batch.finish()
        except BaseException:
            self._walker.root = Node()
            batch.abandon()
            raise
        self.left = {os.fsencode(one.path): one.why for one in left}
        found: Manifest = {}
        _flatten(self._walker.root, b"", found)
        return found

    def keep(self, contents: Iterable[bytes]) -> list[bytes]:
        """Keep contents; returns their ids. Raises CheckpointError."""
        batch = self._store.batch(LIMITS.space)
        try:
            with explained("What the box sent cannot be kept"):
                ids = [batch.add(BLOB, content) for content in contents]
                batch.finish()
        except BaseException:
            batch.abandon()
            raise
        return ids

    def content(self, id_: bytes) -> bytes:
        """A content that was kept. Raises CheckpointError."""
        return self._store.blob(id_)

    def changed(self, path: bytes) -> int:
        """When a file of the workspace changed last, seconds; for a link or a folder 0."""
        known = self._walker.known(path)
        return known[0][2] // 1_000_000_000 if known is not None else 0

    def bring(self, changes: Sequence[Change]) -> list[str]:
        """Make the workspace like this; returns sentences about what is not.

        Raises CheckpointError.
        """
        restorer = Restorer(self._workspace, self._store, self._walker, ".was-here")
        with explained("What the box wrote cannot be brought to the workspace"):
            restorer.apply(changes, Kept({}, self.left))
        return restorer.left

    def save(self, memory: Memory) -> None:
        """Remember for a later process; what cannot be kept costs another look only."""
        said = {
            "volume": memory.volume,
            "agreed": {_text(p): [item.mode, item.id.hex()] for p, item in memory.agreed.items()},
            "there": {_text(p): [*s, i.hex(), sure] for p, (s, i, sure) in memory.there.items()},
        }
        new = self._memory.with_suffix(".new")
        try:
            new.write_text(json.dumps(said), encoding="ascii")
            new.replace(self._memory)
        except OSError as error:
            log.warning("what both sides agreed on was not kept: %s", error)

    def _read(self) -> Memory:
        try:
            said = json.loads(self._memory.read_text(encoding="ascii"))
            return Memory(
                str(said["volume"]),
                {_path(p): Item(int(m), bytes.fromhex(i)) for p, (m, i) in said["agreed"].items()},
                {
                    _path(p): ((int(a), int(b), int(c), int(d), int(e)), bytes.fromhex(i), bool(s))
                    for p, (a, b, c, d, e, i, s) in said["there"].items()
                    if bytes.fromhex(i) in self._store
                },
            )
        except FileNotFoundError:
            return Memory()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("what both sides agreed on cannot be read: %s", error)
            return Memory()


def link_id(target: bytes) -> bytes:
    """The id of a link's content."""
    return object_id(BLOB, target)


def _flatten(node: Node, path: bytes, into: Manifest) -> None:
    for name, known in node.files.items():
        into[path + os.fsencode(name)] = Item(known[0][0], known[1])
    for name, below in node.folders.items():
        here = path + os.fsencode(name)
        into[here] = Item(below.mode, b"")
        _flatten(below, here + b"/", into)


def _text(path: bytes) -> str:
    return os.fsdecode(path)


def _path(text: str) -> bytes:
    return os.fsencode(text)
