"""A box, a terminal and a model that do what a test tells them, and remember it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from pocketcoder_tui.core.actions import ToolCall
from pocketcoder_tui.core.errors import ModelError, RelayError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.model import Finish, ModelRequest, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.ports import Box, ByteStream, ExecResult
from pocketcoder_tui.core.terminal import (
    MAIN_WINDOW,
    CommandEnded,
    CommandHeld,
    CommandItem,
    CommandOutput,
    CommandProgress,
    CommandWaits,
    Found,
    Job,
    NeverStarted,
    PersonLine,
    WindowFacts,
    WindowState,
)
from pocketcoder_tui.core.transient import ScreenChanged


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
        self.printed: list[bytes] = []
        """What a program prints before it is free, to whoever listens."""
        self.free = asyncio.Event()
        """A program ends once this is set."""
        self.free.set()

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limit: int = 4_000_000,
        heard: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        self.asked.append(argv)
        for piece in self.printed if heard is not None else ():
            heard(piece)
        await self.free.wait()
        if not self.answers:
            return self.answer
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def open(self, argv: Sequence[str]) -> ByteStream:
        raise NotImplementedError


class FakeWindow:
    """Runs commands by a function from text to (status, output, cwd afterwards)."""

    def __init__(self, terminal: "FakeTerminal", name: str) -> None:
        self._terminal = terminal
        self.name = name
        self.cwd = "/workspace"
        self.state = WindowState.FREE
        self.news = ""
        self.held: asyncio.Queue[CommandHeld | None] = asyncio.Queue()
        """What is in the way of the prompt, one after the other; nothing when empty."""
        self.typed: list[str | tuple[str, ...]] = []
        self.pressed = asyncio.Event()
        self.cleared = asyncio.Event()
        self.asks = asyncio.Event()
        """The running command waits for input once this is set."""

    async def free(self, on_held: Callable[[CommandHeld], None]) -> None:
        if self.held.empty():
            return
        while (held := await self.held.get()) is not None:
            on_held(held)
        on_held(CommandHeld(""))

    async def run(self, action_id: str, command: bytes) -> AsyncGenerator[CommandItem]:
        terminal = self._terminal
        if terminal.error is not None:
            raise terminal.error
        text = command.decode()
        terminal.ran.append((action_id, text))
        self.state = WindowState.BUSY
        yield CommandOutput(f"out of {text}")
        gate = asyncio.ensure_future(terminal.gate.wait())
        asks = asyncio.ensure_future(self.asks.wait())
        await asyncio.wait({gate, asks}, return_when=asyncio.FIRST_COMPLETED)
        if not gate.done():
            yield CommandWaits(True)
            await gate
            yield CommandWaits(False)
        asks.cancel()
        if terminal.cut is not None:
            raise terminal.cut
        if text.startswith("cd "):
            self.cwd = text.removeprefix("cd ")
        self.state = WindowState.FREE
        yield CommandEnded(0, f"out of {text}", 0, 0.1, self.cwd)

    def progress(self, action_id: str) -> CommandProgress | None:
        return CommandProgress(action_id, "so far\n", 0, 1.0, self.asks.is_set())

    async def type_text(self, text: str) -> None:
        self.typed.append(text)

    async def press(self, keys: Sequence[str]) -> None:
        self.typed.append(tuple(keys))
        self.pressed.set()

    async def interrupt(self) -> None:
        self._terminal.gate.set()

    async def clear_line(self) -> None:
        self.cleared.set()

    async def screen(self) -> str:
        return f"screen of {self.name}"


class FakeTerminal:
    """Windows that do what a test tells them."""

    def __init__(self) -> None:
        self.main = FakeWindow(self, MAIN_WINDOW)
        self.by_name = {MAIN_WINDOW: self.main}
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
        self.running: list[Job] = []
        self.stopped: list[int] = []
        self.closed = False
        self.close_error: Exception | None = None
        self.listeners: list[Callable[[PersonLine], None]] = []
        self.shown = MAIN_WINDOW
        self._lost: asyncio.Event = asyncio.Event()

    async def window(self, name: str = MAIN_WINDOW) -> FakeWindow:
        return self.by_name.setdefault(name, FakeWindow(self, name))

    def windows(self) -> list[WindowFacts]:
        return [WindowFacts(w.name, w.state, w.cwd, None) for w in self.by_name.values()]

    async def jobs(self) -> list[Job]:
        return self.running

    async def stop_job(self, pid: int) -> bool:
        self.stopped.append(pid)
        return any(job.pid == pid for job in self.running)

    async def find(self, action_id: str) -> Found:
        self.asked.append(action_id)
        if self.closed:
            raise RelayError("The connection to the terminal was lost.")
        return self.fate

    async def follow(self, action_id: str) -> AsyncGenerator[CommandItem]:
        if self.cut_follow is not None:
            self.closed = True
            raise self.cut_follow
        yield CommandEnded(0, "the rest", 0, 9.0, self.main.cwd)

    def listen(self, on_line: Callable[[PersonLine], None]) -> None:
        self.listeners.append(on_line)

    async def show(self, name: str) -> None:
        self.shown = name

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
        self.errors: list[Exception] = []
        """Raised first, in this order."""

    async def ensure(self) -> FakeBox:
        if self.errors:
            raise self.errors.pop(0)
        if self.error is not None:
            raise self.error
        return self.box

    def recheck(self) -> None:
        return None

    async def carry(self, box: Box) -> None:
        return None

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
