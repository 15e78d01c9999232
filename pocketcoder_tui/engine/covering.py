"""What is hidden from the agent, and what is not any more, told to the person."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.core.events import Noticed
from pocketcoder_tui.core.hiding import Hiding, globs

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.cover import Covered

__all__ = ["CoverTeller", "hiding_of"]

NAMED = 6
"""Files that are named in one sentence."""
SHOW = "To show one to the agent, set POCKETCODER_SHOW_FILES, for example to .env.test."
AGAIN = "The box hides them when it is started anew: quit, run pocketcoder down, and start again."


def hiding_of(settings: Settings) -> Hiding | None:
    """What the person hides; None when that is switched off."""
    if not settings.hide_secrets:
        return None
    return Hiding(globs(settings.hide_files), globs(settings.show_files))


class CoverTeller:
    """Owns what was told, so that nothing is told twice in one process."""

    def __init__(self, tell: Callable[[Noticed], None]) -> None:
        self._tell = tell
        self._told: set[tuple[str, ...]] = set()

    def started(self, covered: "Covered") -> None:
        """The box is there: say what it does not see, and what it sees all the same."""
        if covered.hidden:
            self._say("info", f"Hidden from the agent: {_names(covered.hidden)}.", SHOW)
        if covered.exposed:
            names = _names(covered.exposed)
            self._say("warning", f"The agent can read {names}: newer than its box.", AGAIN)

    def replaced(self, paths: Sequence[str]) -> None:
        """Hidden files were saved anew on the host, which took their masks away."""
        if paths:
            sentence = f"The agent can read {_names(paths)}: replaced since its box was started."
            self._say("warning", sentence, AGAIN)

    def carried(self, sentences: Sequence[str]) -> None:
        """What could not be carried to the box or back as it is."""
        for sentence in sentences:
            self._say("warning", sentence, "")

    def _say(self, level: Literal["info", "warning"], sentence: str, hint: str) -> None:
        if (key := (level, sentence)) not in self._told:
            self._told.add(key)
            self._tell(Noticed(level, sentence, hint, time.time()))


def _names(paths: Sequence[str]) -> str:
    more = len(paths) - NAMED
    said = ", ".join(paths[:NAMED])
    return f"{said} and {more} more" if more > 0 else said
