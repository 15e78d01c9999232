"""Room in the model's window: which outputs are sent shortened once a request is large. Pure.

The first thing to go is what tools printed long ago: it is the most, and it can be had again. It
goes in steps that are events, so that between two of them every request begins as the one before,
which services bill at a fraction. What is left out stays in the ledger and on the screen.
"""

from collections.abc import Sequence

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Execution

__all__ = ["KEPT", "aging_due", "is_long", "shortened"]

SHARE = 0.75
"""Of the window's limit, from which on room is made."""
KEPT = 8
"""Long outputs that stay whole, the newest."""
AGAIN = 8
"""Further ones after which room is made once more."""
LONG = 2_000
"""Characters from which on an output is long."""
SHOWN = 400
"""Characters that stay at each end of one that was shortened."""
CUT = "\n[… {:,} characters are left out here to save room; have them again if you need them …]\n"


def aging_due(
    events: Sequence[ev.Durable], tokens: int, limit: int, now: float
) -> ev.OutputsAged | None:
    """The step that makes room, when it is due.

    ``tokens`` are those of the last request, ``limit`` what one may have; 0 for no limit.
    """
    if not limit or tokens < limit * SHARE:
        return None
    fresh: list[str] = []
    first = True
    for event in reversed(events):
        if isinstance(event, ev.OutputsAged):
            first = False
            break
        if isinstance(event, ev.ActionEnded) and is_long(event.execution):
            fresh.append(event.execution.action_id)
    if len(fresh) < KEPT + (1 if first else AGAIN):
        return None
    return ev.OutputsAged(fresh[KEPT - 1], tokens, now)


def is_long(execution: Execution) -> bool:
    """Whether shortening it saves something."""
    return len(execution.output) > LONG


def shortened(output: str) -> str:
    """Its beginning and its end."""
    return output[:SHOWN] + CUT.format(len(output) - 2 * SHOWN) + output[-SHOWN:]
