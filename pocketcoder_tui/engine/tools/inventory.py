"""What is in the box's terminal and what it printed: outputs kept whole, windows, programs."""

from typing import Any

from pydantic import Field

from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.engine.tools.base import Arguments, spec_of
from pocketcoder_tui.engine.tools.companions import Companion, Scene

LINES = 500
"""Lines of a kept output that one call brings, unless another number is asked."""


class OutputArguments(Arguments):
    """What shell_output is asked."""

    output_id: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="The output_id of a result that was too long."
    )
    start_line: int = Field(default=1, ge=1, description="First line, from 1.")
    line_count: int = Field(default=LINES, ge=1, le=5_000, description="How many lines.")


class Output(Companion):
    """Reads an output whole, by lines."""

    spec = spec_of(
        "shell_output",
        "Read lines of a command's output that was too long to be returned whole.",
        OutputArguments,
    )
    arguments = OutputArguments
    verb = "read"

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        asked = OutputArguments.model_validate(arguments)
        last = asked.start_line + asked.line_count - 1
        title = f"kept output, lines {asked.start_line} to {last}"
        return title, f"Read the {title}, of the command {asked.output_id}."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = OutputArguments.model_validate(dict(action.call.arguments))
        found = scene.outputs.read(asked.output_id, asked.start_line, asked.line_count)
        data: dict[str, Any] = {
            "first_line": found.first,
            "lines": found.lines,
            "total_lines": found.total,
        }
        if found.cut:
            data["note"] = "The end of the output was not kept."
        return Execution(action.id, Ended.FINISHED, 0, found.text, data=data)


class NoArguments(Arguments):
    """Nothing is asked."""


class ListWindows(Companion):
    """Lists the windows and the programs."""

    spec = spec_of(
        "shell_list",
        "List the terminal's windows with what each does, and the programs that run in the box.",
        NoArguments,
    )
    arguments = NoArguments
    verb = "list"

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        return "windows and programs", "List the terminal's windows and the running programs."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        lines = ["windows:"]
        for window in scene.terminal.windows():
            lines.append(f"  {window.name}: {window.state.value}, in {window.cwd}")
        lines.append("programs (pid, window, seconds, command):")
        jobs = await scene.terminal.jobs()
        for job in jobs:
            where = job.window or "-"
            ground = "" if job.foreground else " (background)"
            lines.append(f"  {job.pid}  {where}{ground}  {job.seconds:.0f}  {job.command}")
        if not jobs:
            lines.append("  none")
        return Execution(action.id, Ended.FINISHED, 0, "\n".join(lines))


class StopArguments(Arguments):
    """What shell_stop is asked."""

    pid: int = Field(ge=2, description="The program's number, from shell_list.")


class Stop(Companion):
    """Ends a program of the box."""

    spec = spec_of(
        "shell_stop",
        "End a program that runs in the box, for example a server in the background (SIGTERM, and "
        "SIGKILL after two seconds).",
        StopArguments,
    )
    arguments = StopArguments
    verb = "stop"
    harmless = False

    def words(self, arguments: dict[str, Any]) -> tuple[str, str]:
        """See Companion."""
        pid = StopArguments.model_validate(arguments).pid
        return f"program {pid}", f"End the program {pid} and its group in the box."

    async def perform(self, action: Action, scene: Scene) -> Execution:
        """See TerminalTool."""
        asked = StopArguments.model_validate(dict(action.call.arguments))
        if await scene.terminal.stop_job(asked.pid):
            return Execution(action.id, Ended.FINISHED, 0, f"The program {asked.pid} ended.")
        raise RelayError(f"There is no program {asked.pid} that could be ended.")
