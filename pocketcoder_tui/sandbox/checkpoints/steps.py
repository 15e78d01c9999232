"""The list of checkpoints as steps that an undo can go back to. Pure."""

import os
from collections.abc import Callable, Iterable, Sequence

from pocketcoder_tui.core.checkpoints import Checkpoint, CheckpointKind
from pocketcoder_tui.core.errors import CheckpointError
from pocketcoder_tui.sandbox.checkpoints.difference import Change
from pocketcoder_tui.sandbox.checkpoints.restoring import Kept

__all__ = ["entry_of", "last_step", "listed", "notes_of"]


def listed(entries: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Those of the whole workspace."""
    return tuple(entry for entry in entries if entry.kind is not CheckpointKind.HELD)


def entry_of(entries: Iterable[Checkpoint], number: int) -> Checkpoint:
    """One by its number. Raises CheckpointError."""
    for entry in listed(entries):
        if entry.number == number:
            return entry
    raise CheckpointError(f"There is no checkpoint {number}.", hint="Run: pocketcoder checkpoints.")


def last_step(every: Iterable[Checkpoint], now: str) -> Checkpoint:
    """Where a plain undo goes: before the last action that changed something.

    Right after an undo it goes on from where that one led, further back. Raises CheckpointError.
    """
    entries: Sequence[Checkpoint] = listed(every)
    if entries and entries[-1].kind is CheckpointKind.UNDO:
        target = entries[-1].target
        led_to = next((e for e in entries if e.number == target), None)
        if led_to is not None and led_to.tree == now:
            entries = [e for e in entries if e.number < target]
    for entry in reversed(entries):
        if entry.tree != now:
            return entry
    hint = "Checkpoints are made before actions that can write."
    if entries:
        hint = "Other checkpoints: pocketcoder checkpoints."
    raise CheckpointError("There is nothing to undo.", hint=hint)


def notes_of(changes: Sequence[Change], kept: Kept, guarded: Callable[[str], str]) -> Iterable[str]:
    """What should be known before an undo."""
    for change in changes:
        path = os.fsdecode(change.path)
        if why := guarded(path):
            yield f"{path}: {why}."
        if change.how.value == "removed" and (why := kept.held_then(change.path)):
            yield f"{path} stays: the checkpoint did not keep it, because {why}."
        if (why := kept.now.get(change.path, "")) and change.new is not None:
            yield f"{path} is in the way and gets another name: {why}."
    for held, why in kept.now.items():
        if held not in kept.then and not any(c.path == held for c in changes):
            yield f"{os.fsdecode(held)} is not kept in checkpoints and stays: {why}."
