"""Messages that wait for the next model call: the person changes them or takes them back."""

import time
from collections.abc import Awaitable, Callable

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.transcript import Said
from pocketcoder_tui.engine.journal import Journal

GONE = "The message went to the model already."
GONE_HINT = "What you have written can be sent as another message."
EMPTY = "An empty message is not sent."
EMPTY_HINT = "Take it back instead, or write something."


class MessageQueue:
    """What was sent while the agent works, until a model call takes it."""

    def __init__(self, journal: Journal, begin: Callable[[], Awaitable[None]]) -> None:
        self._journal = journal
        self._begin = begin
        """Starts a turn when the agent rests and something is queued."""

    async def edit(self, message_id: str, text: str) -> None:
        """Change a message that waits. An agent that rests begins to work on it.

        Raises TransitionRefused when a model call took it, or when there is nothing left of it.
        """
        self._require_queued(message_id)
        if not text.strip():
            raise TransitionRefused(EMPTY, hint=EMPTY_HINT)
        await self._journal.write(ev.MessageEdited(message_id, text, time.time()))
        await self._begin()

    async def withdraw(self, message_id: str) -> None:
        """Take a message back: the model does not get it. Raises TransitionRefused."""
        self._require_queued(message_id)
        await self._journal.write(ev.MessageWithdrawn(message_id, time.time()))

    def _require_queued(self, message_id: str) -> None:
        said = self._journal.transcript.entries.get(message_id)
        if not isinstance(said, Said) or not said.queued:
            raise TransitionRefused(GONE, hint=GONE_HINT)
