"""The gatekeeper at work: mode and rules of this moment, and where the box says paths lead."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, ActionState, DecidedBy, Decision, Outcome
from pocketcoder_tui.core.errors import SandboxError, TransitionRefused
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.rules import KeptRule, RuleShelf
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.asked import left_to_them
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.leaving import Departures
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.engine.tools.edit import look_at
from pocketcoder_tui.engine.tools.look import rooted
from pocketcoder_tui.gatekeeper.policy import MODE_ASK, MODE_CONTAINED, MODES, Verdict, judge
from pocketcoder_tui.gatekeeper.rules import Place, Rule, live_rules
from pocketcoder_tui.gatekeeper.toolset import SEARCHING, WRITING

CALLED_BACK = "You left contained mode before this left for the box."
UNREADABLE = "A rule in the ledger cannot be read, so no rule of yours holds and all is asked."


class Gatekeeping:
    """Judges actions. Holds the rules as the ledger has them; the journal holds the mode.

    What a person was asked is never answered by a mode or an allow rule, also when it has to be
    asked again (``asked.py``). They hold for what is proposed from then on.
    """

    def __init__(
        self, journal: Journal, shelf: RuleShelf, keeper: BoxKeeper, departures: Departures
    ) -> None:
        self._journal = journal
        self._departures = departures
        self._changing = asyncio.Lock()
        """Held while a change of the mode is written: whatever is judged waits for it."""
        self._shelf = shelf
        self._keeper = keeper
        self._rules: list[Rule] = []
        self._unreadable = False
        self._on_rules: list[Callable[[], None]] = []
        journal.listen(self._heard)

    @property
    def mode(self) -> str:
        """The one that holds; one that this version does not know asks about everything."""
        mode = self._journal.transcript.mode
        return mode if mode in MODES else MODE_ASK

    async def load(self) -> list[KeptRule]:
        """Read the rules anew; returns all that ever were. Raises LedgerError."""
        kept = await self._shelf.all()
        try:
            self._rules, self._unreadable = live_rules(kept), False
        except ValueError:
            self._rules, self._unreadable = [], True
        for changed in self._on_rules:
            changed()
        return kept

    def on_rules(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever the rules were read anew."""
        self._on_rules.append(changed)

    async def stands(self, action: Action, decision: Decision) -> bool:
        """Whether a decision that lasts still holds: no rule denies it, and its own rule is on."""
        verdict = await self.judge(action)
        if verdict.outcome is Outcome.DENY:
            return False
        on = {rule.id for rule in self._rules if not rule.disabled}
        return decision.by is not DecidedBy.RULE or decision.who in on

    async def change_mode(self, mode: str) -> None:
        """Let another mode hold from now on. Raises ValueError for an unknown one, LedgerError."""
        if mode not in MODES:
            raise ValueError(f"unknown mode: {mode}")
        # What was begun is brought to its end, whoever waits for it.
        await asyncio.shield(asyncio.ensure_future(self._change(mode)))

    async def _change(self, mode: str) -> None:
        async with self._changing:
            before = self.mode
            if mode != before:
                await self._journal.write(ev.ModeChanged(mode, login_name(), time.time()))
        if before == MODE_CONTAINED != mode:
            self._call_back()

    def _call_back(self) -> None:
        """What the contained mode allowed and has not left is judged again."""
        for entry in list(self._journal.transcript.entries.values()):
            if isinstance(entry, Deed) and _allowed_by_contained(entry):
                with contextlib.suppress(TransitionRefused):  # it has left
                    self._departures.take_back(entry.id, CALLED_BACK)

    async def judge(self, action: Action, without: Collection[str] = ()) -> Verdict:
        """Say what becomes of an action that was just proposed.

        ``without`` are the ids of rules that turned out not to hold any more. A mode that is on
        its way to the disk holds for it already.
        """
        resolved = await self._resolved(action)
        async with self._changing:
            mode = self.mode
        if self._unreadable:
            return Verdict(None, UNREADABLE)
        rules = [rule for rule in self._rules if rule.id not in without]
        verdict = judge(action, mode=mode, rules=rules, now=time.time(), resolved=resolved)
        return left_to_them(action, verdict, self._journal.events)

    async def _resolved(self, action: Action) -> str:
        """Where the box says a file tool's path leads; empty when it cannot tell, or need not."""
        tool = action.call.tool
        if tool not in SEARCHING and tool not in WRITING:
            return ""
        about = (rule.subject for rule in self._rules)
        named = any(isinstance(place, Place) and place.tool == tool for place in about)
        if self.mode == MODE_ASK and not named:
            return ""
        with contextlib.suppress(SandboxError):
            ready = await self._keeper.ensure()
            if ready.box.id == action.container:
                return await _leads_to(action, ready.box)
        return ""

    def _heard(self, event: ev.Event) -> None:
        """A decision by a rule was counted in the ledger; count it here as well."""
        if isinstance(event, ev.ActionDecided) and event.decision.by is DecidedBy.RULE:
            who = event.decision.who
            self._rules = [replace(r, used=r.used + (r.id == who)) for r in self._rules]


def _allowed_by_contained(deed: Deed) -> bool:
    said = deed.decision
    by_mode = said is not None and said.by is DecidedBy.MODE and said.who == MODE_CONTAINED
    return by_mode and deed.state is ActionState.ALLOWED


async def _leads_to(action: Action, box: Box) -> str:
    """The absolute path behind links. Raises SandboxError.

    For a change it is the path that the shown difference is bound to (``Action.base``), so that a
    link which is moved meanwhile changes nothing: what is written is compared with it once more.
    """
    path = str(action.call.arguments.get("path", "."))
    if action.call.tool in WRITING:
        seen = await look_at(box, path)
        return seen.path if not seen.problem and seen.base == action.base else ""
    found = await box.exec(["readlink", "-mz", "--", rooted(path)], limit=8_192)
    return found.stdout.rstrip(b"\0").decode("utf-8", "surrogateescape")
