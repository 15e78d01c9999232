"""The model's tools: what each asks for, how it is shown, and what it does in the box."""

from pocketcoder_tui.core.model import ToolSpec
from pocketcoder_tui.engine.tools import companions, inventory
from pocketcoder_tui.engine.tools.ask import AskPerson
from pocketcoder_tui.engine.tools.base import FileTool, Tool
from pocketcoder_tui.engine.tools.companions import TerminalTool
from pocketcoder_tui.engine.tools.edit import EditFile, WriteFile
from pocketcoder_tui.engine.tools.look import ListFiles, ReadFile, SearchFiles
from pocketcoder_tui.engine.tools.plan import Plan
from pocketcoder_tui.engine.tools.shell import Shell

_SHELL = Shell()
_COMPANIONS: tuple[TerminalTool, ...] = (
    companions.Wait(),
    companions.Input(),
    companions.Interrupt(),
    companions.Screen(),
    inventory.Output(),
    inventory.ListWindows(),
    inventory.Stop(),
    Plan(),
    AskPerson(),
)
_FILES: tuple[FileTool, ...] = (ReadFile(), WriteFile(), EditFile(), ListFiles(), SearchFiles())

FILE_TOOLS: dict[str, FileTool] = {tool.spec.name: tool for tool in _FILES}
"""The tools that act beside the terminal, by name."""

TERMINAL_TOOLS: dict[str, TerminalTool] = {tool.spec.name: tool for tool in _COMPANIONS}
"""The tools that act on the terminal's windows, by name."""

BOX_TOOLS: dict[str, Tool] = {_SHELL.spec.name: _SHELL, **FILE_TOOLS}
"""The tools whose sketch may look into the box."""

TOOLS: dict[str, Tool | TerminalTool] = {
    _SHELL.spec.name: _SHELL,
    **TERMINAL_TOOLS,
    **FILE_TOOLS,
}
"""All tools by name, in the order in which they are declared to the model."""

SPECS: tuple[ToolSpec, ...] = tuple(tool.spec for tool in TOOLS.values())
"""Their declarations."""

SHELL = _SHELL.spec.name

__all__ = [
    "BOX_TOOLS",
    "FILE_TOOLS",
    "SHELL",
    "SPECS",
    "TERMINAL_TOOLS",
    "TOOLS",
    "FileTool",
    "TerminalTool",
    "Tool",
]
