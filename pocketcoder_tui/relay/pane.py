"""One pane on the host's side: its marks, its state, the capture of what runs in it, its death."""

import asyncio
from collections.abc import Callable, Coroutine

from pocketcoder_tui.core.errors import PocketCoderError, RelayError, ShellBusy
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.relay import marks, records
from pocketcoder_tui.relay.capture import Capture
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.machine import BUSY, HALF_TYPED, PASSING, PaneMachine, PaneState
from pocketcoder_tui.relay.protocol import (
    LayoutChange,
    Notification,
    Output,
    Pause,
    Reply,
    WindowRenamed,
)

PROMPT_LIMIT = 10.0
"""Seconds to wait for a prompt that is on its way."""

PROBE_LIMIT = 2.0
"""Seconds to wait for the shell to say how long its half-typed line is."""

REDRAW_LIMIT = 0.5
"""Seconds to wait for the prompt after that."""

_PROBE = "\x1b[5;133~"
"""The key that shell.bash binds to its probe; no keyboard sends it."""

_CLEAR = "Attach and finish the line, or clear it with C-u."
_ENDED = b"ended"
"""The name that tmux.conf gives to the window of a shell that ended."""

_LOGGER = "exec /bin/bash /opt/pocketcoder/shell.bash --log #{pane_pid}"
_READ_BACK_TRIES = 5
_AUTOPSIES = 20
"""Looks at a pane whose shell may have ended; each takes as long as a program's start."""


class Pane:
    """Listens to the control client for one pane. ``aclose`` ends the tasks that it started."""

    def __init__(
        self,
        box: Box,
        control: ControlClient,
        *,
        window_id: str,
        pane_id: str,
        name: str,
        limits: tuple[int, int],
    ) -> None:
        self.id = pane_id
        self.cwd = ""
        self.pid = 0
        """The process that the pane was started with; each has its own log in the box."""
        self.machine = PaneMachine()
        self.capture: Capture | None = None
        self.watchers: list[Callable[[], None]] = []
        self._box = box
        self._control = control
        self._window = window_id
        self._name = name
        self.limits = limits
        self._scanner = marks.MarkScanner()
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pastes = 0
        self._burial = asyncio.Lock()
        self._hinted = 0
        control.listen(self._on_notification, self._on_gone)

    # --- what others ask of it

    def expect(self, action_id: str, *, running: bool = False) -> Capture:
        """Count an action's marks from now on. ``running``: its start mark was before our time."""
        self._scanner.action, self._scanner.running = action_id, running
        self.capture = Capture(action_id, *self.limits)
        self.capture.gap = running
        return self.capture

    async def paste(self, text: str) -> asyncio.Future[Reply]:
        """Type into the pane, also while it is in copy mode; a carriage return is Enter.

        Returns the reply to the typing.
        """
        self._pastes += 1
        name = f"typed{self._pastes}"
        _, pasted = await self._control.send(
            [
                line("set-buffer", "-b", name, "--", text),
                line("paste-buffer", "-d", "-r", "-b", name, "-t", self.id),
            ]
        )
        return pasted

    async def free_prompt(self) -> None:
        """Return when a line may be typed. Raises ShellBusy with the reason when it may not."""
        machine = self.machine
        await self._until(lambda: machine.state not in PASSING, PROMPT_LIMIT)
        if machine.state is PaneState.TOUCHED:
            machine.half_typed = None
            await self.paste(_PROBE)
            await self._until(lambda: machine.half_typed is not None, PROBE_LIMIT)
            if machine.half_typed:
                machine.unknown()
                raise ShellBusy(HALF_TYPED, hint=_CLEAR)
            if machine.half_typed == 0:
                # The shell draws its prompt again after the answer.
                await self._until(lambda: machine.state is PaneState.PROMPT, REDRAW_LIMIT)
                machine.clean()
        if machine.state is not PaneState.PROMPT:
            raise ShellBusy(BUSY[machine.state])

    async def _until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Wait for a mark that makes it true, at most so long."""
        if reached():
            return
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    if self._control.gone is not None:
                        raise self._control.gone
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return

    async def keep_log(self) -> None:
        """Pipe the pane to its shell's log, unless that is so already (-o would toggle it)."""
        form = "#{pane_pipe}"
        [piped] = await self._control.command("display-message", "-p", "-t", self.id, form)
        if piped != b"1":
            await self._control.command("pipe-pane", "-t", self.id, _LOGGER)

    # --- what it hears

    def _on_notification(self, notification: Notification) -> None:
        match notification:
            case Output(pane, data) if pane == self.id.encode():
                self._printed(data)
            case Pause(pane) if pane == self.id.encode():
                self._spawn(self._catch_up())
            case WindowRenamed(window, name) if window == self._window.encode() and name == _ENDED:
                self._spawn(self.bury(self.pid, looks=1))
            case LayoutChange():
                self._touch()

    def _on_gone(self, error: PocketCoderError) -> None:
        if self.capture is not None and self.capture.result is None:
            self.capture.failed(error)
        self._moved.set()
        self._touch()

    def _touch(self) -> None:
        for touched in self.watchers:
            touched()

    def _printed(self, data: bytes) -> None:
        for item in self._scanner.feed(data):
            if not isinstance(item, marks.Printed):
                self._marked(item)
            elif self._scanner.running and self.capture is not None:
                self.capture.printed(item.data)
            else:
                self.machine.printed()
        self._touch()

    def _marked(self, mark: marks.Mark) -> None:
        capture = self.capture
        refusal = self.machine.mark(mark)
        if refusal and capture is not None:
            capture.failed(ShellBusy(refusal, hint=_CLEAR if refusal == HALF_TYPED else ""))
        if isinstance(mark, marks.ShellEnded) and self._hinted != self.pid:
            # One look for each shell is waiting at most: the hint may be forged, and often.
            self._hinted = self.pid
            self._spawn(self.bury(self.pid))
        if isinstance(mark, marks.ActionOver):
            self.cwd = mark.cwd
            if capture is not None and capture.gap:
                self._spawn(self._end_from_log(capture, mark.status))
            elif capture is not None:
                capture.ended(mark.status, mark.cwd)
        self._moved.set()

    # --- what takes longer than a callback

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(work), name="relay-pane")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except PocketCoderError as error:
            if self.capture is not None and self.capture.result is None:
                self.capture.failed(error)

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
        if machine.state is PaneState.PROMPT:
            machine.unknown()
        if capture is None or machine.action != capture.action_id:
            return
        claim = await records.claim_of(self._control, capture.action_id)
        if claim is not None and claim.over and self._scanner.running:
            self._scanner.running = False
            self.cwd = claim.cwd
            machine.unknown()
            await self._end_from_log(capture, claim.status)

    async def bury(self, pid: int, looks: int = _AUTOPSIES) -> None:
        """The shell may have ended: if so keep its status, start a new one, and say so in the pane.

        ``pid`` is the process that was the pane's when the hint came.
        """
        async with self._burial:
            self._hinted = 0
            if pid != self.pid:
                return
            dead, status = await self._autopsy(looks)
            if dead:
                await self._bury(status)
            elif looks == 1:
                # The name came after the new shell.
                await self._control.command("rename-window", "-t", self._window, self._name)

    async def _autopsy(self, looks: int) -> tuple[bool, int | None]:
        """Whether the pane is dead, and its status."""
        form = "#{pane_dead} s#{pane_dead_status} g#{pane_dead_signal}"
        dead, status, signal = b"0", b"s", b"g"
        for _ in range(looks):
            # A child's end makes tmux collect the ends that it missed (see shell.bash).
            _, facts = await self._control.ask(
                line("run-shell", "true"), line("display-message", "-p", "-t", self.id, form)
            )
            if not facts.ok:
                break
            dead, status, signal = facts.lines[0].split(b" ")
            if dead == b"1" and (status, signal) != (b"s", b"g"):
                break
        return dead == b"1", int(status[1:]) if status[1:].isdigit() else None

    async def _bury(self, status: int | None) -> None:
        action = self.machine.died()
        self._scanner.running = False
        if action is not None:
            await records.record_death(self._control, action, status)
        # The capture's end comes last, so that the next command finds the new shell on its way.
        self.machine.respawned()
        await self._respawn()
        capture = self.capture
        if action is None or capture is None or capture.action_id != action:
            return
        if capture.gap:
            await self._end_from_log(capture, status, shell_died=True)
        else:
            capture.ended(status, self.cwd, shell_died=True)

    async def _respawn(self) -> None:
        start = ["-c", self.cwd] if self.cwd else []
        # A new program's output is miscounted for a client that followed the old one (seen with
        # tmux 3.3a: the newest bytes stay behind); off and on takes the count anew.
        replies = await self._control.ask(
            line("refresh-client", "-A", f"{self.id}:off"),
            line("pipe-pane", "-t", self.id),
            line("respawn-pane", "-k", "-t", self.id, "-e", "PC_NEW_SHELL=1", *start),
            line("refresh-client", "-A", f"{self.id}:on"),
            line("pipe-pane", "-t", self.id, _LOGGER),
            line("rename-window", "-t", self._window, self._name),
        )
        if not replies[2].ok:
            raise RelayError("The shell ended, and the box's tmux did not start a new one.")
        await self.look()

    async def look(self) -> bool:
        """Read the shell's process id and directory. Returns True when it is dead."""
        form = "#{pane_dead} #{pane_pid} #{pane_current_path}"
        [facts] = await self._control.command("display-message", "-p", "-t", self.id, form)
        dead, pid, path = facts.decode("utf-8", "replace").split(" ", 2)
        self.pid = int(pid) if pid.isdigit() else 0
        self.cwd = path or self.cwd
        return dead == "1"

    async def settle(self) -> None:
        """Find out whether the shell is only starting, or stands where no mark told us."""
        form = "#{cursor_x} #{cursor_y} #{history_size}"
        [facts] = await self._control.command("display-message", "-p", "-t", self.id, form)
        if self.machine.state is PaneState.STARTING and facts != b"0 0 0":
            self.machine.unknown()

    async def aclose(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
