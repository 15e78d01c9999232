"""What a front end may ask about rules and modes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pocketcoder_tui.core.rules import KeptRule

if TYPE_CHECKING:  # the grammar that they read with is not loaded for the first frame
    from pocketcoder_tui.gatekeeper.rules import BackTest, Offer, Rule, Terms
    from pocketcoder_tui.gatekeeper.tally import Tally

LOOKING = "looking"
"""The name of the offer that is made once: reading, listing and searching in the workspace."""
BACK = 500
"""Past actions that a rule is tried on."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The rules that can be made from one action."""

    allow: "tuple[Offer, ...]"
    why: str
    """Why none is offered that allows, one sentence; empty when one is."""
    deny: "tuple[Offer, ...]"


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule with what is said of it."""

    kept: KeptRule
    rule: "Rule"
    sentences: tuple[str, ...]
    rests: str
    """Why it does not hold now; empty when it does."""


class Rulebook(Protocol):
    """The mode, and the person's rules. Every method raises PocketCoderError subclasses only."""

    async def change_mode(self, mode: str) -> None:
        """Let another mode hold from now on; what waits goes on waiting."""

    def choices(self, action_id: str) -> Choices:
        """The rules that can be made from an action, each with its exact text."""

    async def keep(self, action_id: str, stored: str, terms: "Terms") -> None:
        """Keep a rule that ``choices`` offers, then decide the action as the rule says.

        Other actions that wait are not answered by it. Raises TransitionRefused when the action
        does not wait any more; a rule that was kept before that stays.
        """

    async def listed(self) -> Sequence[Listed]:
        """The rules that are there, the oldest first."""

    async def disable(self, rule_id: str, disabled: bool) -> None:
        """Switch a rule off, or on again."""

    async def delete(self, rule_id: str) -> None:
        """End a rule for good; that it was stays in the records."""

    async def back_test(self, rule_id: str) -> "BackTest":
        """Of the last actions, those that a rule would have decided."""

    async def first_offer(self) -> "tuple[Offer, ...]":
        """What the first session offers; empty once it was taken or left."""

    async def answer_first_offer(self, taken: bool) -> None:
        """Take it or leave it, once."""

    async def tally(self) -> "Tally":
        """Who was asked, who decided, how fast: over all sessions of the workspace."""
