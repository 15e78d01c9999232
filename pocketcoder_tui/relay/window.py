"""A window as the engine sees it: one command at a time, held until its prompt is free."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from pocketcoder_tui.core.errors import DeliveryRefused, PocketCoderError, ShellBusy
from pocketcoder_tui.core.ids import is_id
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import (
    CommandHeld,
    CommandItem,
    CommandProgress,
    WindowFacts,
    WindowState,
)
from pocketcoder_tui.relay import keys, records
from pocketcoder_tui.relay.capture import Capture
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.delivery import check, deliver
from pocketcoder_tui.relay.machine import HALF_TYPED, MINE, WHY, PaneState
from pocketcoder_tui.relay.pane import Pane

PATIENCE = 1.0
"""Seconds for which a prompt that is on its way is waited for without a word."""

NOTHING_RUNS = "No command runs in this window, so there is nothing to type into."

_PASSING = frozenset({PaneState.STARTING, PaneState.ENDING, PaneState.DEAD})
_STATES = {
    PaneState.STARTING: WindowState.STARTING,
    PaneState.PROMPT: WindowState.FREE,
    PaneState.TOUCHED: WindowState.FREE,
    PaneState.FOREIGN: WindowState.PERSON,
    PaneState.DELIVERING: WindowState.BUSY,
    PaneState.RUNNING: WindowState.BUSY,
    PaneState.ENDING: WindowState.BUSY,
    PaneState.DEAD: WindowState.DEAD,
}


class TmuxWindow:
    """Implements the ``Window`` port over a pane, which it borrows."""

    def __init__(self, box: Box, control: ControlClient, pane: Pane) -> None:
        self._box = box
        self._control = control
        self.pane = pane
        self._starting = False
        self._runs = 0

    @property
    def name(self) -> str:
        """See Window."""
        return self.pane.name

    @property
    def cwd(self) -> str:
        """See Window."""
        return self.pane.cwd

    @property
    def state(self) -> WindowState:
        """See Window."""
        capture = self.pane.capture
        if self.pane.machine.state is PaneState.RUNNING and capture and capture.needs_input:
            return WindowState.NEEDS_INPUT
        return _STATES[self.pane.machine.state]

    @property
    def news(self) -> str:
        """See Window."""
        news, self.pane.news = self.pane.news, ""
        return news

    @property
    def facts(self) -> WindowFacts:
        """The window in a list."""
        return WindowFacts(self.name, self.state, self.cwd, self.pane.machine.action)

    async def free(self, on_held: Callable[[CommandHeld], None]) -> None:
        """See Window."""
        told = False
        while (held := await self._obstacle()) is not None:
            told = True
            on_held(held)
            await self.pane.changes.quiet()
        if told:
            on_held(CommandHeld(""))

    async def _obstacle(self) -> CommandHeld | None:
        """What is in the way, after waiting a moment for what passes by itself."""
        pane = self.pane
        machine = pane.machine
        await pane.changes.until(lambda: machine.state not in _PASSING, seconds=PATIENCE)
        if machine.state is PaneState.TOUCHED:
            # Somebody may be typing: a key of ours must not meet a program that starts now.
            await pane.changes.calm()
        if machine.state is PaneState.TOUCHED:
            typed = await pane.probe()
            if typed:
                return CommandHeld(HALF_TYPED, clearable=True)
            if typed == 0:
                # The shell draws its prompt again after the answer.
                await pane.changes.until(
                    lambda: machine.state is not PaneState.TOUCHED, seconds=PATIENCE
                )
                return None
        return None if machine.free else CommandHeld(WHY[machine.state])

    async def run(self, action_id: str, command: bytes) -> AsyncGenerator[CommandItem]:
        """See Window."""
        if not is_id(action_id):
            raise DeliveryRefused("The action's id is malformed; nothing ran.")
        check(command)
        machine = self.pane.machine
        if self._starting or machine.state in MINE:
            raise ShellBusy(WHY[PaneState.RUNNING])
        self._starting = True
        capture = self.pane.expect(action_id)
        starting: asyncio.Task[None] | None = None
        if machine.free:
            await self._launch(capture, command)
        else:
            starting = asyncio.create_task(self._launch_when_free(capture, command))
        try:
            async with aclosing(capture.items()) as items:
                async for item in items:
                    yield item
        finally:
            if starting is not None:
                starting.cancel()

    async def _launch_when_free(self, capture: Capture, command: bytes) -> None:
        try:
            await self.free(capture.held)
            await self._launch(capture, command)
        except PocketCoderError as error:
            capture.failed(error)
        finally:
            self._starting = False

    async def _launch(self, capture: Capture, command: bytes) -> None:
        try:
            await deliver(self._box, self._control, self.pane.id, capture.action_id, command)
            await self.pane.launch(capture.action_id)
        finally:
            self._starting = False
        self._runs += 1
        if self._runs % records.KEPT_CLAIMS == 0:
            await records.prune(self._control)

    def progress(self, action_id: str) -> CommandProgress | None:
        """See Window."""
        capture = self.pane.capture
        return capture.progress() if capture and capture.action_id == action_id else None

    async def type_text(self, text: str) -> None:
        """See Window."""
        self._require_program()
        self._answered()
        await self.pane.keyboard.type(text)

    async def press(self, keys_asked: Sequence[str]) -> None:
        """See Window."""
        names = [keys.key_name(asked) for asked in keys_asked]
        self._require_program()
        self._answered()
        self._note_interrupt("C-c" in names)
        await self.pane.keyboard.press(*names)

    async def interrupt(self) -> None:
        """See Window."""
        self._note_interrupt(True)
        await self.pane.keyboard.type(keys.INTERRUPT)

    async def clear_line(self) -> None:
        """See Window."""
        await self.pane.keyboard.type(keys.CLEAR)

    async def screen(self) -> str:
        """See Window."""
        lines = await self._control.command("capture-pane", "-p", "-t", self.pane.id)
        rows = [part.decode("utf-8", "replace").rstrip() for part in lines]
        return "\n".join(self.pane.keeping.masker.clean_rows(rows)).rstrip("\n")

    def _require_program(self) -> None:
        if self.pane.machine.state not in (PaneState.RUNNING, PaneState.FOREIGN):
            raise ShellBusy(NOTHING_RUNS, hint="Use shell to run a command.")

    def _answered(self) -> None:
        """Somebody types into it: whether it waits for more is looked at again."""
        if self.pane.capture is not None:
            self.pane.capture.waits(False)
        self.pane.attention.stirred()

    def _note_interrupt(self, sent: bool) -> None:
        capture = self.pane.capture
        if sent and capture is not None and self.pane.machine.state is PaneState.RUNNING:
            capture.interrupted = True
