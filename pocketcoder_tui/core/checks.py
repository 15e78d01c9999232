"""What must be in place before the agent can work, and how far along a mend is."""

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check stands."""

    OK = "ok"
    MISSING = "missing"
    """Not there; the mend can bring it."""
    BROKEN = "broken"
    """There, and not usable; the sentence says why."""
    BUSY = "busy"
    """Being mended now."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the checklist."""

    id: str
    """engine, image or key."""
    label: str
    """What it is, two or three words."""
    state: CheckState
    sentence: str
    """How it stands, in plain words."""
    mend: str = ""
    """What the key would do ("install Docker"); empty when only the person can mend it."""
    hint: str = ""
    """What the person can do by hand."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of long work."""

    sentence: str
    """What is happening now."""
    done: float | None = None
    """From 0 to 1; None while nobody can know."""
