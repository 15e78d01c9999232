"""The model's tools: what each asks for, how it is shown, and what it does in the box."""

from pocketcoder_tui.engine.tools.base import FileTool, Tool
from pocketcoder_tui.engine.tools.edit import EditFile, WriteFile
from pocketcoder_tui.engine.tools.look import ListFiles, ReadFile, SearchFiles
from pocketcoder_tui.engine.tools.shell import Shell

_SHELL = Shell()
_FILES: tuple[FileTool, ...] = (ReadFile(), WriteFile(), EditFile(), ListFiles(), SearchFiles())

FILE_TOOLS: dict[str, FileTool] = {tool.spec.name: tool for tool in _FILES}
"""The tools that act beside the terminal, by name."""

TOOLS: dict[str, Tool] = {_SHELL.spec.name: _SHELL, **FILE_TOOLS}
"""All tools by name, in the order in which they are declared to the model."""

__all__ = ["FILE_TOOLS", "TOOLS", "FileTool", "Shell", "Tool"]
