"""What becomes of an action: allow, deny or ask. There is one mode so far, and it asks."""

from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, Outcome

MODE_ASK = "ask"
"""Every action waits for the person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gatekeeper's answer."""

    outcome: Outcome | None
    """None means that the person is asked."""
    why: str
    """One sentence for the person."""
    who: str = MODE_ASK
    """The mode or rule that answered."""


def judge(action: Action, *, mode: str = MODE_ASK) -> Verdict:
    """Say what becomes of an action in a mode. Raises ValueError for an unknown mode."""
    if mode != MODE_ASK:
        raise ValueError(f"unknown mode: {mode}")
    return Verdict(None, "Ask mode: every action waits for you.")
