"""What the relay's tests share: a terminal in a fresh box, and one call that runs a command."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.terminal import CommandEnded, CommandOutput
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.relay.window import TmuxWindow
from pocketcoder_tui.sandbox.box import DockerBox


@dataclass
class Hand:
    """Runs commands and remembers what came live."""

    terminal: TmuxTerminal
    window: TmuxWindow
    live: str = ""
    ids: list[str] = field(default_factory=list)

    async def run(self, command: str | bytes) -> CommandEnded:
        """Run one command to its end."""
        data = command if isinstance(command, bytes) else command.encode()
        self.ids.append(new_id())
        self.live = ""
        async for item in self.window.run(self.ids[-1], data):
            match item:
                case CommandOutput(text):
                    self.live += text
                case CommandEnded():
                    return item
        raise AssertionError("a run ended without its end")


@pytest.fixture
async def terminal(box: DockerBox) -> AsyncIterator[TmuxTerminal]:
    """The agent's terminal in a fresh box."""
    made = await TmuxTerminal.open(box)
    yield made
    await made.aclose()


@pytest.fixture
async def hand(terminal: TmuxTerminal) -> Hand:
    """Runs commands in the terminal's main window."""
    return Hand(terminal, await terminal.window())
