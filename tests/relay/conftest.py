"""What the relay's tests share: a terminal in a fresh box, and calls that run commands in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.terminal import CommandEnded, CommandItem, CommandOutput, CommandWaits
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.relay.window import TmuxWindow
from pocketcoder_tui.sandbox.box import DockerBox

TMUX = ("tmux", "-S", "/run/pocketcoder/tmux.sock")


class Running:
    """A command that runs: what it printed, and whether it waits, as it comes."""

    def __init__(self, action_id: str) -> None:
        self.id = action_id
        self.items: list[CommandItem] = []
        self.news = asyncio.Event()
        self.task: asyncio.Task[None]

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items if isinstance(item, CommandOutput))

    @property
    def waits(self) -> bool:
        told = [item.needs_input for item in self.items if isinstance(item, CommandWaits)]
        return bool(told) and told[-1]

    async def until(self, fact: Callable[["Running"], bool], seconds: float = 15) -> None:
        """Wait for a fact to become true with some item."""
        async with asyncio.timeout(seconds):
            while not fact(self):
                self.news.clear()
                await self.news.wait()

    async def ended(self) -> CommandEnded:
        await asyncio.wait_for(self.task, 15)
        last = self.items[-1]
        assert isinstance(last, CommandEnded)
        return last


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

    @asynccontextmanager
    async def running(self, command: str) -> AsyncIterator[Running]:
        """Start a command and follow it beside the test."""
        self.ids.append(new_id())
        run = Running(self.ids[-1])

        async def follow() -> None:
            async for item in self.window.run(run.id, command.encode()):
                run.items.append(item)
                run.news.set()

        run.task = asyncio.create_task(follow())
        try:
            yield run
        finally:
            run.task.cancel()
            await asyncio.gather(run.task, return_exceptions=True)


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
