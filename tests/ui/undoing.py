"""Checkpoints and tries for the scripted workbench: a small history, and a gate in a try."""

import asyncio
from collections.abc import Callable, Sequence

from pocketcoder_tui.core.checkpoints import (
    Checkpoint,
    CheckpointKind,
    Difference,
    FileChange,
    How,
    Restored,
    UndoPlan,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.errors import CheckpointError, PocketCoderError
from pocketcoder_tui.core.trials import Trial

NOON = 1_790_000_000.0
CHANGES = (
    FileChange("Makefile", How.CHANGED, 1, 1),
    FileChange("shop/\x1b[31mcart\u202e.py", How.CHANGED, 12, 3),
    FileChange("old.bin", How.REMOVED),
)
DIFFERENCE = Difference(CHANGES, 3, 13, 4)
TEXT = """--- Makefile
+++ Makefile
@@ -1,2 +1,2 @@
 all:
-\trm -rf x
+\techo \x1b]52;c;eA==\x07hi"""
NOTES = ("Makefile: a build on your machine runs it.",)


def entry(number: int, label: str, **more: object) -> Checkpoint:
    kind = CheckpointKind.UNDO if "target" in more else CheckpointKind.ACTION
    target = more.get("target", 0)
    assert isinstance(target, int)
    return Checkpoint(number, "ab" * 32, NOON, kind, label, target=target)


def changed(action_id: str, *, beside: bool = False) -> WorkspaceChanged:
    return WorkspaceChanged(action_id, "cd" * 32, DIFFERENCE, beside, NOON)


def restored(left: tuple[str, ...] = ()) -> WorkspaceRestored:
    return WorkspaceRestored(Restored(2, 4, DIFFERENCE, left), "run make", NOON)


class ScriptedCheckpoints:
    """See workbench.Checkpoints."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.known: list[Checkpoint] = [entry(1, "run make"), entry(2, "edit \x1b]0;x\x07 a.py")]
        self.errors: list[PocketCoderError] = []
        """Raised by the next undo, in this order."""
        self.same = False
        self.drawn: UndoPlan | None = None
        """Shown instead of the usual one."""

    async def entries(self) -> Sequence[Checkpoint]:
        return self.known

    async def plan(self, number: int = 0) -> UndoPlan:
        self._note("plan", number)
        if not self.known:
            raise CheckpointError("There is nothing to undo.", hint="Later.")
        chosen = next((e for e in self.known if e.number == number), self.known[-1])
        if self.drawn is not None:
            return self.drawn
        if self.same:
            return UndoPlan(chosen, "ef" * 32, Difference((), 0, 0, 0), "", ())
        return UndoPlan(chosen, "ef" * 32, DIFFERENCE, TEXT, NOTES)

    async def undo(self, plan: UndoPlan) -> Restored:
        self._note("undo", plan.checkpoint.number)
        if self.errors:
            raise self.errors.pop(0)
        return restored().restored


class ScriptedTrials:
    """See workbench.Trials."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: PocketCoderError | None = None
        self.result = Trial(
            "a5", 2, "", "make: \x1b]0;evil\x07 no rule\n", False, 0.8, DIFFERENCE, TEXT,
            ("A fresh shell.",),
        )  # fmt: skip

    async def run(self, action_id: str, on_step: Callable[[str], None]) -> Trial:
        self._note("try", action_id)
        on_step("The command runs in the copy.")
        try:
            await self.gate.wait()
        finally:
            self._note("try over", action_id)
        if self.error:
            raise self.error
        return self.result
