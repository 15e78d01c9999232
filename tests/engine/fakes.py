"""A box, a terminal and a model that do what a test tells them, and remember it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.errors import ModelError, RelayError
from pocketcoder_tui.core.events import ScreenChanged
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import Finish, ModelRequest, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.ports import (
    ByteStream,
    CommandEnded,
    CommandOutput,
    ExecResult,
    Found,
    NeverStarted,
)


class FakeBox:
    """Answers every program with ``answer``."""

    def __init__(self, box_id: str = "box-1") -> None:
        self.id = box_id
        self.name = "fake"
        self.user = "1000:1000"
        self.started = 0.0
        self.drop = None
        self.asked: list[Sequence[str]] = []
        self.answer = ExecResult(0, b"", b"")
        self.answers: list[ExecResult | Exception] = []
        """Given or raised first, in this order."""

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", limit: int = 4_000_000
    ) -> ExecResult:
        self.asked.append(argv)
        if not self.answers:
            return self.answer
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def open(self, argv: Sequence[str]) -> ByteStream:
        raise NotImplementedError


class FakeTerminal:
    """Runs commands by a function from text to (status, output, cwd afterwards)."""

    def __init__(self) -> None:
        self.cwd = "/workspace"
        self.ran: list[tuple[str, str]] = []
        self.fate: Found = NeverStarted()
        self.gate = asyncio.Event()
        """A command ends once this is set."""
        self.gate.set()
        self.error: Exception | None = None
        """Raised instead of running anything."""
        self.cut: Exception | None = None
        """Raised in the middle of a command, once its gate is open."""
        self.cut_follow: Exception | None = None
        """Raised in the middle of following a command."""
        self.resize_error: Exception | None = None
        self.asked: list[str] = []
        """The actions whose fate was asked for."""
        self.closed = False
        self.close_error: Exception | None = None
        self._lost: asyncio.Event = asyncio.Event()

    async def run(
        self, action_id: str, command: bytes
    ) -> AsyncGenerator[CommandOutput | CommandEnded]:
        if self.error is not None:
            raise self.error
        text = command.decode()
        self.ran.append((action_id, text))
        yield CommandOutput(f"out of {text}")
        await self.gate.wait()
        if self.cut is not None:
            raise self.cut
        if text.startswith("cd "):
            self.cwd = text.removeprefix("cd ")
        yield CommandEnded(0, f"out of {text}", 0, 0.1, self.cwd)

    async def find(self, action_id: str) -> Found:
        self.asked.append(action_id)
        if self.closed:
            raise RelayError("The connection to the terminal was lost.")
        return self.fate

    async def follow(self, action_id: str) -> AsyncGenerator[CommandOutput | CommandEnded]:
        if self.cut_follow is not None:
            self.closed = True
            raise self.cut_follow
        yield CommandEnded(0, "the rest", 0, 9.0, self.cwd)

    async def interrupt(self) -> None:
        self.gate.set()

    async def resize(self, columns: int, rows: int) -> None:
        if self.resize_error is not None:
            raise self.resize_error

    @asynccontextmanager
    async def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AsyncGenerator[None]:
        on_frame(ScreenChanged(("$ ",), 80, (2, 0)))
        yield

    async def lost(self) -> str:
        await self._lost.wait()
        return "It went away."

    def lose(self) -> None:
        """The control stream is gone."""
        self.closed = True
        self._lost.set()

    async def aclose(self) -> None:
        self.lose()
        if self.close_error is not None:
            raise self.close_error


class FakeSandbox:
    """Hands out one box."""

    def __init__(self, box: FakeBox) -> None:
        self.box = box
        self.error: Exception | None = None

    async def ensure(self) -> FakeBox:
        if self.error is not None:
            raise self.error
        return self.box

    async def aclose(self) -> None:
        return None


Step = Sequence[ReplyPart | ReplyFinished | ModelError]


class ScriptedModel:
    """Says one step of its script for each call, and keeps the requests."""

    provider = "script"
    label = "script"
    name = "script"

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[ModelRequest] = []
        self.hold = asyncio.Event()
        """A reply goes on after its first item once this is set."""
        self.hold.set()
        self.let_go = asyncio.Event()
        """A stream that is closed early is closed once this is set."""
        self.let_go.set()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        self.requests.append(request)
        try:
            for item in self.steps.pop(0):
                if isinstance(item, ModelError):
                    raise item
                yield item
                await self.hold.wait()
        finally:
            await self.let_go.wait()

    async def aclose(self) -> None:
        return None


def says(text: str) -> list[ReplyPart | ReplyFinished]:
    """A reply that is only text."""
    return [ReplyPart(PartKind.TEXT, text, raw={"text": text}), ReplyFinished(Finish.DONE)]


def calls(*asked: tuple[str, dict[str, object]]) -> list[ReplyPart | ReplyFinished]:
    """A reply that asks for tools."""
    made = [ToolCall(new_id(), tool, arguments) for tool, arguments in asked]
    parts = [ReplyPart(PartKind.CALL, call=call, raw={"functionCall": call.tool}) for call in made]
    return [*parts, ReplyFinished(Finish.DONE)]


def shell(*commands: str) -> list[ReplyPart | ReplyFinished]:
    """A reply that asks for commands."""
    return calls(*(("shell", {"command": c}) for c in commands))
