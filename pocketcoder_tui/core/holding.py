"""Files that the host runs and that a program changed: put back, and held for a decision."""

from dataclasses import dataclass

from pocketcoder_tui.core.checkpoints import How

HELD = "held_files"
"""The tool of an action by which such a change waits; the model cannot call it."""
MOST_HELD = 500
"""Files that one such action can put in place; what is beyond is put back and not offered."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """One change that waits."""

    path: str
    """Below the workspace, untrusted; a byte that is no UTF-8 is written as an escape."""
    why: str
    """Why it matters to the host, half a sentence."""
    how: How


@dataclass(frozen=True, slots=True)
class Hold:
    """Changes of one moment, kept whole in the store of the checkpoints."""

    tree: str
    """Where both sides of every change are kept: the id (hex) of a tree in the store."""
    files: tuple[HeldFile, ...]
    """Those that can be put in place."""
    beyond: int
    """How many more were put back."""
    text: str
    """The changes as a unified diff, untrusted, bounded."""
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an attempt to bring one side of a hold into the workspace."""

    left: tuple[str, ...]
    """Sentences about what is not as it was to be; untrusted names are in them."""
