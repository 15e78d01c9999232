"""Keepers of checkpoints with a gate, and a command that writes while it runs."""

import asyncio
import threading
from pathlib import Path

from pocketcoder_tui.core.checkpoints import Checkpoint
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.engine.rig import Rig


class SlowKeeper(CheckpointKeeper):
    """A keeper that takes no checkpoint before the gate is open."""

    def __init__(self, *places: Path) -> None:
        super().__init__(*places)
        self.gate = threading.Event()

    def take(self, *args: str, **kwargs: str) -> Checkpoint:
        assert self.gate.wait(20)
        return super().take(*args, **kwargs)


async def allowed_and_writing(rig: Rig, file: Path, text: str) -> Deed:
    """Ask, allow the first command, and let it end once ``file`` was written."""
    rig.terminal.gate.clear()
    await rig.session.send("please")
    [deed] = await rig.waiting()
    await rig.allow(deed)
    await rig.until(lambda: bool(rig.terminal.ran))
    await asyncio.to_thread(file.write_text, text)
    rig.terminal.gate.set()
    return deed
