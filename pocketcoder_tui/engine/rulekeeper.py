"""What a person does with rules and modes: made from a prompt, listed, tried on the past, ended."""

import time
from collections.abc import Sequence

from pocketcoder_tui.core.actions import Action, Outcome
from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.rules import KeptRule, RuleShelf
from pocketcoder_tui.engine.desk import Desk
from pocketcoder_tui.engine.gatekeeping import Gatekeeping
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.engine.rulebook import BACK, LOOKING, Choices, Listed
from pocketcoder_tui.gatekeeper.rules import (
    BackTest,
    NotOffered,
    Offer,
    Scope,
    Subject,
    Terms,
    back_test,
    denials,
    explain,
    first_offers,
    kept,
    offers,
    read_stored,
    rule_of,
)
from pocketcoder_tui.gatekeeper.tally import Tally, tally


class RuleKeeper:
    """Implements rulebook.Rulebook. Borrows the shelf."""

    def __init__(
        self, journal: Journal, desk: Desk, gatekeeping: Gatekeeping, shelf: RuleShelf
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._gatekeeping = gatekeeping
        self._shelf = shelf

    async def change_mode(self, mode: str) -> None:
        """See Rulebook."""
        await self._gatekeeping.change_mode(mode)

    def choices(self, action_id: str) -> Choices:
        """See Rulebook."""
        action = self._action(action_id)
        allow = offers(action)
        if isinstance(allow, NotOffered):
            return Choices((), allow.why, denials(action))
        return Choices(allow, "", denials(action))

    async def keep(self, action_id: str, stored: str, terms: Terms) -> None:
        """See Rulebook."""
        choices = self.choices(action_id)
        if stored not in {offer.stored for offer in (*choices.allow, *choices.deny)}:
            raise TransitionRefused("This rule is not offered for this action.")
        if action_id not in {deed.id for deed in self._journal.transcript.waiting}:
            raise TransitionRefused("This action does not wait any more, so no rule was made.")
        outcome, subject = read_stored(stored)
        await self._shelf.add(self._made(outcome, subject, terms, action_id))
        await self._gatekeeping.load()
        reason = "" if outcome is Outcome.ALLOW else "The person made a rule that denies this."
        await self._desk.decide(action_id, outcome, reason)

    async def listed(self) -> Sequence[Listed]:
        """See Rulebook."""
        now, session = time.time(), self._journal.session_id
        return [listed_rule(one, now, session) for one in await self._there()]

    async def disable(self, rule_id: str, disabled: bool) -> None:
        """See Rulebook."""
        await self._shelf.disable(rule_id, disabled, login_name())
        await self._gatekeeping.load()

    async def delete(self, rule_id: str) -> None:
        """See Rulebook."""
        await self._shelf.delete(rule_id, login_name())
        await self._gatekeeping.load()

    async def back_test(self, rule_id: str) -> BackTest:
        """See Rulebook."""
        rule = next((rule_of(one) for one in await self._there() if one.id == rule_id), None)
        if rule is None:
            raise LedgerError(f"There is no rule {rule_id}.")
        [tested] = back_test([rule], [one.action for one in await self._shelf.past(BACK)])
        return tested

    async def first_offer(self) -> tuple[Offer, ...]:
        """See Rulebook."""
        return () if await self._shelf.answered(LOOKING) else first_offers()

    async def answer_first_offer(self, taken: bool) -> None:
        """See Rulebook."""
        terms = Terms(Scope.WORKSPACE)
        made = [self._made(Outcome.ALLOW, offer.subject, terms, "") for offer in first_offers()]
        await self._shelf.answer(LOOKING, taken, login_name(), made if taken else [])
        await self._gatekeeping.load()

    async def tally(self) -> Tally:
        """See Rulebook."""
        return tally(await self._shelf.past())

    def _made(self, outcome: Outcome, subject: Subject, terms: Terms, made_from: str) -> KeptRule:
        return kept(
            new_id(),
            outcome,
            subject,
            terms,
            now=time.time(),
            by=login_name(),
            session_id=self._journal.session_id,
            made_from=made_from,
        )

    def _action(self, action_id: str) -> Action:
        try:
            return self._journal.transcript.deed(action_id).action
        except KeyError:
            raise TransitionRefused("There is no such action.") from None

    async def _there(self) -> list[KeptRule]:
        return [one for one in await self._gatekeeping.load() if not one.deleted]


def listed_rule(one: KeptRule, now: float, session_id: str) -> Listed:
    """A kept rule with what is said of it."""
    rule = rule_of(one)
    return Listed(one, rule, explain(rule, now, session_id).sentences, rule.rests(now, session_id))
