"""A try: what a command did in a throw-away copy of the workspace and the box."""

from dataclasses import dataclass

from pocketcoder_tui.core.checkpoints import Difference


@dataclass(frozen=True, slots=True)
class Ran:
    """What one program in the copy did."""

    status: int | None
    """As the copy reported it; None when it was ended."""
    output: bytes
    """Its beginning, both streams in one."""
    truncated: bool
    """True when there was more."""
    ended: str
    """Why it was ended, one sentence; empty when it ended by itself."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a try. No decision, and nothing of it is left."""

    action_id: str
    status: int | None
    """As the copy reported it; None when it was ended."""
    ended: str
    """Why it was ended, one sentence; empty when it ended by itself."""
    output: str
    """Text as a terminal would show it, its beginning, untrusted."""
    truncated: bool
    seconds: float
    difference: Difference
    """From the workspace to what the copy became."""
    text: str
    """The same as a unified diff, untrusted, bounded."""
    notes: tuple[str, ...]
    """In what the copy was not like the box."""
