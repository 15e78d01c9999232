"""A pane's keyboard: what is typed into it arrives as it is, whatever mode the pane is in."""

from collections.abc import Callable

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.relay import keys
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.protocol import Reply


class Keyboard:
    """Types over the control stream, which it borrows."""

    def __init__(self, control: ControlClient, pane: str) -> None:
        self._control = control
        self._pane = pane
        self._launch = _paste(pane, keys.LAUNCH)

    async def paste(self, text: str) -> None:
        """Type a text; a carriage return is Enter."""
        await self._control.post(_paste(self._pane, text), _ignore, _ignore)

    async def launch(self, on_reply: Callable[[Reply], None]) -> None:
        """Type the launcher's key; the answer to the typing goes to ``on_reply``."""
        await self._control.post(self._launch, _ignore, on_reply)

    async def press(self, *names: str) -> None:
        """Press keys by tmux's names. Raises RelayError when tmux refuses."""
        _, sent = await self._control.ask(
            line("copy-mode", "-q", "-t", self._pane),
            line("send-keys", "-t", self._pane, *names),
        )
        if not sent.ok:
            raise RelayError("The box's tmux did not take the keys.")


def _paste(pane: str, text: str) -> bytes:
    """The commands that paste a text; a pane in copy mode gets it too, unlike with send-keys."""
    name = "pocketcoder-typed"
    return line("set-buffer", "-b", name, "--", text) + line(
        "paste-buffer", "-d", "-r", "-b", name, "-t", pane
    )


def _ignore(reply: Reply) -> None:
    """A reply that nobody needs."""
