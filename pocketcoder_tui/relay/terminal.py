"""The agent's terminal: one tmux pane, one command at a time, each delivered exactly and once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from pocketcoder_tui.core.errors import DeliveryRefused, RelayError, ShellBusy
from pocketcoder_tui.core.events import ScreenChanged
from pocketcoder_tui.core.ids import is_id
from pocketcoder_tui.core.ports import (
    Box,
    CommandEnded,
    CommandOutput,
    Found,
    StillRunning,
)
from pocketcoder_tui.relay import records
from pocketcoder_tui.relay.capture import Capture
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.delivery import check, deliver
from pocketcoder_tui.relay.machine import BUSY, LASTING
from pocketcoder_tui.relay.pane import Pane
from pocketcoder_tui.relay.recovery import find, overlap, resume
from pocketcoder_tui.relay.server import connect
from pocketcoder_tui.relay.watch import ScreenWatch

_LAUNCH = "\x1b[5;134~"
"""All that is ever typed: the launcher's key, which no keyboard has. See sandbox/shell.bash."""


class TmuxTerminal:
    """Implements the ``Terminal`` port. Owns a control stream; the pane outlives it.

    Make one with ``open``; end it with ``aclose``.
    """

    def __init__(self, box: Box, control: ControlClient, pane: Pane) -> None:
        self._box = box
        self._control = control
        self._pane = pane
        self._dispatching = asyncio.Lock()
        self._runs = 0

    @classmethod
    async def open(
        cls,
        box: Box,
        *,
        window: str = "agent",
        columns: int = 120,
        rows: int = 40,
        output_limit: int = 40_000,
    ) -> "TmuxTerminal":
        """Find or start the box's tmux server and take the window's pane.

        ``output_limit`` is in characters, half of it for a command's head, half for its tail. A
        command that an earlier process left running goes on; ``find`` and ``follow`` know it.
        Raises RelayError or ContainerGone.
        """
        control, window_id, pane_id = await connect(box, window, columns, rows)
        limits = output_limit - output_limit // 2, output_limit // 2
        pane = Pane(box, control, window_id=window_id, pane_id=pane_id, name=window, limits=limits)
        try:
            await resume(box, control, pane)
        except BaseException:
            await control.aclose()
            raise
        return cls(box, control, pane)

    @property
    def cwd(self) -> str:
        """The shell's directory at the last prompt."""
        return self._pane.cwd

    async def run(
        self, action_id: str, command: bytes
    ) -> AsyncGenerator[CommandOutput | CommandEnded]:
        """Deliver, verify, run once, and yield what comes; see the port."""
        capture = await self._dispatch(action_id, command)
        async with aclosing(capture.items()) as items:
            async for item in items:
                yield item

    async def _dispatch(self, action_id: str, command: bytes) -> Capture:
        if not is_id(action_id):
            raise DeliveryRefused("The action's id is malformed; nothing ran.")
        check(command)
        if self._dispatching.locked():
            raise ShellBusy("Another command is being delivered to the terminal.")
        async with self._dispatching:
            machine = self._pane.machine
            if machine.state in LASTING:
                raise ShellBusy(BUSY[machine.state])
            # The file travels while the last command's prompt is still being drawn.
            await deliver(self._box, self._control, self._pane.id, action_id, command)
            await self._pane.free_prompt()
            machine.launch(action_id)
            return await self._type(action_id)

    async def _type(self, action_id: str) -> Capture:
        capture = self._pane.expect(action_id)
        pasted = await self._pane.paste(_LAUNCH)
        pasted.add_done_callback(lambda future: _typed(capture, future))
        self._runs += 1
        if self._runs % records.KEPT_CLAIMS == 0:
            await records.prune(self._control)
        return capture

    async def find(self, action_id: str) -> Found:
        """Say what became of an action; see the port."""
        return await find(self._box, self._control, self._pane, action_id)

    async def follow(self, action_id: str) -> AsyncGenerator[CommandOutput | CommandEnded]:
        """Take up a running command from its first byte of output; see the port.

        Raises RelayError when there is no such command.
        """
        found = await self.find(action_id)
        capture = self._pane.capture
        match found:
            case CommandEnded():
                yield CommandOutput(found.output)
                yield found
                return
            case StillRunning() if capture is not None and capture.action_id == action_id:
                capture.skip_live()
            case _:
                raise RelayError("That command does not run in the terminal.")
        logged = await records.logged(self._box, self._pane.pid, action_id)
        past = logged.data.decode("utf-8", "replace")
        capture.skip_live(overlap(past, capture.live))
        yield CommandOutput(past)
        async with aclosing(capture.items()) as items:
            async for item in items:
                yield item

    async def interrupt(self) -> None:
        """Send C-c to the pane. Raises RelayError or ContainerGone."""
        await self._pane.paste("\x03")

    async def resize(self, columns: int, rows: int) -> None:
        """Give the pane this size; tmux ignores it while a person is attached."""
        await self._control.command("refresh-client", "-C", f"{columns}x{rows}")

    def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AbstractAsyncContextManager[None]:
        """Call ``on_frame`` with the pane's screen now and at changes, 30 a second at most."""
        return self._watch(on_frame)

    @asynccontextmanager
    async def _watch(self, on_frame: Callable[[ScreenChanged], None]) -> AsyncGenerator[None]:
        watch = ScreenWatch(self._control, self._pane.id, on_frame)
        self._pane.watchers.append(watch.touched)
        task = asyncio.create_task(watch.run(), name="relay-watch")
        try:
            yield
        finally:
            self._pane.watchers.remove(watch.touched)
            await _cancel(task)

    async def lost(self) -> str:
        """Wait until the control stream is gone; returns the sentence that says why."""
        return await self._control.lost()

    async def aclose(self) -> None:
        """Let go of the control stream; the pane and its command go on."""
        await self._pane.aclose()
        await self._control.aclose()


def _typed(capture: Capture, future: asyncio.Future[Any]) -> None:
    """tmux answered the paste of the launcher; a refusal means that nothing was typed."""
    if not future.cancelled() and future.exception() is None and not future.result().ok:
        capture.failed(RelayError("The launcher could not be typed into the terminal."))


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
