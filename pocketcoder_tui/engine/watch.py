"""Something that is done again and again, for as long as it says so."""

import asyncio
from collections.abc import Awaitable, Callable

from pocketcoder_tui.engine.crew import Crew


class Watch:
    """Owns one timer. The next time is counted from the end of the last one."""

    def __init__(self, every: float, crew: Crew, look: Callable[[], Awaitable[bool]]) -> None:
        """``every`` in seconds; ``look`` says whether it is to be done once more."""
        self._every = every
        self._crew = crew
        self._look = look
        self._timer: asyncio.TimerHandle | None = None
        self._again = False
        self.over = asyncio.Event()
        """Set until ``begin``, and after a look that says that it was the last."""
        self.over.set()

    @property
    def on(self) -> bool:
        """Whether another look is to come, or one is under way."""
        return not self.over.is_set()

    def begin(self) -> None:
        """Look in a while; one that is under way is followed by another."""
        self._again = True
        if not self.on:
            self.over.clear()
            self._arm()

    def end(self) -> None:
        """No look begins any more."""
        self.over.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._every, self._start)

    def _start(self) -> None:
        self._crew.start(self._work(), "watch")

    async def _work(self) -> None:
        self._again = False
        if await self._look() or self._again:
            self._arm()
        else:
            self.over.set()
