"""Allowed actions on their way out: each can be taken back until it has left, and not after."""

import asyncio
from collections.abc import Awaitable, Callable

from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.engine.desk import Dropped, Moved

TAKEN_BACK = "You took your decision back, so it is asked again."
LEFT = "It has left for the box already, so the decision cannot be taken back."

MayLeave = Callable[[], bool]


class _Departure:
    """One action between its decision and the moment it leaves."""

    def __init__(self, may_leave: MayLeave) -> None:
        self._may_leave = may_leave
        self.taken_back = ""
        """Why it may not leave after all; empty while it may."""
        self.left = False
        """True from the moment in which it was let go; it is recorded then and sent."""
        self.task: asyncio.Future[None] | None = None

    def let_go(self) -> bool:
        """Asked last, just before it leaves; nothing can come between the answer and the act."""
        if self.taken_back or not self._may_leave():
            return False
        self.left = True
        return True


class Departures:
    """Knows what is on its way out."""

    def __init__(self) -> None:
        self._going: dict[str, _Departure] = {}

    async def send_off(
        self,
        action_id: str,
        perform: Callable[[MayLeave], Awaitable[None]],
        may_leave: MayLeave,
    ) -> None:
        """Let ``perform`` do an allowed action. Raises Moved when the person took it back.

        Raises whatever ``perform`` raises, which asks ``may_leave`` once, before it leaves.
        """
        departure = _Departure(may_leave)
        departure.task = asyncio.ensure_future(perform(departure.let_go))
        self._going[action_id] = departure
        try:
            await departure.task
        except (asyncio.CancelledError, Dropped):
            if departure.taken_back and not _is_cancelled():
                raise Moved(departure.taken_back) from None
            raise
        finally:
            departure.task.cancel()
            del self._going[action_id]

    def take_back(self, action_id: str, why: str = TAKEN_BACK) -> None:
        """Keep an allowed action from leaving. Raises TransitionRefused when it has left."""
        departure = self._going.get(action_id)
        if departure is None or departure.left or departure.task is None:
            raise TransitionRefused(LEFT)
        departure.taken_back = why
        departure.task.cancel()


def _is_cancelled() -> bool:
    """Whether the task that runs is itself being cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
