"""Between a rule that judges and a rule as it is kept: its text says all that it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.rules import KeptRule
from pocketcoder_tui.gatekeeper.rules.model import HALF_HOUR, Rule, Scope, Subject, read_stored

__all__ = ["MOST_USES", "Terms", "kept", "live_rules", "rule_of"]

MOST_USES = 99
"""For how many actions a rule of the scope USES can be made."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a rule is to hold, as the person chose it. Raises ValueError for no such number."""

    scope: Scope
    uses: int = 0
    """For the scope USES."""

    def __post_init__(self) -> None:
        if (self.scope is Scope.USES) != (self.uses > 0) or self.uses > MOST_USES:
            raise ValueError(f"a rule cannot hold for {self.uses} actions")


def rule_of(kept: KeptRule) -> Rule:
    """The rule that a kept text is. Raises ValueError for a text that nobody here wrote."""
    outcome, subject = read_stored(kept.text)
    if outcome is not kept.outcome:
        raise ValueError(f"the rule {kept.id} says {outcome} and is kept as {kept.outcome}")
    return Rule(
        kept.id,
        outcome,
        subject,
        Scope(kept.scope),
        kept.made,
        session_id=kept.session_id,
        expires=kept.expires,
        uses=kept.uses,
        used=kept.used,
        disabled=kept.disabled or kept.deleted > 0,
    )


def live_rules(all_kept: Iterable[KeptRule]) -> list[Rule]:
    """The rules that are there: what was deleted judges nothing. Raises ValueError."""
    return [rule_of(kept) for kept in all_kept if not kept.deleted]


def kept(
    rule_id: str,
    outcome: Outcome,
    subject: Subject,
    terms: Terms,
    *,
    now: float,
    by: str,
    session_id: str = "",
    made_from: str = "",
) -> KeptRule:
    """What is kept of a new rule. Raises ValueError when the answer does not fit the subject.

    ``now`` is in Unix seconds; ``session_id`` is the session that it is made in.
    """
    expires = now + HALF_HOUR if terms.scope is Scope.TIME else 0.0
    rule = Rule(rule_id, outcome, subject, terms.scope, now, session_id, expires, terms.uses)
    return KeptRule(
        rule_id, rule.stored, outcome, terms.scope.value, session_id, now, by, made_from, expires,
        terms.uses,
    )  # fmt: skip
