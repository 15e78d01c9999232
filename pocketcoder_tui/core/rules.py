"""Rules as they are kept, and past actions as they are looked back at: the ledger's side of both.

What a rule's text means is the gatekeeper's affair (gatekeeper/rules); here it is a text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pocketcoder_tui.core.actions import Action, DecidedBy, Outcome


@dataclass(frozen=True, slots=True)
class KeptRule:
    """One rule, with what became of it."""

    id: str
    text: str
    """The exact text that the person was shown (gatekeeper.rules.Rule.stored)."""
    outcome: Outcome
    scope: str
    """session, workspace, time or uses."""
    session_id: str
    """The session that it was made in; empty when it was made beside all of them."""
    made: float
    """Unix seconds."""
    made_by: str
    """The person's login name."""
    made_from: str = ""
    """The action for which it was made; empty for none."""
    expires: float = 0.0
    """Unix seconds, for the scope time; 0 for the others."""
    uses: int = 0
    """How many actions it decides in all, for the scope uses; 0 for the others."""
    used: int = 0
    """How many it has decided."""
    last_used: float = 0.0
    """Unix seconds; 0 for never."""
    disabled: bool = False
    deleted: float = 0.0
    """When it was deleted, Unix seconds; 0 while it is there. It stays for the account."""


@dataclass(frozen=True, slots=True)
class PastAction:
    """An action that was proposed, and how it was decided."""

    action: Action
    waited: bool
    """True when a person was asked."""
    outcome: Outcome | None = None
    """None while it is not decided, and when it was taken back."""
    by: DecidedBy | None = None
    who: str = ""
    decided: float = 0.0
    """Unix seconds."""
    edited: bool = False
    """True when it is what the person made of another one."""


class RuleShelf(Protocol):
    """The rules of a workspace. Every change has its record in the audit chain, in one step.

    Every method raises LedgerError.
    """

    async def all(self) -> list[KeptRule]:
        """Every rule that ever was, the deleted ones too, the oldest first."""

    async def add(self, rule: KeptRule) -> None:
        """Keep a new rule."""

    async def disable(self, rule_id: str, disabled: bool, by: str) -> None:
        """Switch a rule off, or on again."""

    async def delete(self, rule_id: str, by: str) -> None:
        """Let a rule decide nothing any more, for good."""

    async def answered(self, offer: str) -> bool:
        """Whether the person took or left an offer that is made once."""

    async def answer(self, offer: str, taken: bool, by: str, rules: Sequence[KeptRule]) -> None:
        """Remember that an offer was taken or left, with the rules that it makes."""

    async def past(self, limit: int = 0) -> list[PastAction]:
        """The last actions of all sessions, the newest last; 0 for all of them."""
