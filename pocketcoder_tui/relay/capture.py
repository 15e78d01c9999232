"""What the host keeps of one running command: live pieces for a screen, text for the model."""

import asyncio
import codecs
import time
from collections import deque
from collections.abc import AsyncGenerator

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.ports import CommandEnded, CommandOutput
from pocketcoder_tui.relay.plain import PlainText

LIVE_LIMIT = 262_144
"""Characters that wait for a slow reader; the oldest are dropped, the result does not need them."""


class Capture:
    """Output in, in bounded memory; an iterator of pieces and one end out."""

    def __init__(self, action_id: str, head: int, tail: int) -> None:
        self.action_id = action_id
        self.gap = False
        """True when tmux held output back, so the log knows more than this object."""
        self.result: CommandEnded | None = None
        self._limits = head, tail
        self._plain = PlainText(head, tail)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: deque[str] = deque()
        self._size = 0
        self._error: PocketCoderError | None = None
        self._news = asyncio.Event()
        self._began = time.monotonic()

    def printed(self, data: bytes) -> None:
        """Take raw output."""
        text = self._decoder.decode(data)
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
        self._plain = PlainText(*self._limits)
        self._plain.feed(data.decode("utf-8", "replace"))

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
        text, omitted = self._plain.finish()
        if seconds is None:
            seconds = time.monotonic() - self._began
        self.result = CommandEnded(status, text, omitted + lost, seconds, cwd, shell_died)
        self._news.set()
        return self.result

    def failed(self, error: PocketCoderError) -> None:
        """Nothing more will come."""
        self._error = self._error or error
        self._news.set()

    async def items(self) -> AsyncGenerator[CommandOutput | CommandEnded, None]:
        """Everything from now on; raises what ``failed`` was told."""
        while True:
            await self._news.wait()
            self._news.clear()
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
