"""Changes of files that the host runs, made by a program by itself: put back, and asked about.

Such a change is recorded as an action that waits, then the files are put back. So a crash between
the two leaves a row, and whoever takes the session up puts the files back once more. What the
person allows is put in place from the store, byte for byte, or not at all.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    ActionState,
    Decision,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.errors import CheckpointError, PocketCoderError
from pocketcoder_tui.core.holding import HELD, Hold
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.checkpoints import CheckpointDesk
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Desk, Dropped, Moved
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.settling import Settling
from pocketcoder_tui.gatekeeper.naming import named_by
from pocketcoder_tui.gatekeeper.paths import WORKSPACE

log = logging.getLogger(__name__)

Settle = Callable[[Action], Awaitable[Decision]]

ROUNDS = 3
"""How often files are put back in one look, while a program goes on writing them."""
MOST_ROWS = 5
"""Rows that one action can cause; what comes after is put back and not offered."""

BY_ACTION = "This changed them, and its decision did not name them: {}"
BY_REST = "A program that an action left running may have changed them, or you. The last one: {}"
PUT_BACK = "They were put back as they were; allowing puts exactly what is shown in place."
BEYOND = "{:,} more files were changed. They were put back and cannot be put in place from here."
RESTLESS = "A program changes files that your machine runs again as soon as they are put back."
RESTLESS_HINT = "They are put back every two seconds; F4 lists the programs of the box, to end it."
ENOUGH = "Files that your machine runs were changed again and put back; nothing more is offered."
STUCK = "A file that your machine runs was changed and could not be put back."
STUCK_HINT = "Look at it on your machine before you run anything there."
LATER = "It was changed once more and waits as one with that."
GONE = "What was to be put in place is not kept any more."


class HoldingDesk:
    """Implements checkpoints.Boundary. Owns one task for each row that waits."""

    def __init__(
        self,
        journal: Journal,
        desk: Desk,
        settling: Settling,
        crew: Crew,
        checkpoints: CheckpointDesk,
    ) -> None:
        self._journal = journal
        self._desk = desk
        self._settling = settling
        self._crew = crew
        self._checkpoints = checkpoints
        self._checking = asyncio.Lock()
        """Held while files are put back, so that two looks do not hold the same change."""
        self._replaced: set[str] = set()
        self._restless: set[str] = set()
        """Actions of which it was said."""
        self._rows: Counter[str] = Counter()

    # --- what a look found

    async def check(self, origin: str, covering: Collection[str], *, between: bool = False) -> bool:
        """See Boundary."""
        async with self._checking:
            put = False
            for _ in range(ROUNDS):
                hold = await self._found(origin, covering)
                if hold is None:
                    return put
                await self._hold(hold, origin, between)
                put = True
                await self._checkpoints.look()
            if origin not in self._restless and await self._checkpoints.strays():
                self._restless.add(origin)
                await self._warn(RESTLESS, RESTLESS_HINT)
            return put

    async def _found(self, origin: str, covering: Collection[str]) -> Hold | None:
        if not await self._checkpoints.strays():
            return None
        covered: set[str] = set()
        for action_id in covering:
            deed = self._journal.transcript.deed(action_id)
            covered |= named_by(deed.action, deed.decision)
        row = self._row_of(origin)
        onto = str(row.action.call.arguments["tree"]) if row is not None else ""
        return await self._checkpoints.hold(covered, onto, origin)

    async def _hold(self, hold: Hold, origin: str, between: bool) -> None:
        """Record, then put back."""
        row = self._row_of(origin)
        if row is None or row.action.call.arguments["tree"] != hold.tree:
            await self._offer(hold, origin, between, row)
        await self._put_back(hold.tree)

    async def _offer(self, hold: Hold, origin: str, between: bool, row: Deed | None) -> None:
        self._rows[origin] += 1
        if self._rows[origin] > MOST_ROWS:
            if self._rows[origin] == MOST_ROWS + 1:
                await self._warn(ENOUGH, ", ".join(file.path for file in hold.files))
            return
        source = self._journal.transcript.deed(origin)
        paths = [file.path for file in hold.files]
        arguments = {"paths": paths, "tree": hold.tree, "during": origin}
        action = Action(
            id=new_id(),
            session_id=self._journal.session_id,
            turn_id=source.action.turn_id,
            reply_id="",
            call=ToolCall(new_id(), HELD, arguments),
            cwd=WORKSPACE,
            container="",
            at=time.time(),
            supersedes=row.id if row is not None else None,
        )
        preview = _preview(hold, source.preview.title, between)
        await self._journal.write(ev.ActionProposed(action, preview))
        if row is not None:
            self._replaced.add(row.id)
            self._desk.drop(row.id)
        self._crew.start(self._wait(action, self._settling.settle), "held files")

    async def _put_back(self, tree: str) -> None:
        placed = await self._checkpoints.put_back(tree)
        if placed.left:
            await self._warn(STUCK, " ".join((*placed.left, STUCK_HINT)))

    def _row_of(self, origin: str) -> Deed | None:
        """The row that waits for what this action changed."""
        for deed in self._journal.transcript.waiting:
            call = deed.action.call
            if call.tool == HELD and call.arguments["during"] == origin:
                return deed
        return None

    async def _warn(self, sentence: str, hint: str) -> None:
        await self._journal.tell(ev.Noticed("warning", sentence, hint, time.time()))

    # --- what an earlier process left

    async def take_up(self, deed: Deed) -> None:
        """Go on with a row of an earlier process; the files are put back once more."""
        self._crew.start(self._take_up(deed), "held files")

    async def _take_up(self, deed: Deed) -> None:
        if deed.state in (ActionState.PROPOSED, ActionState.WAITING):
            # Asked for first, so it is done before what may be decided meanwhile.
            self._crew.start(self._put_back_again(deed), "held files")
        match deed.state:
            case ActionState.WAITING:
                await self._wait(deed.action, self._desk.settle_again)
            case ActionState.PROPOSED:
                await self._wait(deed.action, self._settling.settle)
            case ActionState.ALLOWED if deed.decision is not None:
                await self._leave(deed.action, deed.decision)
            case _:
                await self._place(deed.action)

    async def _put_back_again(self, deed: Deed) -> None:
        try:
            await self._put_back(str(deed.action.call.arguments["tree"]))
        except CheckpointError as error:
            await self._warn(STUCK, f"{error.sentence} {STUCK_HINT}")

    # --- the decision

    async def _wait(self, action: Action, settle: Settle) -> None:
        """Wait until it is decided, whatever becomes of the turn and of the box."""
        while True:
            try:
                decision = await settle(action)
                break
            except Moved:
                pass
            except Dropped:
                if action.id in self._replaced:
                    await self._journal.write(ev.ActionSuperseded(action.id, LATER))
                    return
            settle = self._desk.settle_again
        if decision.outcome is Outcome.ALLOW:
            await self._leave(action, decision)

    async def _leave(self, action: Action, decision: Decision) -> None:
        events: list[ev.Durable] = []
        try:
            events = await self._checkpoints.before(action, decision)
        except (Moved, Dropped) as error:
            log.warning("held files are put in place without a checkpoint: %s", error)
        left = ev.ActionDispatched(action.id, action.digest, time.time())
        await self._journal.write(*events, left)
        await self._place(action)

    async def _place(self, action: Action) -> None:
        began = time.time()
        try:
            left = (await self._checkpoints.place(str(action.call.arguments["tree"]))).left
        except PocketCoderError as error:
            left = (f"{GONE} {error.sentence}",)
        done = Execution(
            action.id,
            Ended.FINISHED,
            status=1 if left else 0,
            error=" ".join(_tidy(line) for line in left),
            started=began,
            seconds=time.time() - began,
        )
        await self._journal.write(ev.ActionEnded(done))
        self._checkpoints.after(action.id)


def _preview(hold: Hold, title: str, between: bool) -> Preview:
    count = len(hold.files)
    name = hold.files[0].path if count == 1 else f"{count:,} files that your machine runs"
    who = (BY_REST if between else BY_ACTION).format(title)
    notes = [who, PUT_BACK, *([BEYOND.format(hold.beyond)] if hold.beyond else [])]
    text = _tidy(hold.text)
    return Preview(
        PreviewKind.DIFF, "place", name, text, hold.added, hold.removed, tuple(map(_tidy, notes))
    )


def _tidy(text: str) -> str:
    """A byte that is no UTF-8 is written as an escape, so that the text can be recorded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
