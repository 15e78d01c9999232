"""The agent's tools by what they can do: which look, which write, which act on programs. Data.

``tests/gatekeeper/test_policy.py`` holds that the engine has no tool that is not here.
"""

__all__ = ["LOOKING", "SEARCHING", "SHELL", "STOPPING", "TYPING", "WATCHING", "WRITING"]

SHELL = "shell"
"""Runs a command."""
TYPING = "shell_input"
"""Types into a program that runs: what becomes of the text is that program's affair."""
SEARCHING = frozenset({"read_file", "list_files", "search_files"})
"""They look at files."""
WATCHING = frozenset({"shell_wait", "screen", "shell_output", "shell_list"})
"""They look at the terminal and at what was printed."""
LOOKING = SEARCHING | WATCHING
"""They change nothing."""
WRITING = {"write_file": "Writes {path}.", "edit_file": "Changes {path}."}
"""They write a file, and how that is said."""
STOPPING = {
    "shell_interrupt": "Interrupts the program that runs in a window of the box.",
    "shell_stop": "Ends a program of the box.",
}
"""They end programs, within the box."""
