"""Throw-away copies for real: the last look's tree laid out, and a container of its own on it."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pocketcoder_tui.core.checkpoints import Difference
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.trials import Ran
from pocketcoder_tui.engine.trials import Step

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits
    from pocketcoder_tui.sandbox.container import DockerSandbox
    from pocketcoder_tui.sandbox.trial import TrialBox

log = logging.getLogger(__name__)

T = TypeVar("T")

GIT_SPACE = 512 << 20
"""Bytes of git's own folder that are copied."""


async def whole(work: Callable[[], T]) -> T:
    """Do something on a thread; whoever gives it up waits until it is over all the same."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    finally:
        await asyncio.wait({doing})


class WorkspaceCopies:
    """Implements trials.Copies. Owns the folder below which copies are made."""

    def __init__(
        self,
        folder: Path,
        workspace: Path,
        store: Path,
        *,
        limits: "Limits",
        make_sandbox: "Callable[[Path], DockerSandbox]",
        seconds: float,
        space: int,
    ) -> None:
        """``store``: where the checkpoints are; ``space`` is in bytes."""
        self._folder = folder
        self._workspace = workspace
        self._store = store
        self._limits = limits
        self._make_sandbox = make_sandbox
        self._seconds = seconds
        self._space = space

    @contextlib.asynccontextmanager
    async def opened(self, on_step: Step) -> "AsyncIterator[WorkspaceCopy]":
        """See trials.Copies."""
        from pocketcoder_tui.sandbox.trial import TrialBox

        await self.sweep()
        on_step("The workspace is being copied.")
        try:
            tree, notes = await whole(self._lay_out)
            on_step("A container is being started.")
            place = self._folder / "workspace"
            async with TrialBox.opened(self._make_sandbox(place), place) as box:
                yield WorkspaceCopy(self, box, tree, notes)
        finally:
            await self.sweep()

    async def sweep(self) -> None:
        """See trials.Copies. The container goes first, so that nothing writes meanwhile."""
        if not self._folder.exists():
            return
        from pocketcoder_tui.sandbox.checkpoints.copying import remove_all

        sandbox = self._make_sandbox(self._folder / "workspace")
        try:
            await sandbox.remove()
        except SandboxError as error:
            log.warning("no throw-away container was looked for: %s", error.sentence)
        finally:
            await sandbox.aclose()
        await whole(lambda: remove_all(self._folder))

    async def run_in(self, box: "TrialBox", command: str, cwd: str) -> Ran:
        """Run within the limits."""
        return await box.run(command, cwd, seconds=self._seconds, space=self._space)

    def difference(self, tree: str) -> tuple[Difference, str]:
        """Compare the copy with the tree that it was made from. Blocking."""
        with self._keeper(self._folder / "workspace", "after") as keeper:
            return keeper.changes_since(tree)

    def _lay_out(self) -> tuple[str, tuple[str, ...]]:
        from pocketcoder_tui.sandbox.checkpoints.copying import copy_git, lay_out

        self._folder.mkdir(mode=0o700, parents=True)
        place = self._folder / "workspace"
        facts = os.lstat(self._workspace)
        owner = (facts.st_uid, facts.st_gid) if os.geteuid() == 0 else None
        with self._keeper(self._workspace, "before") as keeper:
            tree = keeper.look()
            lay_out(keeper.store, bytes.fromhex(tree), place, self._space, owner)
            missing = keeper.left()
        notes = [copy_git(self._workspace, place, GIT_SPACE, owner)]
        if missing:
            notes.append(f"What checkpoints do not keep is not in the copy: {missing} things.")
        return tree, tuple(filter(None, notes))

    def _keeper(self, workspace: Path, name: str) -> "CheckpointKeeper":
        """What writes to the copy's own store, and reads that of the checkpoints."""
        from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
        from pocketcoder_tui.sandbox.checkpoints.store import Store

        before = Store(self._folder / "before", base=Store(self._store))
        if name == "before":
            return CheckpointKeeper(
                workspace, self._folder / name, self._limits, base=Store(self._store)
            )
        return CheckpointKeeper(workspace, self._folder / name, self._limits, base=before)


class WorkspaceCopy:
    """Implements trials.Copy."""

    def __init__(
        self, copies: WorkspaceCopies, box: "TrialBox", tree: str, notes: tuple[str, ...]
    ) -> None:
        self._copies = copies
        self._box = box
        self._tree = tree
        self.notes = notes
        """See trials.Copy."""

    async def run(self, command: str, cwd: str) -> Ran:
        """See trials.Copy."""
        return await self._copies.run_in(self._box, command, cwd)

    async def difference(self) -> tuple[Difference, str]:
        """See trials.Copy. The container is gone by now, so nothing moves under the walk."""
        return await whole(lambda: self._copies.difference(self._tree))
