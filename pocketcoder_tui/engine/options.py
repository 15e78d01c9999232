"""What a session is made of: where, with which settings, and which one."""

from dataclasses import dataclass

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a workbench is started with."""

    paths: Paths
    settings: Settings
    resume: str = ""
    """A session's id, or the beginning of it; empty for a new session."""
    latest: bool = False
    """Take up the session that changed last, if there is one."""
    model: str = ""
    """The model of the command line, which wins over a session's choice; empty for none."""
    tour: bool = False
    """Begin with the scripted model."""
