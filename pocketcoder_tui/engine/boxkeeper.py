"""The box and its terminal as the session needs them: there when asked for, and watched."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from pocketcoder_tui.core.errors import ContainerGone, PocketCoderError
from pocketcoder_tui.core.events import Noticed, PersonRan
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import MAIN_WINDOW, PersonLine, Terminal
from pocketcoder_tui.core.transient import BoxChanged, BoxState, ScreenChanged
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal

DYING = 3
"""How often a box that went away while it was being connected is asked for again."""

OnFrame = Callable[[ScreenChanged], None]


class Sandbox(Protocol):
    """What makes or finds the container."""

    async def ensure(self) -> Box:
        """Return the running container of the workspace. Raises SandboxError."""

    def recheck(self) -> None:
        """Say so when what was hidden in the box is not any more; some microseconds."""

    async def carry(self, box: Box) -> None:
        """Make the workspace here and in the box the same, where the box cannot mount it.

        Raises SandboxError.
        """

    async def aclose(self) -> None:
        """Let go of the connection; the container goes on."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A box that runs, with its terminal attached."""

    box: Box
    terminal: Terminal


class BoxKeeper:
    """Starts the box on demand, notices when it is gone, and starts it again when asked.

    Owns the sandbox connection and the terminal's control stream, not the container.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        open_terminal: Callable[[Box], Awaitable[Terminal]],
        journal: Journal,
        crew: Crew,
    ) -> None:
        self._sandbox = sandbox
        self._open_terminal = open_terminal
        self._journal = journal
        self._crew = crew
        self._ready: Ready | None = None
        self._lock = asyncio.Lock()
        self._watchers: list[OnFrame] = []
        self._frame: ScreenChanged | None = None
        self._shown = MAIN_WINDOW
        self._size: tuple[int, int] | None = None

    @property
    def shown(self) -> str:
        """The window that is shown."""
        return self._shown

    @property
    def ready(self) -> Ready | None:
        """The box if it runs, without starting it."""
        return self._ready

    async def ensure(self) -> Ready:
        """Return the running box, starting it if need be. Raises SandboxError or RelayError."""
        async with self._lock:
            if self._ready is None:
                self._ready = await self._start()
            else:
                self._sandbox.recheck()
            await self._sandbox.carry(self._ready.box)
            return self._ready

    async def catch_up(self) -> None:
        """See that what the box wrote is here; what hinders it is said, and tried again later."""
        if (ready := self._ready) is None:
            return
        try:
            await self._sandbox.carry(ready.box)
        except PocketCoderError as error:
            sentence = f"What was written in the box is not here yet: {error.sentence}"
            hint = f"It stays there and comes with the next action. {error.hint}".rstrip()
            await self._journal.tell(Noticed("warning", sentence, hint, time.time()))

    async def is_busy(self) -> bool:
        """Whether a program runs in the box, once what it wrote is here; one that cannot be asked
        is taken to be busy."""
        if self._ready is None:
            return False
        await self.catch_up()
        try:
            return bool(await self._ready.terminal.jobs())
        except PocketCoderError:
            return True

    async def forget(self, ready: Ready, why: str) -> None:
        """Give up a connection that failed, so that the next ``ensure`` makes a new one."""
        self._gone(ready, why)
        with contextlib.suppress(PocketCoderError):  # it failed already; that is why we are here
            await ready.terminal.aclose()

    async def show(self, window: str) -> None:
        """Show another window, now and after a restart. Raises RelayError."""
        ready = await self.ensure()
        await ready.terminal.show(window)
        self._shown = window

    async def resize(self, columns: int, rows: int) -> None:
        """Give the terminal this size, now or when it starts."""
        self._size = (columns, rows)
        if self._ready is not None:
            await self._ready.terminal.resize(columns, rows)

    @contextlib.asynccontextmanager
    async def watch(self, on_frame: OnFrame) -> AsyncIterator[None]:
        """Call ``on_frame`` with the terminal's screen now and at changes, over restarts too."""
        self._watchers.append(on_frame)
        if self._frame is not None:
            on_frame(self._frame)
        try:
            yield
        finally:
            self._watchers.remove(on_frame)

    async def aclose(self) -> None:
        """Let go of terminal and sandbox; what runs in the box goes on."""
        if self._ready is not None:
            await self._ready.terminal.aclose()
            self._ready = None
        await self._sandbox.aclose()

    async def _start(self) -> Ready:
        self._journal.show(BoxChanged(BoxState.STARTING))
        try:
            ready = await self._connect_anew()
        except PocketCoderError as error:
            self._journal.show(BoxChanged(BoxState.FAILED, error.sentence, error.hint))
            raise
        except BaseException:
            self._journal.show(BoxChanged(BoxState.ABSENT))
            raise
        self._crew.start(self._follow(ready), "box watch")
        self._journal.show(BoxChanged(BoxState.READY))
        return ready

    async def _connect_anew(self) -> Ready:
        """Connect; a box that dies meanwhile was dying before Docker knew, and is started again."""
        for _ in range(DYING):
            try:
                return await self._connect()
            except ContainerGone:
                continue
        return await self._connect()

    async def _connect(self) -> Ready:
        box = await self._sandbox.ensure()
        terminal = await self._open_terminal(box)
        terminal.listen(self._person_ran)
        try:
            if self._size is not None:
                await terminal.resize(*self._size)
            if self._shown in {facts.name for facts in terminal.windows()}:
                await terminal.show(self._shown)
        except BaseException:
            await terminal.aclose()
            raise
        return Ready(box, terminal)

    async def _follow(self, ready: Ready) -> None:
        """Hand frames on until the terminal is lost, then say so."""
        try:
            async with ready.terminal.watch(self._fan_out):
                why = await ready.terminal.lost()
        except PocketCoderError as error:
            why = error.sentence
        await self.forget(ready, why)

    def _gone(self, ready: Ready, why: str) -> None:
        """Say so once, and not when a newer connection stands."""
        if self._ready is ready:
            self._ready = None
            hint = "It is started again with the next action."
            self._journal.show(BoxChanged(BoxState.ABSENT, why, hint))

    def _person_ran(self, line: PersonLine) -> None:
        """A line that the person typed is part of the story, and the model is told of it."""
        event = PersonRan(
            line.window, line.command, line.status, line.output, line.omitted, line.cwd,
            line.seconds, time.time(),
        )  # fmt: skip
        self._crew.start(self._journal.write(event), "a line of the person's")

    def _fan_out(self, frame: ScreenChanged) -> None:
        self._frame = frame
        for watcher in tuple(self._watchers):
            watcher(frame)
