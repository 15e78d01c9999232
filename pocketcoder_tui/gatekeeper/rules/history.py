"""What rules would have decided about past actions, and which of them never decide."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketcoder_tui.core.actions import Action, Outcome
from pocketcoder_tui.gatekeeper.rules.matching import allowing, denying
from pocketcoder_tui.gatekeeper.rules.model import Rule

__all__ = ["BackTest", "back_test", "never_fired"]


@dataclass(frozen=True, slots=True)
class BackTest:
    """What one rule would have decided, had it always been there."""

    rule: Rule
    actions: tuple[Action, ...]
    """The actions that it would have decided, in their order."""
    asked: int
    """How many actions it was tried on."""
    unsure: int = 0
    """For a deny rule: of how many it could not have been told."""


def back_test(rules: Iterable[Rule], past: Sequence[Action]) -> tuple[BackTest, ...]:
    """Try each rule on past actions by itself; how long it holds is left aside."""
    return tuple(_tried(rule, past) for rule in rules)


def never_fired(rules: Iterable[Rule], made_before: float) -> tuple[Rule, ...]:
    """The rules made before a moment (Unix seconds) that have not decided anything."""
    return tuple(rule for rule in rules if rule.used == 0 and rule.made < made_before)


def _tried(rule: Rule, past: Sequence[Action]) -> BackTest:
    if rule.outcome is Outcome.ALLOW:
        hits = tuple(action for action in past if allowing(action, (rule,)) is not None)
        return BackTest(rule, hits, len(past))
    denials = [(action, denying(action, (rule,))) for action in past]
    hits = tuple(action for action, denial in denials if denial and denial.certain)
    unsure = sum(denial is not None and not denial.certain for _, denial in denials)
    return BackTest(rule, hits, len(past), unsure)
