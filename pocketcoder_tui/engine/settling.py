"""A proposed action's decision: judged by rules and mode, or by the person."""

from dataclasses import replace

from pocketcoder_tui.core.actions import Action, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.engine.checkpoints import CheckpointDesk
from pocketcoder_tui.engine.desk import Desk
from pocketcoder_tui.engine.gatekeeping import Gatekeeping
from pocketcoder_tui.engine.journal import Journal

EDITED = "You changed it: look at it as it is now, then decide."


class Settling:
    """Judges and asks. Holds no state: the ledger and the desk do."""

    def __init__(
        self, journal: Journal, desk: Desk, gatekeeping: Gatekeeping, checkpoints: CheckpointDesk
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._gatekeeping = gatekeeping
        self._checkpoints = checkpoints

    async def settle(self, action: Action) -> Decision:
        """Judge and decide; a rule that was used up or ended meanwhile is left out.

        What a person changed is never allowed unseen, whatever mode and rules say. Raises what the
        desk raises.
        """
        ended: set[str] = set()
        while True:
            judged = await self._gatekeeping.judge(action, ended)
            verdict = self._checkpoints.checked(action, judged)
            edited = self._journal.transcript.deed(action.id).edited
            if edited and verdict.outcome is not Outcome.DENY:
                verdict = replace(verdict, outcome=None, why=EDITED)
            try:
                return await self._desk.settle(action, verdict)
            except TransitionRefused:
                if (
                    verdict.outcome is None
                    or verdict.by is not DecidedBy.RULE
                    or verdict.who in ended
                ):
                    raise
                ended.add(verdict.who)
                await self._gatekeeping.load()
