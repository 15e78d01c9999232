"""What an action came to, as the record of it. Pure."""

from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.terminal import CommandEnded

OWN_FAULT = "PocketCoder made an error of its own; the log has the details."
SHELL_DIED = "The shell ended with it; a new one was started."
INTERRUPTED = "It was interrupted (C-c)."


def command_result(
    action: Action, ended: CommandEnded, started: float, news: str = ""
) -> Execution:
    """A command that ended; ``news`` is what happened to its window before."""
    notes = [news, SHELL_DIED if ended.shell_died else "", INTERRUPTED if ended.interrupted else ""]
    note = " ".join(filter(None, notes))
    data = {"note": note} if note else {}
    if ended.omitted:
        # By this the model reads the rest (shell_output).
        data["output_id"] = action.id
    return Execution(
        action.id,
        Ended.FINISHED,
        ended.status,
        ended.output,
        ended.omitted,
        started,
        ended.seconds,
        ended.cwd,
        data=data,
        coloured=ended.coloured,
    )


def nothing_ran(action: Action, why: str, started: float = 0.0) -> Execution:
    """It left, and was not started."""
    return Execution(action.id, Ended.FINISHED, error=f"Nothing ran. {why}", started=started)


def unknown(action: Action, why: str) -> Execution:
    """Nobody can tell what became of it."""
    return Execution(action.id, Ended.UNKNOWN, error=why)
