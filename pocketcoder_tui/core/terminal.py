"""What the engine needs of the terminal inside the box: windows, and one command's life.

A command's life: held (the prompt is not free) → delivered → running ⇄ needs input → ended. How it
ended is in ``CommandEnded``: with a status, by an interrupt, or with its shell.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pocketcoder_tui.core.transient import ScreenChanged

MAIN_WINDOW = "agent"
"""The window that commands run in unless another is named."""


class WindowState(StrEnum):
    """What a window's shell is doing."""

    STARTING = "starting"
    """No prompt was seen yet."""
    FREE = "free"
    """At an empty prompt, as far as is known."""
    BUSY = "busy"
    """An action's command runs, or is on its way."""
    NEEDS_INPUT = "needs input"
    """An action's command reads the terminal, and is silent."""
    PERSON = "person"
    """A line that somebody typed runs."""
    DEAD = "dead"
    """The shell ended; a new one is on its way."""


@dataclass(frozen=True, slots=True)
class CommandHeld:
    """The command has not started, because the prompt is not free."""

    why: str
    """One sentence; empty when it is free again."""
    clearable: bool = False
    """True when a half-typed line is in the way, which ``clear_line`` removes."""


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """Raw terminal output of the running command, decoded as UTF-8 with replacement."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandWaits:
    """Whether the command reads the terminal and is silent."""

    needs_input: bool


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """The command is over."""

    status: int | None
    """As reported by the sandbox; None when the shell died without one."""
    output: str
    """Everything as text a terminal would show: head, and tail if it was too long."""
    omitted: int
    """Characters left out between head and tail."""
    seconds: float
    cwd: str
    shell_died: bool = False
    interrupted: bool = False
    """True when it ended by the C-c that was sent to it."""
    coloured: str = ""
    """``output`` with its SGR sequences and no others; empty when it has none."""


CommandItem = CommandHeld | CommandOutput | CommandWaits | CommandEnded


@dataclass(frozen=True, slots=True)
class CommandProgress:
    """A running command, as far as it has come."""

    action_id: str
    output: str
    """What was printed since the last time this was asked, head and tail kept."""
    omitted: int
    """Characters left out of ``output``."""
    seconds: float
    needs_input: bool


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """The sandbox holds no claim of the action: it did not start and will not."""


@dataclass(frozen=True, slots=True)
class StillRunning:
    """Its command runs; Terminal.follow brings the rest."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The sandbox was restarted or its records are incomplete."""

    why: str


Found = NeverStarted | StillRunning | CannotTell | CommandEnded


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A line that a person typed in a window, and what it came to."""

    window: str
    command: str
    """Empty when the shell did not keep it (it began with a space)."""
    status: int
    output: str
    omitted: int
    cwd: str
    """The shell's directory afterwards."""
    seconds: float


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """A window in a list."""

    name: str
    state: WindowState
    cwd: str
    action_id: str | None
    """The action whose command runs in it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A program that runs in the box and is no shell of a window's."""

    pid: int
    window: str
    """The window whose terminal it has; empty when it has none."""
    foreground: bool
    """True when it has the terminal's keyboard."""
    seconds: float
    command: str
    """Its arguments, joined by spaces."""


class Window(Protocol):
    """One pane with its shell: one command at a time, exactly."""

    @property
    def name(self) -> str:
        """The window's name."""

    @property
    def cwd(self) -> str:
        """The shell's directory at the last prompt."""

    @property
    def state(self) -> WindowState:
        """What its shell is doing."""

    @property
    def news(self) -> str:
        """A sentence when it is not the window that it was (its shell ended); told once."""

    async def free(self, on_held: Callable[[CommandHeld], None]) -> None:
        """Return when the prompt is free. ``on_held`` says what it waits for, and the end of that.

        Waits for ever. Raises RelayError or ContainerGone.
        """

    def run(self, action_id: str, command: bytes) -> AsyncGenerator[CommandItem]:
        """Deliver the bytes, proven the same, run them in the pane's shell once, yield what comes.

        The last item is one CommandEnded. Raises DeliveryRefused (what arrived differs; nothing
        ran), ShellBusy (another command of the agent's is there, or the id was claimed before;
        nothing ran), RelayError or ContainerGone (the stream was lost; use find). Waits for ever;
        closing the iterator leaves the command alone.
        """

    def progress(self, action_id: str) -> CommandProgress | None:
        """What the window's newest command printed since this was asked; None for another one."""

    async def type_text(self, text: str) -> None:
        """Type into the program that runs. Raises ShellBusy at a prompt: use run."""

    async def press(self, keys: Sequence[str]) -> None:
        """Press named keys (C-c, Up, Enter, F1 …) in the program that runs.

        Raises RelayError for an unknown name, ShellBusy at a prompt.
        """

    async def interrupt(self) -> None:
        """Send C-c."""

    async def clear_line(self) -> None:
        """Remove a half-typed line from the prompt; harmless anywhere else."""

    async def screen(self) -> str:
        """The pane as text, as it stands now."""


class Terminal(Protocol):
    """The agent's windows in the box's tmux."""

    async def window(self, name: str = MAIN_WINDOW) -> Window:
        """A window by its name; made when it is not there. Raises RelayError, ContainerGone."""

    def windows(self) -> list[WindowFacts]:
        """All windows, the main one first."""

    async def jobs(self) -> list[Job]:
        """The programs that run in the box. Raises RelayError or ContainerGone."""

    async def stop_job(self, pid: int) -> bool:
        """End a program and its group; False when there is none of that number."""

    async def find(self, action_id: str) -> Found:
        """After a crash: what became of an action that was dispatched."""

    def follow(self, action_id: str) -> AsyncGenerator[CommandItem]:
        """Take up a command that is still running, from its first byte of output."""

    def listen(self, on_line: Callable[[PersonLine], None]) -> None:
        """Call back for every line that a person typed and that is over."""

    def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AbstractAsyncContextManager[None]:
        """Call ``on_frame`` with the shown window now and at changes, 30 a second at most."""

    async def show(self, name: str) -> None:
        """Choose the window that ``watch`` and whoever attaches see."""

    async def resize(self, columns: int, rows: int) -> None:
        """Give the panes this size while no person is attached."""

    async def lost(self) -> str:
        """Wait until the control stream is gone; returns the sentence that says why."""

    async def aclose(self) -> None:
        """Let go of the control stream; the panes and their commands go on."""
