"""The ports of what keeps the workspace, and of what keeps programs from what the host runs."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from pocketcoder_tui.core.checkpoints import Checkpoint, Difference, Restored, UndoPlan
from pocketcoder_tui.core.holding import Hold, Placed


class Keeper(Protocol):
    """What keeps the workspace (sandbox.checkpoints.CheckpointKeeper). Blocking, one thread."""

    @property
    def crowded(self) -> bool:
        """True when ``prune`` is due, after a checkpoint."""

    def look(self) -> str:
        """Bring what is kept up to date. Raises CheckpointError."""

    def take(self, label: str, *, action_id: str = "", session_id: str = "") -> Checkpoint:
        """Make a checkpoint, durably. Raises CheckpointError."""

    def since(self, tree: str) -> tuple[str, Difference]:
        """The tree now, and what differs from another one. Raises CheckpointError."""

    def strays(self, since: str = "") -> Sequence[str]:
        """Changes of files that the host runs since all might stand, at the last look."""

    def accept(self) -> None:
        """All that the last look saw may stand."""

    def hold(
        self, covered: Iterable[str] = (), *, onto: str = "", action_id: str = ""
    ) -> Hold | None:
        """Keep what may not stand; None when all may, and then it is accepted."""

    def put_back(self, tree: str) -> Placed:
        """Bring back what was there before a hold. Raises CheckpointError."""

    def place(self, tree: str) -> Placed:
        """Put in place what a hold keeps. Raises CheckpointError."""

    def sweep(self) -> Sequence[str]:
        """Take setuid bits and the like off what is new; sentences. Raises CheckpointError."""

    def entries(self) -> Sequence[Checkpoint]:
        """All checkpoints, oldest first. Raises CheckpointError."""

    def plan(self, number: int = 0) -> UndoPlan:
        """Work out an undo. Raises CheckpointError."""

    def restore(self, plan: UndoPlan) -> Restored:
        """Do it. Raises PlanStale, CheckpointError."""

    def settled(self) -> None:
        """The undo is recorded."""

    def unfinished(self) -> tuple[int, int] | None:
        """Before and target of an undo that a crash cut short."""

    def prune(self, *, forget: Iterable[str] = ()) -> int:
        """Drop what is too old, too much, or of these actions. Raises CheckpointError."""

    def save(self) -> None:
        """Keep what is known for a next process. Raises CheckpointError."""

    def halt(self) -> None:
        """End a walk that is under way; the one method for any thread."""

    def close(self) -> None:
        """Let go of the store."""


class Boundary(Protocol):
    """What keeps programs from changing what the host runs (holding.HoldingDesk)."""

    async def check(self, origin: str, covering: Collection[str], *, between: bool = False) -> bool:
        """Put back what the last look saw and no decision named; True when something was.

        ``origin``: the action that is told as the cause. ``covering``: those whose decisions
        count. ``between``: it happened after the action. Raises CheckpointError, LedgerError.
        """
