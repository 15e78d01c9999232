"""The agent's tools by what they can do: which look, which write, which act on programs. Data.

``tests/gatekeeper/test_policy.py`` holds that the engine has no tool that is not here.
"""

from pocketcoder_tui.core.actions import Action
from pocketcoder_tui.core.holding import HELD
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.gatekeeper.paths import absolute

__all__ = [
    "ASK",
    "CONNECT",
    "EDITABLE",
    "GO_ON",
    "HELD",
    "LOOKING",
    "MOST_CHOICES",
    "PLAN",
    "SEARCHING",
    "SHELL",
    "STOPPING",
    "TYPING",
    "WATCHING",
    "WRITING",
    "choices_of",
    "file_of",
    "held_paths",
    "host_of",
    "text_of",
]

SHELL = "shell"
"""Runs a command."""
TYPING = "shell_input"
"""Types into a program that runs: what becomes of the text is that program's affair."""
SEARCHING = frozenset({"read_file", "list_files", "search_files"})
"""They look at files."""
GO_ON = "go_on"
"""The workbench's own question when a limit is reached; no tool of the agent's."""
PLAN = "plan"
"""Keeps a list of steps for the person to see, and does nothing at all."""
ASK = "ask_person"
"""Asks the person something; the answer is what they allow it with."""
MOST_CHOICES = 9
"""Answers that a question may offer: one for each key."""
WATCHING = frozenset({"shell_wait", "screen", "shell_output", "shell_list", PLAN, ASK})
"""They look at the terminal and at what was printed, or at nothing."""
LOOKING = SEARCHING | WATCHING
"""They change nothing."""
WRITING = {"write_file": "Writes {path}.", "edit_file": "Changes {path}."}
"""They write a file, and how that is said."""
STOPPING = {
    "shell_interrupt": "Interrupts the program that runs in a window of the box.",
    "shell_stop": "Ends a program of the box.",
}
"""They end programs, within the box."""
EDITABLE = {
    SHELL: "command",
    TYPING: "text",
    "write_file": "content",
    "edit_file": "new_text",
}
"""The tools whose text a person may change before it is decided, and the argument that holds it."""


def choices_of(action: Action) -> list[str]:
    """The answers that a question offers; empty for every other action."""
    if action.call.tool != ASK:
        return []
    offered = action.call.arguments.get("choices", ())
    return [str(choice) for choice in offered][:MOST_CHOICES]


def host_of(action: Action) -> str:
    """The host that a program in the box asks for; empty for every other action."""
    return str(action.call.arguments.get("host", "")) if action.call.tool == CONNECT else ""


def held_paths(action: Action) -> list[str]:
    """The absolute paths that held files would be put at; empty for every other action."""
    if action.call.tool != HELD:
        return []
    return [absolute(str(path)) for path in action.call.arguments.get("paths", ())]


def text_of(action: Action) -> str | None:
    """The text that a person may change; None when the action has none."""
    name = EDITABLE.get(action.call.tool)
    return None if name is None else str(action.call.arguments.get(name, ""))


def file_of(action: Action) -> str:
    """The absolute path of the file that an action writes; empty when it writes none."""
    if action.call.tool not in WRITING:
        return ""
    return absolute(str(action.call.arguments.get("path", "")))
