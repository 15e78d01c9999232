"""One pane on the host's side: what it hears, its state, and the capture of what runs in it."""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from pocketcoder_tui.core.errors import PocketCoderError, RelayError, ShellBusy
from pocketcoder_tui.core.masking import MaskedStream
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import CommandHeld, PersonLine
from pocketcoder_tui.relay import burial, keys, marks, records
from pocketcoder_tui.relay.attention import Attention, Seen, seen_in
from pocketcoder_tui.relay.capture import Capture, Keeping
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.keep import Spool
from pocketcoder_tui.relay.keyboard import Keyboard
from pocketcoder_tui.relay.machine import HALF_TYPED, Heard, PaneMachine, PaneState
from pocketcoder_tui.relay.plain import PlainText
from pocketcoder_tui.relay.protocol import (
    LayoutChange,
    Notification,
    Output,
    Pause,
    Reply,
    WindowClosed,
    WindowRenamed,
)
from pocketcoder_tui.relay.quiet import Changes
from pocketcoder_tui.relay.structure import Place

PROBE_LIMIT = 2.0
"""Seconds to wait for the shell to say how long its half-typed line is."""

CLAIMED = "The shell refused the action: it was claimed before."
LOST = "What the shell was to start is not there, so nothing ran."
CLOSED = "The window was closed."
NEW_SHELL = "Its shell had ended, and a new one was started."

_VISIBLE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]|[\x00-\x20\x7f]+")
"""What moves the cursor and shows nothing."""
_LINE_KEPT = 4_000
"""Characters of a person's line's output that are kept, at each end."""
_READ_BACK_TRIES = 5
START = "/workspace"
"""Where a shell begins (server.py)."""
_OURS = (PaneState.DELIVERING, PaneState.RUNNING)
_LOOK_AGAIN = 1.0
"""Seconds after which a shell that said it ends, and did not yet, is looked at once more."""


@dataclass(slots=True)
class _Typed:
    """A person's line that runs."""

    masked: MaskedStream
    plain: PlainText = field(default_factory=lambda: PlainText(_LINE_KEPT, _LINE_KEPT))
    began: float = field(default_factory=time.monotonic)


class Pane:
    """Listens to the control client for one pane. ``aclose`` ends the tasks that it started."""

    def __init__(self, box: Box, control: ControlClient, place: Place, keeping: Keeping) -> None:
        self.id = place.pane_id
        self.name = place.name
        self.place = place
        self.keeping = keeping
        self.cwd = START
        """Where its shell is, as far as is known: tmux tells nothing of one that just began."""
        self.pid = 0
        """The process that the pane was started with; each has its own log in the box."""
        self.machine = PaneMachine()
        self.scanner = marks.MarkScanner()
        self.capture: Capture | None = None
        self.spool: Callable[[str], Spool] | None = None
        """Makes the place for the whole of an action's output."""
        self.on_touch: Callable[[Pane], None] = lambda pane: None
        """Called when the pane's screen may have changed."""
        self.on_line: Callable[[PersonLine], None] = lambda line: None
        self.on_closed: Callable[[Pane], None] = lambda pane: None
        self.news = ""
        """What happened to the window that its next user should know."""
        self.closed = False
        self._box = box
        self._control = control
        self._typed: _Typed | None = None
        self.changes = Changes(self._trouble)
        self.keyboard = Keyboard(control, self.id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._burial = asyncio.Lock()
        self._hinted = 0
        self._again: asyncio.TimerHandle | None = None
        self.attention = Attention(self._look_for_reader)
        control.listen(self._on_notification, self._on_gone)

    # --- what others ask of it

    def expect(self, action_id: str, *, running: bool = False) -> Capture:
        """Count an action's marks from now on. ``running``: its start mark was before our time."""
        self.scanner.action, self.scanner.running = action_id, running
        spool = self.spool(action_id) if self.spool is not None else None
        self.capture = Capture(action_id, self.keeping, spool)
        self.capture.gap = running
        if running:
            self.attention.begin()
        return self.capture

    async def launch(self, action_id: str) -> None:
        """Type the launcher's key; what was laid out starts if the line is empty."""
        self.machine.deliver(action_id)
        self.attention.begin()
        await self._press_launcher()

    async def probe(self) -> int | None:
        """Ask how long the half-typed line is; None when the shell does not answer."""
        machine = self.machine
        machine.half_typed = None
        await self.keyboard.type(keys.PROBE)
        await self.changes.until(lambda: machine.half_typed is not None, seconds=PROBE_LIMIT)
        return machine.half_typed

    # --- what it hears

    def _on_notification(self, notification: Notification) -> None:
        window = self.place.window_id.encode()
        match notification:
            case Output(pane, data) if pane == self.id.encode():
                self._printed(data)
            case Pause(pane) if pane == self.id.encode():
                self._spawn(self._catch_up())
            case WindowRenamed(renamed, name) if renamed == window and name == burial.ENDED:
                self._spawn(self.bury(self.pid, looks=1))
            case WindowClosed(closed) if closed == window:
                self._was_closed()
            case LayoutChange():
                self.on_touch(self)

    def _on_gone(self, error: PocketCoderError) -> None:
        self.attention.end()
        if self.capture is not None and not self.capture.over:
            self.capture.failed(error)
        self.changes.moved()
        self.on_touch(self)

    def _trouble(self) -> PocketCoderError | None:
        return RelayError(CLOSED) if self.closed else self._control.gone

    def _was_closed(self) -> None:
        self.closed = True
        self._on_gone(RelayError(CLOSED))
        self.on_closed(self)

    def _printed(self, data: bytes) -> None:
        for item in self.scanner.feed(data):
            if not isinstance(item, marks.Printed):
                self._marked(item)
            elif self.scanner.running and self.capture is not None:
                self.capture.printed(item.data)
                self.capture.waits(False)
            elif self._typed is not None:
                self._typed.plain.feed(self._typed.masked.feed_bytes(item.data))
            elif _VISIBLE.sub(b"", item.data):
                self.machine.printed()
                self.changes.stirred()
        self.attention.stirred()
        self.on_touch(self)

    def _marked(self, mark: marks.Mark) -> None:
        heard = self.machine.hear(mark)
        match mark:
            case marks.LineEntered():
                self._typed = self._new_line()
            case marks.LineOver():
                self._line_over(mark)
            case marks.ShellEnded() if self._hinted != self.pid:
                # One look for each shell is waiting at most: the hint may be forged, and often.
                self._hinted = self.pid
                self._spawn(self.bury(self.pid))
            case marks.ActionOver():
                self.cwd = mark.cwd
        if heard is not Heard.NOTHING:
            self._act_on(heard, mark)
        self.changes.moved()

    def _act_on(self, heard: Heard, mark: marks.Mark) -> None:
        capture = self.capture
        if heard is Heard.PRESS_AGAIN:
            self._spawn(self._press_launcher())
        if capture is None or capture.over:
            return
        match heard:
            case Heard.BEGUN:
                if self.changes.on_quiet is not None:
                    self.changes.on_quiet = None
                    capture.held(CommandHeld(""))
                capture.begun()
                self.attention.begin()
            case Heard.OVER if isinstance(mark, marks.ActionOver):
                self.attention.end()
                if capture.gap:
                    self._spawn(self._end_from_log(capture, mark.status))
                else:
                    capture.ended(mark.status, mark.cwd)
            case Heard.REFUSED:
                capture.failed(ShellBusy(CLAIMED))
            case Heard.IN_THE_WAY:
                self.changes.on_quiet = self._try_again
                capture.held(CommandHeld(HALF_TYPED, clearable=True))
            case Heard.LOST:
                self.machine.withdraw()
                capture.failed(ShellBusy(LOST))

    def _new_line(self) -> _Typed:
        return _Typed(MaskedStream(self.keeping.masker))

    def _line_over(self, mark: marks.LineOver) -> None:
        """A person's line ended; one whose start we did not see has no output here."""
        typed, self._typed = self._typed or self._new_line(), None
        self.cwd = mark.cwd
        typed.plain.feed(typed.masked.finish())
        output, omitted = typed.plain.finish()
        text = self.keeping.masker.clean(mark.text)
        seconds = time.monotonic() - typed.began
        self.on_line(PersonLine(self.name, text, mark.status, output, omitted, mark.cwd, seconds))

    # --- what takes longer than a callback

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(work), name="relay-pane")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except PocketCoderError as error:
            if self.capture is not None and not self.capture.over:
                self.capture.failed(error)

    async def _press_launcher(self) -> None:
        await self.keyboard.launch(self._pressed)

    def _try_again(self) -> None:
        """The half-typed line may be gone."""
        if self.machine.state is PaneState.DELIVERING:
            self._spawn(self._press_launcher())

    def _pressed(self, reply: Reply) -> None:
        """tmux's answer to the typing of the launcher's key; a refusal means nothing was typed."""
        if not reply.ok and self.capture is not None and not self.capture.over:
            self.machine.withdraw()
            self.capture.failed(RelayError("The launcher could not be typed into the terminal."))

    async def _look_for_reader(self) -> None:
        capture = self.capture
        if capture is None or capture.over or self.machine.state not in _OURS:
            return
        try:
            seen = await seen_in(self._box, pid := self.pid)
        except PocketCoderError:
            return  # no process can be started, or the box is gone: who runs the command is told
        if seen is Seen.GONE:
            # tmux missed its end, and what the shell said of it came too early or not at all.
            self._spawn(self.bury(pid))
        elif self.machine.state is PaneState.RUNNING and self.capture is capture:
            capture.waits(seen.waits)

    async def _end_from_log(
        self, capture: Capture, status: int | None, *, shell_died: bool = False
    ) -> None:
        """Take the output from the log, because what was seen live has a gap."""
        claim = await records.claim_of(self._control, capture.action_id)
        pid = claim.pid if claim is not None else self.pid
        logged = await records.logged(self._box, pid, capture.action_id)
        for _ in range(_READ_BACK_TRIES):
            # The log is written by another process; the end mark says that it is complete.
            if logged.over or shell_died:
                break
            logged = await records.logged(self._box, pid, capture.action_id)
        capture.replace(logged.data)
        seconds = claim.ended - claim.started if claim is not None and claim.ended else None
        capture.ended(status, self.cwd, shell_died=shell_died, seconds=seconds, lost=logged.lost)

    async def _catch_up(self) -> None:
        """Output was held back: let it flow again, and look whether an end mark was in it."""
        if self.capture is not None:
            self.capture.gap = True
        await self._control.command("refresh-client", "-A", f"{self.id}:continue")
        machine, capture = self.machine, self.capture
        if machine.state in (PaneState.PROMPT, PaneState.FOREIGN):
            machine.unknown()
        if capture is None or machine.action != capture.action_id:
            return
        claim = await records.claim_of(self._control, capture.action_id)
        if claim is not None and claim.over and self.scanner.running:
            self.scanner.running = False
            self.cwd = claim.cwd
            machine.unknown()
            self.attention.end()
            await self._end_from_log(capture, claim.status)

    async def bury(self, pid: int, looks: int = burial.AUTOPSIES) -> None:
        """The shell may have ended: if so keep its status, start a new one, and say so in the pane.

        ``pid`` is the process that was the pane's when the hint came.
        """
        async with self._burial:
            self._hinted = 0
            if pid != self.pid or self.closed:
                return
            dead, status = await burial.autopsy(self._control, self.id, looks)
            if dead:
                await self._bury(status)
            elif looks == 1:
                # The name came after the new shell.
                await burial.rename(self._control, self.place)
            elif looks == burial.AUTOPSIES and self._again is None:
                # Its word came early, and tmux may miss its end.
                loop = asyncio.get_running_loop()
                self._again = loop.call_later(_LOOK_AGAIN, self._bury_late, pid)

    def _bury_late(self, pid: int) -> None:
        self._again = None
        self._spawn(self.bury(pid, looks=2))

    async def _bury(self, status: int | None) -> None:
        starting = self.machine.state is PaneState.DELIVERING
        action = self.machine.died()
        self.scanner.running, self.scanner.key, self._typed = False, None, None
        self.attention.end()
        claim = await records.claim_of(self._control, action) if action is not None else None
        begun = claim is not None and not claim.never
        if action is not None and begun:
            await records.record_death(self._control, action, status)
        # The capture's end comes last, so that the next command finds the new shell on its way.
        self.machine.respawned()
        await burial.respawn(self._control, self.place, self.cwd)
        await self.look()
        capture = self.capture
        if action is None or (starting and not begun):
            self.news = NEW_SHELL
        if action is None or capture is None or capture.action_id != action:
            return
        if starting and not begun:
            self._spawn(self._launch_anew(action))
        elif capture.gap:
            await self._end_from_log(capture, status, shell_died=True)
        else:
            capture.ended(status, self.cwd, shell_died=True)

    async def _launch_anew(self, action: str) -> None:
        """The shell ended before it took the action: the new one does."""
        await self.changes.until(lambda: self.machine.free)
        await self.launch(action)

    async def look(self) -> bool:
        """Read the shell's process id and directory. Returns True when it is dead."""
        form = "#{pane_dead} #{pane_pid} #{pane_current_path}"
        [facts] = await self._control.command("display-message", "-p", "-t", self.id, form)
        dead, pid, path = facts.decode("utf-8", "replace").split(" ", 2)
        self.pid = int(pid) if pid.isdigit() else 0
        self.cwd = path or self.cwd
        return dead == "1"

    async def aclose(self) -> None:
        """End the tasks."""
        self.changes.close()
        if self._again is not None:
            self._again.cancel()
        await self.attention.aclose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
