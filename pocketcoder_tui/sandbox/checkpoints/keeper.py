"""The checkpoints of one workspace: taken, compared, gone back to, and pruned. Blocking."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.checkpoints import (
    Checkpoint,
    CheckpointKind,
    Difference,
    Restored,
    UndoPlan,
)
from pocketcoder_tui.core.errors import CheckpointError, PlanStale
from pocketcoder_tui.core.holding import Hold, Placed
from pocketcoder_tui.sandbox.checkpoints import index
from pocketcoder_tui.sandbox.checkpoints.beside import Beside
from pocketcoder_tui.sandbox.checkpoints.difference import (
    Change,
    bounded,
    changes_between,
    summary,
    text_of,
)
from pocketcoder_tui.sandbox.checkpoints.holder import Holder
from pocketcoder_tui.sandbox.checkpoints.objects import BLOB
from pocketcoder_tui.sandbox.checkpoints.pruning import MANY_PACKS, prune
from pocketcoder_tui.sandbox.checkpoints.restoring import Kept, Restorer
from pocketcoder_tui.sandbox.checkpoints.steps import entry_of, last_step, listed, notes_of
from pocketcoder_tui.sandbox.checkpoints.store import Store, explained
from pocketcoder_tui.sandbox.checkpoints.sweeping import Sweeper
from pocketcoder_tui.sandbox.checkpoints.walking import Left, Limits, Walker

__all__ = ["CheckpointKeeper"]

log = logging.getLogger(__name__)

_DOING = "No checkpoint can be made"
_CANNOT = "The undo cannot be done"


class CheckpointKeeper:
    """Owns the store and what is known of the workspace. One thread at a time."""

    def __init__(
        self,
        workspace: Path,
        folder: Path,
        limits: Limits | None = None,
        *,
        days: int = 0,
        base: Store | None = None,
        guarded: Callable[[str], str] = lambda path: "",
        harmless: Callable[[str, bytes, bytes], bool] = lambda path, old, new: False,
    ) -> None:
        """``days``: how long checkpoints are kept, 0 for ever; ``guarded`` says why a path matters
        to the host, empty when it does not; ``harmless`` that a change of one does not. ``base``:
        a store that is only read, and whose checkpoints these are; what is new goes to ``folder``,
        and nothing can be brought back.
        """
        self._workspace = workspace
        self._limits = limits or Limits()
        self._days = days
        self._guarded = guarded
        self._stop = threading.Event()
        self._base = base
        self._store = Store(folder, base=base)
        self._index = folder / "index"
        self._undoing = folder / "undoing"
        self._walker = Walker(workspace, self._limits, self._stop)
        self._left: list[Left] = []
        self._beside = Beside(guarded)
        self._now = b""
        """The tree of the last walk."""
        self._holder = Holder(workspace, self._store, self._walker, guarded, harmless)
        self._sweeper = Sweeper(workspace)
        self._entries: list[Checkpoint] = []
        self._open = False
        self.crowded = False
        """True when ``prune`` is due."""

    def __enter__(self) -> "CheckpointKeeper":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self._store

    def open(self, *, writing: bool = True) -> None:
        """Read what is there; nothing happens when it is open. Raises CheckpointError."""
        if self._open:
            return
        self._store.open(writing=writing)
        source = self._base or self._store
        with explained("The list of checkpoints cannot be read"):
            self._entries = source.log.read()
        if writing:
            self._walker.root = index.load(source.folder / "index", self._store)
        self._open = True

    def halt(self) -> None:
        """End a walk that is under way, from another thread; no other begins."""
        self._stop.set()

    def close(self) -> None:
        """Keep what is known for the next process, and let go of the store."""
        if self._open and self._walker.root.id and self._base is None:
            try:
                index.save(self._index, self._walker.root)
            except OSError as error:
                log.warning("what is known of the workspace was not kept: %s", error)
        self._open = False
        self._store.close()

    # --- looking and taking

    def look(self) -> str:
        """Bring what is kept up to date with the workspace; returns the tree (hex).

        Raises CheckpointError, or Stopped after ``halt``.
        """
        self.open()
        return self._walk().hex()

    def take(
        self,
        label: str,
        *,
        kind: CheckpointKind = CheckpointKind.ACTION,
        action_id: str = "",
        session_id: str = "",
        target: int = 0,
    ) -> Checkpoint:
        """Make a checkpoint, durably. Raises CheckpointError, or Stopped after ``halt``."""
        self._sweeper.begin()
        tree = self._ready()
        with explained(_DOING):
            left = self._keep_left()
            failpoints.reach("before log", "checkpoint")
            entry = self._log(
                Checkpoint(
                    self._next_number(), tree.hex(), time.time(), kind, label, action_id,
                    session_id, target, left,
                )
            )  # fmt: skip
            failpoints.reach("after log", "checkpoint")
            self.crowded = self._store.size > self._limits.space or self._store.packs > MANY_PACKS
        self._beside.remember(entry.tree, self._walker, self._left)
        return entry

    def since(self, tree: str) -> tuple[str, Difference]:
        """The workspace's tree now, after a sweep, and what differs from another one.

        Raises CheckpointError.
        """
        swept = self.sweep()
        now = self._ready()
        found = self._compared(tree, now)
        self._beside.remember(now.hex(), self._walker, self._left)
        return now.hex(), replace(found, guarded=bounded([*swept, *found.guarded]))

    def sweep(self) -> tuple[str, ...]:
        """Take away what no command may leave, of all that is newer than the last sweep or, before
        it, the first checkpoint of this process; says what that was. Raises CheckpointError."""
        self.open()
        with explained("The workspace cannot be searched for setuid files"):
            return self._sweeper.sweep(self._entries[-1].at if self._entries else 0.0)

    # --- what the host runs

    def strays(self, since: str = "") -> tuple[str, ...]:
        """Sentences about files that the host runs and that the last look saw changed since all
        might stand; without any, all may. ``since``: what stood when this process accepted nothing.
        """
        if since and not self._holder.accepted:
            self._holder.accept(bytes.fromhex(since), ())
        if not (accepted := self._holder.accepted):
            return ()
        found = self._compared(accepted.hex(), self._now).guarded
        if not found:
            self.accept()
        return found

    def accept(self) -> None:
        """All that the last look saw may stand."""
        self._holder.accept(self._now, self._left)
        self._beside.remember(self._now.hex(), self._walker, self._left)

    def hold(
        self, covered: Iterable[str] = (), *, onto: str = "", action_id: str = ""
    ) -> Hold | None:
        """Keep, durably, what the last look saw of files that the host runs and that may not stand.

        ``covered``: paths that a decision named. ``onto``: a hold that waits and is joined with it.
        Without any, all that was seen is accepted. Raises CheckpointError.
        """
        changes = self._holder.find(self._now, frozenset(covered))
        if not changes:
            self.accept()
            return None
        batch = self._store.batch(self._limits.space)
        try:
            with explained(_DOING):
                tree, whole = self._holder.keep(batch, changes, onto)
                batch.finish()
                number, kind = self._next_number(), CheckpointKind.HELD
                self._log(Checkpoint(number, tree.hex(), time.time(), kind, "", action_id))
        except BaseException:
            batch.abandon()
            raise
        return self._holder.described(tree, whole)

    def put_back(self, tree: str) -> Placed:
        """Bring back what was there before a hold; done twice it changes nothing more."""
        return self._holder.put_back(tree, self._ready(), self._left, self._walk)

    def place(self, tree: str) -> Placed:
        """Put in place what a hold keeps, all or nothing; done twice it changes nothing more."""
        return self._holder.place(tree, self._ready(), self._left)

    def changes_since(self, tree: str) -> tuple[Difference, str]:
        """What differs from another tree: counted, and as a text. Raises CheckpointError."""
        old, now = bytes.fromhex(tree), self._ready()
        found = changes_between(self._store, old, now)
        return summary(self._store, old, now), text_of(self._store, found)

    def left(self) -> int:
        """How many things the last look could not keep."""
        return len(self._left)

    def entries(self) -> Sequence[Checkpoint]:
        """All checkpoints, oldest first; takes no lock. Raises CheckpointError."""
        if not self._open:
            with explained("The list of checkpoints cannot be read"):
                return listed(self._store.log.read())
        return listed(self._entries)

    # --- going back

    def plan(self, number: int = 0) -> UndoPlan:
        """Work out what an undo would do; without a number the last step that changed something.

        Raises CheckpointError when there is no such checkpoint, or nothing to undo.
        """
        now = self._ready()
        entry = entry_of(self._entries, number) if number else last_step(self._entries, now.hex())
        changes = self._changes(now, entry)
        difference = summary(self._store, now, bytes.fromhex(entry.tree))
        notes = tuple(notes_of(changes, self._kept(entry), self._guarded))
        return UndoPlan(entry, now.hex(), difference, text_of(self._store, changes), notes)

    def restore(self, plan: UndoPlan) -> Restored:
        """Do what a plan shows, after a checkpoint of its own; ``settled`` is to follow.

        Raises PlanStale when the workspace is not as it was shown, or CheckpointError.
        """
        if self._base is not None:
            raise CheckpointError("These checkpoints are only looked at here.")
        entry = entry_of(self._entries, plan.checkpoint.number)
        now = self._ready()
        changes = self._changes(now, entry)
        if now.hex() != plan.now and changes != self._changes(bytes.fromhex(plan.now), entry):
            raise PlanStale("The workspace changed since this was shown. Nothing was done.")
        label = f"undo to {entry.number}"
        before = self.take(label, kind=CheckpointKind.UNDO, target=entry.number)
        kept = self._kept(entry)
        aside = f".before-undo-{before.number}"
        restorer = Restorer(self._workspace, self._store, self._walker, aside)
        with explained(_CANNOT):
            self._undoing.write_text(f"{before.number} {entry.number}\n", encoding="ascii")
            restorer.apply(changes, kept)
        failpoints.reach("after changes", "undo")
        self._holder.grant(changes)
        difference = summary(self._store, bytes.fromhex(before.tree), bytes.fromhex(entry.tree))
        return Restored(entry.number, before.number, difference, tuple(restorer.left))

    def settled(self) -> None:
        """The undo is recorded where it is accounted for. Raises CheckpointError."""
        with explained(_CANNOT):
            self._undoing.unlink(missing_ok=True)

    def unfinished(self) -> tuple[int, int] | None:
        """The checkpoint before an undo that a crash cut short, and its target; told once."""
        try:
            before, target = self._undoing.read_text(encoding="ascii").split()
            self._undoing.unlink()
            return int(before), int(target)
        except (OSError, ValueError):
            return None

    # --- keeping house

    def prune(self, *, forget: Iterable[str] = ()) -> int:
        """Drop what is too old or too much, and all that belongs to the actions in ``forget``.

        Returns how many checkpoints went. Raises CheckpointError.
        """
        self.open()
        oldest = time.time() - self._days * 86_400 if self._days else 0.0
        gone = set(forget)
        kept = [e for e in self._entries if e.at >= oldest and e.action_id not in gone]
        before = len(self._entries)
        with explained("Old checkpoints cannot be removed"):
            self._entries = prune(
                self._store,
                self._entries,
                kept,
                space=self._limits.space,
                roots=(self._walker.root.id, self._holder.accepted),
                forget=bool(gone),
            )
            self.crowded = False
        return before - len(self._entries)

    def save(self) -> None:
        """Keep what is known for a process that follows a crash of this one."""
        with explained("What is known of the workspace cannot be kept"):
            index.save(self._index, self._walker.root)

    # --- inside

    def _log(self, entry: Checkpoint) -> Checkpoint:
        """Add to the list, durably. Raises OSError."""
        self._store.log.append(entry)
        self._entries.append(entry)
        return entry

    def _compared(self, tree: str, now: bytes) -> Difference:
        found = summary(self._store, bytes.fromhex(tree), now, self._guarded)
        beside = self._beside.changed(tree, self._walker, self._left)
        return replace(found, guarded=bounded([*beside, *found.guarded])) if beside else found

    def _ready(self) -> bytes:
        self.open()
        return self._walk()

    def _walk(self) -> bytes:
        batch = self._store.batch(self._limits.space)
        try:
            with explained(_DOING):
                tree, self._left = self._walker.walk(batch)
                failpoints.reach("after walk", "checkpoint")
                batch.finish()
        except BaseException:
            # What is known may name content that is not in the store.
            self._walker.root = type(self._walker.root)()
            batch.abandon()
            raise
        self._now = tree
        return tree

    def _keep_left(self) -> str:
        if not self._left:
            return ""
        batch = self._store.batch(self._limits.space)
        try:
            text = json.dumps([[left.path, left.why] for left in self._left])
            id_ = batch.add(BLOB, text.encode("ascii"))
            batch.finish()
        except BaseException:
            batch.abandon()
            raise
        return id_.hex()

    def _left_of(self, entry: Checkpoint) -> dict[bytes, str]:
        if not entry.left:
            return {}
        with explained("A checkpoint cannot be read"):
            pairs = json.loads(self._store.blob(bytes.fromhex(entry.left)))
            return {os.fsencode(path): why for path, why in pairs}

    def _kept(self, entry: Checkpoint) -> Kept:
        now = {os.fsencode(left.path): left.why for left in self._left}
        return Kept(self._left_of(entry), now)

    def _changes(self, now: bytes, entry: Checkpoint) -> list[Change]:
        return list(changes_between(self._store, now, bytes.fromhex(entry.tree)))

    def _next_number(self) -> int:
        """One more than any before, pruned ones too."""
        return self._entries[-1].number + 1 if self._entries else 1
