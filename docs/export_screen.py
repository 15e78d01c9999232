"""Draw docs/screen.svg: the tour, for real, at the moment when its edit waits.

Usage: uv run python docs/export_screen.py   (needs what `pocketcoder setup` brings)
"""

import asyncio
import os
import re
import tempfile
from pathlib import Path

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.events import Event
from pocketcoder_tui.core.transient import BoxChanged, BoxState
from pocketcoder_tui.engine.assembly import make_sandbox, make_workbench
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.engine.session import Session
from pocketcoder_tui.ui.app import PocketCoderApp

SIZE = (120, 36)
TARGET = Path(__file__).with_name("screen.svg")
EDIT = 4
"""The tour's fourth action is the edit."""


FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""Fonts from elsewhere; the picture makes do with the reader's own."""


class Watcher:
    """Waits for facts about a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ready = False
        self._news = asyncio.Event()
        session.listen(self._heard)

    def _heard(self, event: Event) -> None:
        self.ready = self.ready or event == BoxChanged(BoxState.READY)
        self._news.set()

    async def waiting(self, number: int) -> str:
        """The id of the action that waits, once ``number`` of them were asked."""
        while True:
            deeds = [e for e in self.session.transcript.entries.values() if hasattr(e, "decision")]
            waiting = self.session.transcript.waiting
            if self.ready and len(deeds) == number and waiting:
                return waiting[0].id
            self._news.clear()
            await self._news.wait()


async def draw(home: Path) -> None:
    """Run the workbench without a terminal, go through the tour, and keep the picture."""
    workspace = home / "src" / "shop"
    workspace.mkdir(parents=True)
    paths = Paths.for_workspace(workspace, {"HOME": str(home)})
    paths.prepare()
    options = Options(paths, Settings(), tour=True)
    made: list[Session] = []

    async def make() -> Session:
        made.append(await make_workbench(options))
        return made[0]

    app = PocketCoderApp(make, workspace=str(workspace))
    try:
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            watcher = Watcher(made[0])
            await made[0].send("Show me how this works.")
            for number in range(1, EDIT):
                await made[0].decide(await watcher.waiting(number), Outcome.ALLOW)
            await watcher.waiting(EDIT)
            await pilot.press("ctrl+y")
            await pilot.pause(1)
            picture = FONTS.sub("", app.export_screenshot(title="pocketcoder"))
            TARGET.write_text(picture, encoding="utf-8")
    finally:
        await app.aclose()
        sandbox = make_sandbox(options)
        await sandbox.remove()
        await sandbox.aclose()


def main() -> None:
    """Draw in a home folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        asyncio.run(draw(Path(folder)))
    print(TARGET)


if __name__ == "__main__":
    main()
