"""Whether a person was asked already: then nobody answers in their place."""

from collections.abc import Iterable
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, DecidedBy, Outcome
from pocketcoder_tui.gatekeeper.policy import Verdict

ASKED_BEFORE = "You were asked about this before, so it waits for you whatever mode and rules say."


def asked_before(action: Action, events: Iterable[ev.Durable]) -> bool:
    """Whether a person was asked about an action in whose place this one is."""
    if action.supersedes is None:
        return False
    replaced: dict[str, str] = {}
    asked: set[str] = set()
    for event in events:
        match event:
            case ev.ActionProposed(action=known) if known.supersedes is not None:
                replaced[known.id] = known.supersedes
            case ev.ActionWaiting():
                asked.add(event.action_id)
            case ev.ActionDecided(decision=decision) if decision.by is DecidedBy.PERSON:
                asked.add(decision.action_id)
            case _:
                pass
    earlier: str | None = action.supersedes
    while earlier is not None and earlier not in asked:
        earlier = replaced.get(earlier)
    return earlier is not None


def answers_for_them(verdict: Verdict) -> bool:
    """Whether a mode or an allow rule answers; a rule that denies was made to deny."""
    by_deny_rule = verdict.by is DecidedBy.RULE and verdict.outcome is Outcome.DENY
    return verdict.outcome is not None and not by_deny_rule


def left_to_them(action: Action, verdict: Verdict, events: Iterable[ev.Durable]) -> Verdict:
    """The verdict, but for what the person was asked already: that waits for them again."""
    if answers_for_them(verdict) and asked_before(action, events):
        return replace(verdict, outcome=None, why=ASKED_BEFORE)
    return verdict
