"""The shell tool: one command, in the agent's own terminal."""

from pydantic import Field

from pocketcoder_tui.core.actions import Json, Preview, PreviewKind
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.engine.tools.base import Arguments, Sketch, complaint_of, spec_of


class ShellArguments(Arguments):
    """What the shell tool is asked."""

    command: str = Field(
        min_length=1,
        max_length=1_000_000,
        description="Bash to run in the one persistent shell; may have many lines.",
    )


class Shell:
    """Runs in the tmux pane, so directory, variables and functions last."""

    spec = spec_of(
        "shell",
        "Run a command in the persistent bash of the sandbox's terminal. The directory, variables "
        "and functions last between calls. Returns the output as a terminal shows it, and the "
        "exit status. There is no network.",
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
        return Sketch(Preview(PreviewKind.COMMAND, "run", title, command))
