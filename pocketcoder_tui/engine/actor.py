"""One call's way: proposed, decided, done; asked again whenever its place changed."""

from collections.abc import Awaitable, Callable

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, ActionState, Decision, Outcome, ToolCall
from pocketcoder_tui.core.errors import RelayError, SandboxError
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.desk import FILE_CHANGED, Desk, Dropped, Moved
from pocketcoder_tui.engine.dispatch import Dispatcher
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.leaving import Departures
from pocketcoder_tui.engine.proposals import Proposals
from pocketcoder_tui.engine.runs import window_of
from pocketcoder_tui.engine.settling import Settling
from pocketcoder_tui.engine.tools import SHELL
from pocketcoder_tui.gatekeeper.toolset import file_of

STOPPED = "The turn was stopped before this left for the box."
UNDENIED = "You took your denial back, so it is asked again."
UNSENT = "The program ended before this left for the box, so it is asked again."

Settle = Callable[[Action], Awaitable[Decision]]


async def _unsent(action: Action) -> Decision:
    """The decision was made for an earlier process; it is not used in this one."""
    raise Moved(UNSENT)


class Actor:
    """Carries calls out. Holds no state: the ledger and the desk do."""

    def __init__(
        self,
        journal: Journal,
        desk: Desk,
        proposals: Proposals,
        dispatcher: Dispatcher,
        keeper: BoxKeeper,
        *,
        settling: Settling,
        departures: Departures,
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._proposals = proposals
        self._dispatcher = dispatcher
        self._keeper = keeper
        self._settling = settling
        self._departures = departures

    async def do(
        self, turn_id: str, reply_id: str, call: ToolCall, may_leave: Callable[[], bool]
    ) -> None:
        """Take one call from proposal to result. Raises SandboxError or RelayError.

        Nothing is proposed for a turn that was stopped.
        """
        if not may_leave():
            return
        action = await self._proposals.propose(turn_id, reply_id, call)
        if action is not None:
            await self._decide_and_do(action, self._settling.settle, may_leave)

    async def take_up(self, deed: Deed, may_leave: Callable[[], bool]) -> None:
        """Go on with an action of an earlier process, from where it was."""
        action = deed.action
        if deed.state is ActionState.DISPATCHED:
            await self._dispatcher.take_up(action, deed.decision, reported=deed.reported)
            self._announce_place()
        elif deed.state is ActionState.WAITING:
            await self._decide_and_do(action, self._desk.settle_again, may_leave)
        else:
            await self._decide_and_do(action, _unsent, may_leave)

    async def ask_again(self, deed: Deed, may_leave: Callable[[], bool]) -> None:
        """Ask once more about an action that was denied; the denial stays in the records."""
        if not may_leave():
            return
        action = await self._proposals.propose_again(deed.action, Moved(UNDENIED))
        if action is not None:
            await self._decide_and_do(action, self._settling.settle, may_leave)

    async def _decide_and_do(
        self, action: Action, settle: Settle, may_leave: Callable[[], bool]
    ) -> None:
        while True:
            try:
                again = await self._attempt(action, settle, may_leave)
            except Dropped:
                await self._journal.write(ev.ActionSuperseded(action.id, STOPPED))
                return
            except (RelayError, SandboxError) as error:
                why = f"The box could not be had: {error.sentence}"
                await self._journal.write(ev.ActionSuperseded(action.id, why))
                raise
            if again is None:
                return
            action, settle = again, self._settling.settle

    async def _attempt(
        self, action: Action, settle: Settle, may_leave: Callable[[], bool]
    ) -> Action | None:
        """One question and what follows. Returns the action that took this one's place, if any."""
        if not may_leave():
            raise Dropped(action.id)
        try:
            decision = await settle(action)
            if decision.outcome is Outcome.ALLOW:
                await self._departures.send_off(
                    action.id,
                    lambda let_go: self._dispatcher.perform(action, decision, let_go),
                    may_leave,
                )
                self._announce_place()
                self._announce_file(action)
        except Moved as moved:
            return await self._proposals.propose_again(action, moved)
        return None

    def _announce_place(self) -> None:
        """A command may have moved the shell: commands that wait for the old place are moved."""
        ready = self._keeper.ready
        if ready is None:
            return
        places = {facts.name: facts.cwd for facts in ready.terminal.windows()}
        for deed in self._journal.transcript.waiting:
            action = deed.action
            here = places.get(window_of(action), action.cwd)
            if action.call.tool == SHELL and (
                action.cwd != here or action.container != ready.box.id
            ):
                self._desk.moved(action.id)

    def _announce_file(self, written: Action) -> None:
        """A file may be another one now: changes of it that wait are shown anew."""
        path = file_of(written)
        for deed in self._journal.transcript.waiting:
            if path and file_of(deed.action) == path:
                self._desk.moved(deed.id, FILE_CHANGED)
