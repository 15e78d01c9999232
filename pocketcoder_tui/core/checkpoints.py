"""Checkpoints of the workspace: what is kept of each, what changed since, and what an undo did."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MAKING = "A checkpoint of the workspace is being made."
"""Why an allowed action is held that waits for its checkpoint."""


class CheckpointKind(StrEnum):
    """Why a checkpoint was made."""

    ACTION = "action"
    """Before an action that can write."""
    UNDO = "undo"
    """Before an undo, so that it can be undone."""
    HELD = "held"
    """No state of the workspace, but changes of files that the host runs, held for a decision."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The workspace as it was at a moment."""

    number: int
    """Counts from 1 in each workspace and is never used again."""
    tree: str
    """The whole of it: the id (hex) of a tree in the store."""
    at: float
    """Unix seconds."""
    kind: CheckpointKind
    label: str
    """What came next: the action's title, untrusted."""
    action_id: str = ""
    session_id: str = ""
    target: int = 0
    """For one before an undo: the number of the checkpoint that the undo went back to."""
    left: str = ""
    """The id (hex) of the list of what could not be kept; empty when all was."""


class How(StrEnum):
    """What happened to one file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MODE = "mode"
    """Only its permissions."""
    KIND = "kind"
    """A file, a link or a folder took another's place."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, link or folder that is not as it was."""

    path: str
    """Below the workspace, untrusted; a byte that is no UTF-8 is a lone surrogate."""
    how: How
    added: int | None = None
    """Lines; None when it is no text, or was not counted."""
    removed: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not the same in two states of the workspace."""

    changes: tuple[FileChange, ...]
    """The first of them, in the order of their paths."""
    total: int
    added: int
    """Lines, of the files that were counted."""
    removed: int
    guarded: tuple[str, ...] = ()
    """A sentence for each change, the first of them, of a file that the host runs or obeys; the
    names are untrusted. What belongs to git is in no other number here."""

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        return self.total == 0 and not self.guarded


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would do, as it is shown; the undo does this or nothing."""

    checkpoint: Checkpoint
    """Where it goes back to."""
    now: str
    """The tree (hex) that the workspace was when this was worked out."""
    difference: Difference
    """From now to then."""
    text: str
    """The difference as a unified diff, untrusted, bounded."""
    notes: tuple[str, ...]
    """What should be known first: files that the host runs, and what cannot be brought back."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What an undo did."""

    checkpoint: int
    """The number of the checkpoint that it went back to."""
    before: int
    """The number of the checkpoint that was made first; going back to it undoes the undo."""
    difference: Difference
    left: tuple[str, ...]
    """Sentences about what is not as it was; untrusted names are in them."""


# --- durable events


@dataclass(frozen=True, slots=True)
class CheckpointMade:
    """The workspace was kept before an action left; recorded together with its dispatch."""

    action_id: str
    number: int
    tree: str
    at: float
    kind: Literal["checkpoint_made"] = "checkpoint_made"


@dataclass(frozen=True, slots=True)
class CheckpointMissed:
    """An action leaves without a checkpoint: the person was told why, and allowed it."""

    action_id: str
    why: str
    at: float
    kind: Literal["checkpoint_missed"] = "checkpoint_missed"


@dataclass(frozen=True, slots=True)
class WorkspaceChanged:
    """What is different in the workspace since an action's checkpoint, after its end."""

    action_id: str
    tree: str
    difference: Difference
    beside: bool
    """True when other commands ran meanwhile: some of it may be theirs."""
    at: float
    kind: Literal["workspace_changed"] = "workspace_changed"


@dataclass(frozen=True, slots=True)
class WorkspaceRestored:
    """The person went back to a checkpoint."""

    restored: Restored
    label: str
    """What the checkpoint was made before."""
    at: float
    kind: Literal["workspace_restored"] = "workspace_restored"


@dataclass(frozen=True, slots=True)
class ActionTried:
    """The person tried a waiting command in a throw-away copy. No decision: it waits as before."""

    action_id: str
    digest: str
    status: int | None
    """As the copy reported it; None when it was ended by its limit."""
    seconds: float
    changed: int
    """Files that it would have changed."""
    at: float
    kind: Literal["action_tried"] = "action_tried"


WorkspaceEvent = (
    CheckpointMade | CheckpointMissed | WorkspaceChanged | WorkspaceRestored | ActionTried
)
