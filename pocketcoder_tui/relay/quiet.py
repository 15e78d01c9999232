"""Changes in a pane, and the quiet after them: what waits for a free prompt waits for these."""

import asyncio
from collections.abc import Callable

from pocketcoder_tui.core.errors import PocketCoderError

QUIET = 0.25
"""Seconds without output after which a prompt is looked at again."""


class Changes:
    """Tells whoever waits that something happened, and when it is quiet again."""

    def __init__(self, trouble: Callable[[], PocketCoderError | None]) -> None:
        """``trouble`` says why nothing will happen any more."""
        self._trouble = trouble
        self._moved = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._waiters = 0
        self._last = 0.0
        """When something was printed at the prompt last, by the loop's clock."""
        self.on_quiet: Callable[[], None] | None = None
        """Called when it is quiet again; None while nobody wants that."""

    def moved(self) -> None:
        """A mark came, or the pane is gone."""
        self._moved.set()

    def stirred(self) -> None:
        """Something was printed at the prompt. Costs next to nothing while nobody waits."""
        self._last = asyncio.get_running_loop().time()
        if not (self._waiters or self.on_quiet):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET, self._is_quiet)

    async def until(self, reached: Callable[[], bool], *, seconds: float | None = None) -> bool:
        """Wait for a mark that makes it true; False when that took too long.

        Raises the trouble that ends all waiting.
        """
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    if (trouble := self._trouble()) is not None:
                        raise trouble
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def calm(self) -> None:
        """Return once nothing has been printed for a moment: whoever types is not interrupted."""
        loop = asyncio.get_running_loop()
        while (left := self._last + QUIET - loop.time()) > 0:
            await self.until(lambda: False, seconds=left)

    async def quiet(self) -> None:
        """Wait until something happened and then nothing for a moment."""
        self._waiters += 1
        try:
            self._moved.clear()
            await self._moved.wait()
            while self._timer is not None:
                self._moved.clear()
                await self._moved.wait()
        finally:
            self._waiters -= 1

    def close(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_quiet(self) -> None:
        self._timer = None
        self._moved.set()
        if self.on_quiet is not None:
            self.on_quiet()
