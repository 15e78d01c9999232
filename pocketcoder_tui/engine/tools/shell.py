"""The shell tool: one command, in the agent's own terminal."""

from pydantic import Field

from pocketcoder_tui.core.actions import Json, Preview, PreviewKind
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.engine.tools.base import Arguments, Sketch, complaint_of, spec_of
from pocketcoder_tui.engine.tools.companions import NAME


class ShellArguments(Arguments):
    """What the shell tool is asked."""

    command: str = Field(
        min_length=1,
        max_length=1_000_000,
        description="Bash to run in the window's persistent shell; may have many lines.",
    )
    window: str = Field(
        default=MAIN_WINDOW,
        pattern=NAME,
        description="Another window, made when it is not there: for a server or a watcher.",
    )
    limit_seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="When to come back though the command still runs; it goes on.",
    )


class Shell:
    """Runs in the tmux pane, so directory, variables and functions last."""

    spec = spec_of(
        "shell",
        "Run a command in a persistent bash of the sandbox's terminal. The directory, variables "
        "and functions last between calls. Returns the output as a terminal shows it, and the "
        "exit status. A command that takes long or waits for input is reported as still running: "
        "then use shell_wait, shell_input, shell_interrupt or screen.",
        ShellArguments,
    )

    def complaint(self, arguments: Json) -> str:
        """See Tool."""
        return complaint_of(arguments, ShellArguments)

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """See Tool; nothing has to be looked up for a command."""
        command = str(arguments["command"])
        first, _, rest = command.strip("\n").partition("\n")
        title = f"{first} …" if rest else first
        window = str(arguments.get("window") or MAIN_WINDOW)
        notes = () if window == MAIN_WINDOW else (f"In the window {window}.",)
        return Sketch(Preview(PreviewKind.COMMAND, "run", title, command, notes=notes))
