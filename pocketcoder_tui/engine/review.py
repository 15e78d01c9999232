"""What a person may do with an action beside allowing and denying it: change it, take it back."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

from pocketcoder_tui.core.actions import ActionState, DecidedBy, Json, Outcome, ToolCall
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.desk import Desk, Edited
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.leaving import LEFT, Departures
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.engine.tools import TOOLS
from pocketcoder_tui.engine.tools.edit import CHANGERS
from pocketcoder_tui.engine.tools.hunks import with_hunks
from pocketcoder_tui.gatekeeper.toolset import EDITABLE, text_of

CHANGED = "You changed it before it was decided."
IN_PART = "You took a part of the change."
NO_TEXT = "This action has no text that could be changed."
SAME = "Nothing was changed, so it waits as before."
NOTHING_DECIDED = "You have not decided anything that could be taken back."
TOLD = "The agent was told of the denial already. Tell it in a message that it may go on."
NO_HUNKS = "This is no change of a file that could be taken in part."
NONE_CHOSEN = "Not one part of the change is chosen. Deny it instead."
OTHER_FILE = "The file changed since it was shown."


class Review:
    """See Workbench. Owns nothing; desk and departures hold what waits and what leaves."""

    def __init__(
        self,
        journal: Journal,
        desk: Desk,
        departures: Departures,
        keeper: BoxKeeper,
        ask_again: Callable[[Deed], bool],
    ) -> None:
        """``ask_again`` asks about a denied action once more; False when it is too late."""
        self._journal = journal
        self._desk = desk
        self._departures = departures
        self._keeper = keeper
        self._ask_again = ask_again

    async def edit(self, action_id: str, text: str) -> None:
        """See Workbench."""
        action = self._deed(action_id).action
        before = text_of(action)
        if before is None:
            raise TransitionRefused(NO_TEXT)
        if text == before:
            raise TransitionRefused(SAME)
        name = EDITABLE[action.call.tool]
        self._replace(action_id, CHANGED, {**action.call.arguments, name: text})

    async def keep_hunks(self, action_id: str, hunks: Collection[int]) -> None:
        """See Workbench."""
        action = self._deed(action_id).action
        tool = CHANGERS.get(action.call.tool)
        if tool is None:
            raise TransitionRefused(NO_HUNKS)
        if not hunks:
            raise TransitionRefused(NONE_CHOSEN)
        ready = await self._keeper.ensure()
        change = await tool.change(action.call.arguments, ready.box)
        if change.seen.base != action.base or change.text is None:
            raise TransitionRefused(OTHER_FILE)
        old = change.seen.text
        if old is None:
            raise TransitionRefused(NO_HUNKS)
        try:
            text = await asyncio.to_thread(with_hunks, old, change.text, hunks)
        except ValueError as error:
            raise TransitionRefused(OTHER_FILE) from error
        if text == change.text:
            raise TransitionRefused(SAME)
        whole = {"path": action.call.arguments["path"], "content": text}
        self._replace(action_id, IN_PART, whole, tool="write_file")

    async def undo(self) -> str:
        """See Workbench."""
        deed = self._last_decided()
        if deed.state is ActionState.ALLOWED:
            self._departures.take_back(deed.id)
        elif deed.state is not ActionState.DENIED:
            raise TransitionRefused(LEFT)
        elif not self._ask_again(deed):
            raise TransitionRefused(TOLD)
        return deed.id

    def _replace(self, action_id: str, why: str, arguments: Json, tool: str = "") -> None:
        call = self._deed(action_id).action.call
        changed: ToolCall = replace(call, tool=tool or call.tool, arguments=arguments)
        if complaint := TOOLS[changed.tool].complaint(arguments):
            raise TransitionRefused(complaint)
        self._desk.replace(action_id, Edited(why, changed, login_name()))

    def _deed(self, action_id: str) -> Deed:
        try:
            return self._journal.transcript.deed(action_id)
        except KeyError:
            raise TransitionRefused("There is no such action.") from None

    def _last_decided(self) -> Deed:
        """What the person decided last and did not take back."""
        entries = self._journal.transcript.entries.values()
        deeds = [entry for entry in entries if isinstance(entry, Deed)]
        replaced = {deed.action.supersedes for deed in deeds}
        mine = [
            deed
            for deed in deeds
            if deed.decision is not None
            and deed.decision.by is DecidedBy.PERSON
            and deed.id not in replaced
            and (deed.decision.outcome is Outcome.DENY or deed.state is not ActionState.SUPERSEDED)
        ]
        if not mine:
            raise TransitionRefused(NOTHING_DECIDED)
        return max(mine, key=lambda deed: deed.decision.at if deed.decision else 0.0)
