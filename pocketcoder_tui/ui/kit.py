"""What every widget shares: the clock and the choice of glyphs, handed over and never global."""

import locale
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def _same(moment: float) -> float:
    return moment


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the screen reads the time; tests put their own hands on it."""

    wall: Callable[[], float] = time.time
    """Unix seconds."""
    steady: Callable[[], float] = time.monotonic
    """Seconds that never go back."""
    of_key: Callable[[float], float] = _same
    """Turns the moment that a key event carries into steady seconds."""


def terminal_is_ascii() -> bool:
    """True where the terminal's encoding has no room for the glyphs."""
    return "UTF" not in locale.getpreferredencoding(False).upper()


@dataclass(frozen=True, slots=True)
class Kit:
    """Handed to each widget when it is made."""

    clock: Clock = field(default_factory=Clock)
    ascii: bool = False
    """Draw states with letters of the keyboard only."""
    grace: float = 0.5
    """Seconds for which a row that has just come up takes no decision."""
    settle: float = 0.01
    """Seconds a deciding key must stand alone; several keys within it are a paste.

    A paste that the terminal does not mark comes at once, or a packet after the other; fingers
    are slower by far.
    """

    def pick(self, glyph: str, fallback: str) -> str:
        """Return the glyph, or its fallback for an ASCII terminal."""
        return fallback if self.ascii else glyph
