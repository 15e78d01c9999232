"""The control socket: how another program of the same person speaks to the one that works."""

from pocketcoder_tui.control.client import ask, follow
from pocketcoder_tui.control.following import is_there, stream
from pocketcoder_tui.control.server import ControlServer, Respond

__all__ = ["ControlServer", "Respond", "ask", "follow", "is_there", "stream"]
