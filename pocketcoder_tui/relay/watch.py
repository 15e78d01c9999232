"""The pane's screen as frames: asked for when something was printed, 30 a second at most.

Each waits a moment for what is printed right behind it, so that a command and its first output
are one drawing; a few may follow each other without a pause.
"""

import asyncio
from collections.abc import Callable

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.pane import Pane

INTERVAL = 1 / 30
"""Seconds between two frames, over any longer time."""
TOGETHER = 0.0025
"""Seconds for which a frame waits for more."""
AT_ONCE = 3
"""Frames that may follow each other without a pause."""


class ScreenWatch:
    """Owns one task while somebody watches."""

    def __init__(
        self, control: ControlClient, pane: Pane, on_frame: Callable[[ScreenChanged], None]
    ) -> None:
        self._control = control
        self.pane = pane
        """The pane that is drawn; another may be set, then ``touched`` is called for it."""
        self._on_frame = on_frame
        self._changed = asyncio.Event()
        self._changed.set()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._soon: asyncio.TimerHandle | None = None
        self._last: ScreenChanged | None = None

    def touched(self, pane: Pane) -> None:
        """Something was printed in a pane, or its size changed."""
        if pane is self.pane and self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(TOGETHER, self._due)

    def _due(self) -> None:
        self._soon = None
        self._changed.set()

    def show(self, pane: Pane) -> None:
        """Draw another pane from now on."""
        self.pane = pane
        self._changed.set()

    async def run(self) -> None:
        """Draw until cancelled, or until the stream is gone."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._changed.wait()
                await self._free.acquire()
                loop.call_later(INTERVAL * AT_ONCE, self._free.release)
                self._changed.clear()
                frame = await self._frame()
                if frame is not None and frame != self._last:
                    self._last = frame
                    self._on_frame(frame)
        except PocketCoderError:
            # The terminal's own calls tell why; there is nothing more to draw.
            return

    async def _frame(self) -> ScreenChanged | None:
        pane = self.pane
        where = "#{pane_width} #{cursor_x} #{cursor_y}"
        facts, screen = await self._control.ask(
            line("display-message", "-p", "-t", pane.id, where),
            line("capture-pane", "-e", "-p", "-t", pane.id),
        )
        if not (facts.ok and screen.ok):
            return None
        width, x, y = (int(word) for word in facts.lines[0].split())
        rows = [text.decode("utf-8", "replace") for text in screen.lines]
        lines = pane.keeping.masker.clean_rows(rows)
        return ScreenChanged(tuple(lines), width, (x, y), pane.name)
