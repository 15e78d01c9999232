"""Whether a silent command waits for somebody: looked at when it has been silent for a while.

There is no event for "a program began to read its terminal", so silence is what starts a look, and
a command that goes on being silent is looked at less and less often.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from pocketcoder_tui.core.ports import Box

FIRST = 0.7
"""Seconds of silence before the first look."""
LONGEST = 30.0
"""Seconds between two looks, at most; each wait is twice the one before."""

_HELPER = "/opt/pocketcoder/helper.bash"


class Attention:
    """Owns one timer and one look at a time, between ``begin`` and ``end``.

    The timer is left to run out where it can be: most commands are over long before it.
    """

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._on = False
        self._last = 0.0
        """When the command was last heard of, by the loop's clock."""
        self._wait = FIRST
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """A command runs from now on."""
        self._on = True
        self.stirred()

    def stirred(self) -> None:
        """It printed something: it is not silent."""
        if not self._on:
            return
        self._last = asyncio.get_running_loop().time()
        if self._wait > FIRST and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wait = FIRST
        if self._timer is None:
            self._set(FIRST)

    def end(self) -> None:
        """It is over."""
        self._on = False

    async def aclose(self) -> None:
        """End the timer and the look."""
        self._on = False
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _set(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        if not self._on:
            return
        silent = asyncio.get_running_loop().time() - self._last
        if silent < self._wait:
            self._set(self._wait - silent)
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._once(), name="relay-attention")

    async def _once(self) -> None:
        await self._look()
        if self._on and self._timer is None:
            self._wait = min(self._wait * 2, LONGEST)
            self._last = asyncio.get_running_loop().time()
            self._set(self._wait)


class Seen(StrEnum):
    """What a look at a pane's foreground finds; the words are helper.bash's."""

    INPUT = "input"
    KEYS = "keys"
    BUSY = "no"
    GONE = "gone"
    """The pane's own process has ended, whether tmux noticed or not."""

    @property
    def waits(self) -> bool:
        """Whether a program reads the terminal."""
        return self in (Seen.INPUT, Seen.KEYS)


async def seen_in(box: Box, pid: int) -> Seen:
    """Look at the foreground of the pane that was started with process ``pid``.

    Raises SandboxError. The look is a short program of the engine's, not of tmux's: where no
    process can be started any more, tmux 3.3a never answers a ``run-shell``, nor anything that is
    asked after it.
    """
    done = await box.exec(["bash", _HELPER, "waits", str(pid)])
    word = done.stdout.strip().decode("ascii", "replace")
    return Seen(word) if word in set(Seen) else Seen.BUSY
