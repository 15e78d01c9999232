"""A pane's keyboard: what is typed into it arrives byte for byte, whatever mode the pane is in.

``send-keys -H`` writes each byte as it is (tmux(1); seen with 3.3a), and does nothing at a pane
whose program has ended; ``paste-buffer`` at such a pane takes the whole server down.
"""

from collections.abc import Callable, Iterator

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.relay import keys
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.protocol import Reply

_AT_ONCE = 1_000
"""Bytes of one command."""


class Keyboard:
    """Types over the control stream, which it borrows."""

    def __init__(self, control: ControlClient, pane: str) -> None:
        self._control = control
        self._pane = pane
        self._launch = b"".join(self._strokes(keys.LAUNCH.encode()))

    async def type(self, text: str) -> None:
        """Type a text; a carriage return is Enter."""
        strokes = list(self._strokes(text.encode("utf-8", "replace")))
        await self._control.post(b"".join(strokes), *(_ignore for _ in strokes))

    async def launch(self, on_reply: Callable[[Reply], None]) -> None:
        """Type the launcher's key; the answer to the typing goes to ``on_reply``."""
        await self._control.post(self._launch, _ignore, on_reply)

    async def press(self, *names: str) -> None:
        """Press keys by tmux's names. Raises RelayError when tmux refuses."""
        _, sent = await self._control.ask(
            self._leave_mode(), line("send-keys", "-t", self._pane, *names)
        )
        if not sent.ok:
            raise RelayError("The box's tmux did not take the keys.")

    def _leave_mode(self) -> bytes:
        """In copy mode keys would move its cursor."""
        return line("copy-mode", "-q", "-t", self._pane)

    def _strokes(self, data: bytes) -> Iterator[bytes]:
        """The commands that type some bytes."""
        yield self._leave_mode()
        for at in range(0, len(data), _AT_ONCE):
            piece = data[at : at + _AT_ONCE]
            yield b"send-keys -t %s -H %s\n" % (self._pane.encode(), piece.hex(" ").encode())


def _ignore(reply: Reply) -> None:
    """A reply that nobody needs."""
