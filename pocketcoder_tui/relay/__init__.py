"""The relay: an allowed command becomes bytes in a real terminal, and what happened comes back."""

from pocketcoder_tui.relay.server import attach_argv
from pocketcoder_tui.relay.terminal import TmuxTerminal

__all__ = ["TmuxTerminal", "attach_argv"]
