"""What the host keeps of one running command: live pieces for a screen, text for the model."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.masking import MaskedStream, Masker
from pocketcoder_tui.core.terminal import (
    CommandEnded,
    CommandHeld,
    CommandItem,
    CommandOutput,
    CommandProgress,
    CommandWaits,
)
from pocketcoder_tui.relay.keep import Spool
from pocketcoder_tui.relay.plain import PlainText

LIVE_LIMIT = 262_144
"""Characters that wait for a slow reader; the oldest are dropped, the result does not need them."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much of an output is kept, and what is taken out of it."""

    head: int = 20_000
    """Characters."""
    tail: int = 20_000
    """Characters."""
    masker: Masker = field(default_factory=Masker)


class Capture:
    """Output in, in bounded memory; an iterator of items and one end out."""

    def __init__(self, action_id: str, keeping: Keeping, spool: Spool | None = None) -> None:
        self.action_id = action_id
        self.gap = False
        """True when tmux held output back, so the log knows more than this object."""
        self.interrupted = False
        """True once C-c was sent to it."""
        self.needs_input = False
        self.result: CommandEnded | None = None
        self._keeping = keeping
        self._spool = spool
        self._plain = PlainText(keeping.head, keeping.tail, spool)
        self._masked = MaskedStream(keeping.masker)
        self._states: deque[CommandHeld | CommandWaits] = deque()
        self._pieces: deque[str] = deque()
        self._size = 0
        self._error: PocketCoderError | None = None
        self._news = asyncio.Event()
        self._began = time.monotonic()

    @property
    def over(self) -> bool:
        """True when nothing more will come."""
        return self.result is not None or self._error is not None

    def begun(self) -> None:
        """The command starts now."""
        self._began = time.monotonic()

    def held(self, held: CommandHeld) -> None:
        """The command waits for the prompt, or does not any more."""
        self._states.append(held)
        self._news.set()

    def waits(self, needs_input: bool) -> None:
        """The command reads the terminal and is silent, or it is not any more."""
        if needs_input is not self.needs_input:
            self.needs_input = needs_input
            self._states.append(CommandWaits(needs_input))
            self._news.set()

    def printed(self, data: bytes) -> None:
        """Take raw output."""
        self._take(self._masked.feed_bytes(data))

    def _take(self, text: str) -> None:
        if not text:
            return
        self._plain.feed(text)
        self._pieces.append(text)
        self._size += len(text)
        while self._size > LIVE_LIMIT and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
        self._news.set()

    @property
    def live(self) -> str:
        """The pieces that nobody took yet."""
        return "".join(self._pieces)

    def skip_live(self, characters: int | None = None) -> None:
        """Drop the oldest pieces that nobody took: so many characters, or all."""
        text = "" if characters is None else self.live[characters:]
        self._pieces = deque([text] if text else [])
        self._size = len(text)

    def replace(self, data: bytes) -> None:
        """Take the whole output from the log instead of what was seen live."""
        self._plain = PlainText(self._keeping.head, self._keeping.tail, self._spool)
        self._plain.feed(self._keeping.masker.clean(data.decode("utf-8", "replace")))
        self._masked.finish()

    def progress(self) -> CommandProgress:
        """What was printed since this was asked last."""
        text, omitted = self._plain.since()
        seconds = time.monotonic() - self._began
        return CommandProgress(self.action_id, text, omitted, seconds, self.needs_input)

    def ended(
        self,
        status: int | None,
        cwd: str,
        *,
        shell_died: bool = False,
        seconds: float | None = None,
        lost: int = 0,
    ) -> CommandEnded:
        """The command is over; ``lost`` is what not even the log has, in bytes."""
        self._take(self._masked.finish())
        text, omitted = self._plain.finish()
        if seconds is None:
            seconds = time.monotonic() - self._began
        self.result = CommandEnded(
            status,
            text,
            omitted + lost,
            seconds,
            cwd,
            shell_died,
            self.interrupted,
            self._plain.coloured,
        )
        self._news.set()
        return self.result

    def failed(self, error: PocketCoderError) -> None:
        """Nothing more will come."""
        self._error = self._error or error
        self._news.set()

    async def items(self) -> AsyncGenerator[CommandItem, None]:
        """Everything from now on; raises what ``failed`` was told."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._states:
                yield self._states.popleft()
            if self._pieces:
                text = "".join(self._pieces)
                self._pieces.clear()
                self._size = 0
                yield CommandOutput(text)
            if self.result is not None:
                yield self.result
                return
            if self._error is not None:
                raise self._error
