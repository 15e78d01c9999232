"""The way to the session of another process; loads no Textual, so the command line may make one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketcoder_tui.ui.link import MakeWorkbench


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a second process on a workspace can watch."""

    is_there: Callable[[], Awaitable[bool]]
    """Whether one works here whose session can be watched."""
    make: "MakeWorkbench"
    """Makes the workbench that watches it."""
