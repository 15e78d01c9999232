"""The agent's windows in the box's tmux, each command delivered exactly and once."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import (
    MAIN_WINDOW,
    CommandEnded,
    CommandItem,
    CommandOutput,
    Found,
    Job,
    PersonLine,
    StillRunning,
    WindowFacts,
)
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.relay import jobs, records
from pocketcoder_tui.relay.capture import Keeping
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.keep import Spool
from pocketcoder_tui.relay.pane import Pane
from pocketcoder_tui.relay.recovery import find, overlap, resume
from pocketcoder_tui.relay.server import SESSION, connect
from pocketcoder_tui.relay.structure import Place, make_window
from pocketcoder_tui.relay.watch import ScreenWatch
from pocketcoder_tui.relay.window import TmuxWindow

WINDOW_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}\Z")
"""What a window may be called."""

MADE_AGAIN = "The window had been closed, and was made again with a new shell."


class TmuxTerminal:
    """Implements the ``Terminal`` port. Owns a control stream; the panes outlive it.

    Make one with ``open``; end it with ``aclose``.
    """

    def __init__(
        self,
        box: Box,
        control: ControlClient,
        keeping: Keeping,
        spool: Callable[[str], Spool] | None,
    ) -> None:
        self._box = box
        self._control = control
        self._keeping = keeping
        self._spool = spool
        self._windows: dict[str, TmuxWindow] = {}
        self._closed: set[str] = set()
        self._making = asyncio.Lock()
        self._shown = MAIN_WINDOW
        self._watches: list[ScreenWatch] = []
        self._listeners: list[Callable[[PersonLine], None]] = []

    @classmethod
    async def open(
        cls,
        box: Box,
        *,
        columns: int = 120,
        rows: int = 40,
        keeping: Keeping | None = None,
        spool: Callable[[str], Spool] | None = None,
    ) -> "TmuxTerminal":
        """Find or start the box's tmux server and take its windows.

        ``spool`` makes, for an action's id, the place where an output goes whole that is too long
        to be kept. A command that an earlier process left running goes on; ``find`` and ``follow``
        know it. Raises RelayError or ContainerGone.
        """
        control, places = await connect(box, columns, rows)
        terminal = cls(box, control, keeping or Keeping(), spool)
        try:
            for place in places:
                await terminal._take(place)
        except BaseException:
            await terminal.aclose()
            raise
        return terminal

    async def _take(self, place: Place) -> TmuxWindow:
        pane = Pane(self._box, self._control, place, self._keeping)
        pane.spool = self._spool
        pane.on_touch, pane.on_line, pane.on_closed = self._touched, self._heard, self._gone
        window = TmuxWindow(self._box, self._control, pane)
        self._windows[place.name] = window
        await resume(self._control, pane)
        return window

    # --- windows

    async def window(self, name: str = MAIN_WINDOW) -> TmuxWindow:
        """See Terminal."""
        async with self._making:
            if name not in self._windows:
                if not WINDOW_NAME.match(name):
                    raise RelayError(
                        f"A window cannot be called {name!a}.",
                        hint="Small letters, digits, - and _, at most 24.",
                    )
                window = await self._take(await make_window(self._control, SESSION, name))
                if name in self._closed:
                    window.pane.news = MADE_AGAIN
            return self._windows[name]

    def windows(self) -> list[WindowFacts]:
        """See Terminal."""
        facts = [window.facts for window in self._windows.values()]
        return sorted(facts, key=lambda one: (one.name != MAIN_WINDOW, one.name))

    async def jobs(self) -> list[Job]:
        """See Terminal."""
        return await jobs.list_jobs(self._box, self._shells())

    async def stop_job(self, pid: int) -> bool:
        """See Terminal."""
        known = await self.jobs()
        return any(job.pid == pid for job in known) and await jobs.stop_job(self._box, pid)

    def _shells(self) -> dict[int, str]:
        return {window.pane.pid: name for name, window in self._windows.items()}

    def _gone(self, pane: Pane) -> None:
        self._windows.pop(pane.name, None)
        self._closed.add(pane.name)

    # --- commands

    async def find(self, action_id: str) -> Found:
        """See Terminal."""
        return await find(self._box, self._control, self._panes(), action_id)

    async def follow(self, action_id: str) -> AsyncGenerator[CommandItem]:
        """See Terminal. Raises RelayError when there is no such command."""
        found = await self.find(action_id)
        pane = next((p for p in self._panes() if p.machine.action == action_id), None)
        capture = pane.capture if pane is not None else None
        match found:
            case CommandEnded():
                yield CommandOutput(found.output)
                yield found
                return
            case StillRunning() if pane is not None and capture is not None:
                capture.skip_live()
            case _:
                raise RelayError("That command does not run in the terminal.")
        logged = await records.logged(self._box, pane.pid, action_id)
        past = self._keeping.masker.clean(logged.data.decode("utf-8", "replace"))
        capture.skip_live(overlap(past, capture.live))
        yield CommandOutput(past)
        async with aclosing(capture.items()) as items:
            async for item in items:
                yield item

    def _panes(self) -> list[Pane]:
        return [window.pane for window in self._windows.values()]

    # --- the person

    def listen(self, on_line: Callable[[PersonLine], None]) -> None:
        """See Terminal."""
        self._listeners.append(on_line)

    def _heard(self, line: PersonLine) -> None:
        for listener in self._listeners:
            listener(line)

    async def show(self, name: str) -> None:
        """See Terminal."""
        window = await self.window(name)
        self._shown = name
        await self._control.command("select-window", "-t", window.pane.place.window_id)
        for watch in self._watches:
            watch.show(window.pane)

    async def resize(self, columns: int, rows: int) -> None:
        """See Terminal; tmux ignores it while a person is attached."""
        await self._control.command("refresh-client", "-C", f"{columns}x{rows}")

    def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AbstractAsyncContextManager[None]:
        """See Terminal."""
        return self._watch(on_frame)

    @asynccontextmanager
    async def _watch(self, on_frame: Callable[[ScreenChanged], None]) -> AsyncGenerator[None]:
        shown = self._windows.get(self._shown) or self._windows[MAIN_WINDOW]
        watch = ScreenWatch(self._control, shown.pane, on_frame)
        self._watches.append(watch)
        task = asyncio.create_task(watch.run(), name="relay-watch")
        try:
            yield
        finally:
            self._watches.remove(watch)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _touched(self, pane: Pane) -> None:
        for watch in self._watches:
            watch.touched(pane)

    async def lost(self) -> str:
        """See Terminal."""
        return await self._control.lost()

    async def aclose(self) -> None:
        """See Terminal."""
        for window in tuple(self._windows.values()):
            await window.pane.aclose()
        await self._control.aclose()
