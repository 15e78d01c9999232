"""`pocketcoder attach`: this terminal becomes the agent's, until the person detaches."""

import asyncio
import sys

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.down import find_box
from pocketcoder_tui.cli.output import is_terminal
from pocketcoder_tui.cli.start import NoTerminal
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import SandboxError

RUNNING = "running"
"""Docker's word."""


def run(args: Arguments, paths: Paths) -> int:
    """Attach to the box's tmux. Returns tmux's status; raises NoTerminal, SandboxError."""
    if not (is_terminal() and is_terminal(sys.stdin)):
        raise NoTerminal("Attaching needs a terminal for its input and its output.")
    box = asyncio.run(find_box(paths))
    if box is None or box.status != RUNNING:
        raise SandboxError(
            f"No box of {paths.workspace} is running.", hint="Start one with pocketcoder first."
        )
    from pocketcoder_tui.engine.assembly import attach

    # Empty: the user that the container was made with, the owner of the workspace.
    return attach(box.id, "")
