"""Every state has a glyph, a word and a colour, in that order of importance."""

from dataclasses import dataclass

from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.core.network import CONNECT
from pocketcoder_tui.core.transcript import Deed

_PAST = {
    "run": "ran",
    "read": "read",
    "write": "wrote",
    "edit": "edited",
    "list": "listed",
    "search": "searched",
    "wait": "waited",
    "type": "typed",
    "stop": "stopped",
    "look": "looked",
    "connect": "reached",
    "place": "put in place",
    "plan": "planned",
    "ask": "asked",
    "go on": "went on",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown."""

    glyph: str
    fallback: str
    """The same in ASCII."""
    word: str
    style: str
    """A Textual style; colour never carries the meaning alone."""


WAITING = Look("●", "*", "waiting for you", "$warning")
RUNNING = Look("◐", "~", "running", "$primary")
FINISHED = Look("✓", "+", "finished", "$success")
FAILED = Look("✗", "x", "failed", "$error")
DENIED = Look("⊘", "-", "denied", "$text-muted")
INTERRUPTED = Look("■", "#", "interrupted", "$text-muted")
UNKNOWN = Look("?", "?", "unknown", "$secondary")
QUEUED = Look("⋯", ".", "queued", "$text-muted")
PROPOSED = Look("⋯", ".", "asked for", "$text-muted")
SUPERSEDED = Look("⊘", "-", "not run", "$text-muted")
NEEDS_YOU = Look("●", "*", "needs you", "$warning")
HELD = Look("◐", "~", "held", "$warning")
ALLOWED = Look("◐", "~", "allowed", "$primary")
OPEN = Look("◐", "~", "open", "$warning")

_BY_STATE = {
    ActionState.PROPOSED: PROPOSED,
    ActionState.WAITING: WAITING,
    ActionState.ALLOWED: ALLOWED,
    ActionState.DENIED: DENIED,
    ActionState.SUPERSEDED: SUPERSEDED,
    ActionState.DISPATCHED: RUNNING,
    ActionState.FINISHED: FINISHED,
    ActionState.INTERRUPTED: INTERRUPTED,
    ActionState.UNKNOWN: UNKNOWN,
}


def look_of(deed: Deed) -> Look:
    """Return how an action stands; a finished one that failed looks failed."""
    done = deed.execution
    if deed.state is ActionState.FINISHED and done is not None and (done.status or done.error):
        return FAILED
    if deed.held:
        return HELD
    if deed.needs_input:
        return NEEDS_YOU
    if deed.action.call.tool == CONNECT and deed.state is ActionState.DISPATCHED:
        return OPEN
    return _BY_STATE[deed.state]


def verb_of(deed: Deed) -> str:
    """Return the row's verb, in the past once the action is over."""
    verb = deed.preview.verb
    return _PAST.get(verb, verb) if deed.state is ActionState.FINISHED else verb
