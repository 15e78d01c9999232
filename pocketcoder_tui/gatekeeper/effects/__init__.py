"""What an action will do, computed from its text and never by the model.

It is told as far as the text says it. A program that is not known here, code of the workspace and
whatever is put together only when it runs are named as such: silence is never a promise.
"""

from pocketcoder_tui.gatekeeper.effects.model import Effect, Kind, Report
from pocketcoder_tui.gatekeeper.effects.shell import of_command
from pocketcoder_tui.gatekeeper.effects.tools import effects_of

__all__ = ["Effect", "Kind", "Report", "effects_of", "of_command"]
