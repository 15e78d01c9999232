"""The shell's companions: wait for a command, type into it, interrupt it, look at it, read it.

Each is an action of its own. What acts on a running command is bound to that command: when another
one runs by the time of the decision, it is asked again.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import Field

from pocketcoder_tui.core.actions import Action, Ended, Execution, Json, Preview, PreviewKind
from pocketcoder_tui.core.errors import RelayError, ShellBusy
from pocketcoder_tui.core.model import ToolSpec
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import MAIN_WINDOW, Terminal, WindowState
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.runs import Run, Runs
from pocketcoder_tui.engine.tools.base import Arguments, Sketch, complaint_of, spec_of

ANSWER_SECONDS = 5.0
"""How long an answer to what was typed is waited for."""
WAIT_SECONDS = 60.0

NAME = r"^[a-z0-9][a-z0-9_-]{0,23}$"
"""What a window may be called."""
MAYBE_TYPED = "Whether it was typed before the program ended cannot be told."
LOST = "Its result was lost when the program ended. It changed nothing."


@dataclass(frozen=True, slots=True)
class Scene:
    """What the terminal's tools see and use."""

    box: Box
    terminal: Terminal
    runs: Runs
    outputs: Outputs


class TerminalTool(Protocol):
    """A tool that acts on the terminal's windows."""

    spec: ToolSpec

    def complaint(self, arguments: Json) -> str:
        """Say what is wrong with the arguments in one sentence; empty when nothing is."""

    def sketch(self, arguments: Json, scene: Scene) -> Sketch:
        """Describe what would happen."""

    def bound_to(self, arguments: Json, scene: Scene) -> str:
        """What the decision is about beside the arguments: the running command's action."""

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """Do it. Raises PocketCoderError with the sentence that the model gets."""

    def lost(self, action: Action) -> Execution:
        """The record of one that was under way when the program ended."""


class OnWindow(Arguments):
    """Arguments of what acts on a window."""

    window: str = Field(default=MAIN_WINDOW, pattern=NAME, description="The window's name.")


class Companion:
    """What the tools have in common."""

    spec: ToolSpec
    arguments: ClassVar[type[Arguments]]
    verb: ClassVar[str]
    harmless = True
    """True when losing it in the middle has changed nothing."""
    acts = False
    """True when it acts on the command that runs."""

    def complaint(self, arguments: Json) -> str:
        """See TerminalTool."""
        return complaint_of(arguments, self.arguments)

    def bound_to(self, arguments: Json, scene: Scene) -> str:
        """See TerminalTool."""
        run = scene.runs.within(str(arguments.get("window") or MAIN_WINDOW)) if self.acts else None
        return run.action.id if run is not None else ""

    def sketch(self, arguments: Json, scene: Scene) -> Sketch:
        """See TerminalTool."""
        window = str(arguments.get("window") or MAIN_WINDOW)
        title, text = self.words(dict(arguments))
        run = scene.runs.within(window) if self.acts else None
        notes = () if run is None else (f"Runs in {window}: {_command(run)}",)
        preview = Preview(PreviewKind.TEXT, self.verb, title, text, notes=notes)
        return Sketch(preview, self.bound_to(arguments, scene))

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """The row's title, and the whole text."""
        raise NotImplementedError

    def lost(self, action: Action) -> Execution:
        """See TerminalTool."""
        if self.harmless:
            return Execution(action.id, Ended.INTERRUPTED, error=LOST)
        return Execution(action.id, Ended.UNKNOWN, error=MAYBE_TYPED)


class WaitArguments(OnWindow):
    """What shell_wait is asked."""

    seconds: float = Field(default=WAIT_SECONDS, gt=0, le=3600, description="How long, at most.")


class Wait(Companion):
    """Waits for a running command."""

    spec = spec_of(
        "shell_wait",
        "Wait for the command that still runs in a window. Returns what it printed since you were "
        "told last, and its exit status once it is over. Comes back early when it wants input.",
        WaitArguments,
    )
    arguments = WaitArguments
    verb = "wait"

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        asked = WaitArguments.model_validate(arguments)
        text = f"for {asked.window}, at most {asked.seconds:g} s"
        return text, f"Wait {text}. Nothing is typed."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = WaitArguments.model_validate(dict(action.call.arguments))
        run = _running(scene, asked.window)
        return await _told(action, run, asked.seconds)


class InputArguments(OnWindow):
    """What shell_input is asked."""

    text: str = Field(default="", max_length=20_000, description="Typed as it is, without Enter.")
    keys: list[str] = Field(
        default_factory=list,
        max_length=50,
        description="Keys pressed after the text, for example Enter, C-c, C-d, Up, Escape, Tab.",
    )


class Input(Companion):
    """Types into a running command."""

    spec = spec_of(
        "shell_input",
        "Type text and then press keys in the program that runs in a window (a prompt, an editor, "
        "a pager, a Python prompt). Returns what it printed in answer. Look at full-screen "
        "programs with screen.",
        InputArguments,
    )
    arguments = InputArguments
    verb = "type"
    harmless = False
    acts = True

    def complaint(self, arguments: Json) -> str:
        """See TerminalTool."""
        wrong = super().complaint(arguments)
        if not wrong and not arguments.get("text") and not arguments.get("keys"):
            return "There is neither text nor a key to type."
        return wrong

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        asked = InputArguments.model_validate(arguments)
        keys = [f"<{key}>" for key in asked.keys]
        first, _, rest = asked.text.partition("\n")
        title = " ".join(filter(None, [first + (" …" if rest else ""), *keys]))
        parts = [f"Into the program in the window {asked.window}:"]
        parts += [asked.text] if asked.text else []
        return title, "\n".join([*parts, *([f"then the keys {' '.join(keys)}"] if keys else [])])

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = InputArguments.model_validate(dict(action.call.arguments))
        run = _running(scene, asked.window)
        window = await scene.terminal.window(asked.window)
        run.asks.clear()
        if asked.text:
            await window.type_text(asked.text)
        if asked.keys:
            await window.press(asked.keys)
        return await _told(action, run, ANSWER_SECONDS)


class Interrupt(Companion):
    """Interrupts a running command."""

    spec = spec_of(
        "shell_interrupt",
        "Press C-c in the window where a command runs. Returns what it printed, and its exit "
        "status if it ended.",
        OnWindow,
    )
    arguments = OnWindow
    verb = "stop"
    harmless = False
    acts = True

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        window = OnWindow.model_validate(arguments).window
        return f"C-c in {window}", f"Press C-c in the window {window}."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = OnWindow.model_validate(dict(action.call.arguments))
        run = _running(scene, asked.window)
        run.asks.clear()
        await (await scene.terminal.window(asked.window)).interrupt()
        return await _told(action, run, ANSWER_SECONDS)


class Screen(Companion):
    """Shows a window as it stands."""

    spec = spec_of(
        "screen",
        "Read a window's screen as text, as a person would see it now: for full-screen programs.",
        OnWindow,
    )
    arguments = OnWindow
    verb = "look"

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        window = OnWindow.model_validate(arguments).window
        return f"at {window}", f"Read the screen of the window {window}."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = OnWindow.model_validate(dict(action.call.arguments))
        _known(scene, asked.window)
        text = await (await scene.terminal.window(asked.window)).screen()
        return Execution(action.id, Ended.FINISHED, 0, text)


def _known(scene: Scene, window: str) -> None:
    names = [facts.name for facts in scene.terminal.windows()]
    if window not in names:
        raise RelayError(f"There is no window {window!r}. The windows are: {', '.join(names)}.")


def _running(scene: Scene, window: str) -> Run:
    """The command of a window. Raises RelayError or ShellBusy with what is there instead."""
    run = scene.runs.within(window)
    if run is not None:
        return run
    _known(scene, window)
    facts = next(facts for facts in scene.terminal.windows() if facts.name == window)
    if facts.state is WindowState.PERSON:
        raise ShellBusy(f"In the window {window!r} a line of the person's runs, and none of yours.")
    raise ShellBusy(f"No command of yours runs in the window {window!r}.")


async def _told(action: Action, run: Run, seconds: float) -> Execution:
    """What a command printed since the model was told last, and its status if it ended."""
    ended = await run.until_told(seconds)
    now = run.progress()
    data: dict[str, Any] = {"command": _command(run), "seconds": round(now.seconds, 1)}
    if ended is None:
        data["still_running"] = True
        if now.needs_input:
            data["waits_for_input"] = True
        return Execution(action.id, Ended.FINISHED, None, now.output, now.omitted, data=data)
    # By this the model is not told of the end a second time (history.py).
    data |= {**ended.data, "told": run.action.id}
    return Execution(
        action.id, Ended.FINISHED, ended.status, now.output, now.omitted, cwd=ended.cwd,
        error=ended.error, data=data,
    )  # fmt: skip


def _command(run: Run) -> str:
    first, _, rest = str(run.action.call.arguments.get("command", "")).strip().partition("\n")
    return first[:200] + (" …" if rest or len(first) > 200 else "")
