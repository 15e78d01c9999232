"""What every export says of a decision, a result and a moment. Raw text: each format cleans it."""

import time

from pocketcoder_tui.core.actions import ActionState, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.events import Inherited, Origin
from pocketcoder_tui.core.transcript import Deed, Undone

MASKED = (
    "Keys that PocketCoder knew were masked before anything was stored. "
    "Other secrets may be in it: read it before you hand it on."
)
UNTITLED = "(no title yet)"
_NAMED = 20
"""Files that are named of those that an action changed."""
_FROM = {
    Origin.FORK: "It is a fork: what precedes the mark happened in the session",
    Origin.IMPORT: "It was imported: what precedes the mark happened in the session",
    Origin.RECOVERY: "It was recovered: what precedes the mark was saved from the session",
}
MARK = {
    Origin.FORK: "Here the fork begins.",
    Origin.IMPORT: "Here what was imported ends.",
    Origin.RECOVERY: "Here what was recovered ends.",
}


def moment(at: float) -> str:
    """A moment (Unix seconds) in universal time; empty for 0 and for what no calendar has."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if at else ""
    except (OverflowError, OSError, ValueError):
        return ""


def origin_words(inherited: Inherited) -> str:
    """Where the beginning of a session came from."""
    return f"{_FROM[inherited.origin]} {inherited.session_id}."


def decision_words(decision: Decision) -> str:
    """Who decided what, when, and why."""
    word = "allowed" if decision.outcome is Outcome.ALLOW else "denied"
    name = decision.who or "the person"
    who = name if decision.by is DecidedBy.PERSON else f"the {decision.by.value} {name}"
    reason = f": {decision.reason}" if decision.reason else ""
    at = f" at {moment(decision.at)}" if decision.at else ""
    return f"{word} by {who}{at}{reason}"


def end_words(deed: Deed) -> str:
    """What became of an action."""
    done = deed.execution
    if done is None:
        return f"{deed.state.value}: {deed.why}" if deed.why else deed.state.value
    words = [deed.state.value]
    if done.status is not None:
        words.append(f"exit {done.status}")
    if deed.state is not ActionState.UNKNOWN:
        words.append(f"after {done.seconds:.1f} s")
    if done.cwd:
        words.append(f"directory afterwards {done.cwd}")
    return ", ".join(words)


def undone_words(undone: Undone) -> str:
    """What an undo did."""
    done = undone.restored.difference
    files = "1 file" if done.total == 1 else f"{done.total:,} files"
    return f"You undid {undone.label}: {files}, +{done.added:,} −{done.removed:,} lines."


def changed_words(deed: Deed) -> str:
    """What an action did to the workspace; empty when nothing is known of it."""
    if deed.changed is None:
        return deed.unkept
    difference = deed.changed.difference
    names = ", ".join(change.path for change in difference.changes[:_NAMED])
    more = f" and {difference.total - _NAMED:,} more" if difference.total > _NAMED else ""
    return f"changed {names}{more}" if names else "changed no file"


def edited_words(deed: Deed) -> str:
    """Whose words the arguments are, when they are not the model's; empty when they are."""
    return f"the text is {deed.edited}'s, not the model's" if deed.edited else ""


def omitted_words(omitted: int) -> str:
    """How much of an output was not kept."""
    return f"{omitted:,} characters were left out between head and tail."
