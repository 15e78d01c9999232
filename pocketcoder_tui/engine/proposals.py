"""From a model's call to an action the person can decide about."""

import asyncio
import time
from dataclasses import dataclass, replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    ActionState,
    DecidedBy,
    Decision,
    Json,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
    canonical,
)
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Ready
from pocketcoder_tui.engine.desk import Edited, Moved
from pocketcoder_tui.engine.dispatch import Dispatcher
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.tools import BOX_TOOLS, SHELL, TERMINAL_TOOLS, TOOLS
from pocketcoder_tui.engine.tools.base import WORKSPACE, Sketch, unfit_text

CHECK = "argument check"
"""Who denies a call that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call comes from, when not straight from the model."""

    replaced: str | None = None
    """The action whose place it takes."""
    ends: tuple[ev.ActionSuperseded, ...] = ()
    """The end of that action, recorded in the same step."""
    edited: str = ""
    """Who changed it."""


NEW = Origin()
"""The model's own call."""


class Proposals:
    """Makes actions of calls, bound to the box and directory of this moment."""

    def __init__(
        self, keeper: BoxKeeper, journal: Journal, dispatcher: Dispatcher, masker: Masker
    ) -> None:
        self._masker = masker
        self._keeper = keeper
        self._journal = journal
        self._dispatcher = dispatcher
        self._in_order = asyncio.Lock()
        """Rows appear in the order in which the model asked, however long each takes to draw."""

    async def propose(
        self,
        turn_id: str,
        reply_id: str,
        call: ToolCall,
        origin: Origin = NEW,
    ) -> Action | None:
        """Record the call as an action. Returns None when it was refused for its arguments.

        What it takes the place of is recorded with it. Raises SandboxError or RelayError when there
        is no box to bind it to, and then nothing is recorded.
        """
        async with self._in_order:
            return await self._propose(turn_id, reply_id, call, origin)

    async def _propose(
        self, turn_id: str, reply_id: str, call: ToolCall, origin: Origin
    ) -> Action | None:
        before = origin.ends
        tool = TOOLS.get(call.tool)
        complaint = tool.complaint(call.arguments) if tool else _no_such_tool(call.tool)
        if tool is None or complaint:
            refusal = self._refusal(turn_id, reply_id, call, complaint)
            await self._journal.write(*before, *refusal)
            return None
        ready = await self._keeper.ensure()
        sketch = await self._sketch(call, ready)
        action = Action(
            id=new_id(),
            session_id=self._journal.session_id,
            turn_id=turn_id,
            reply_id=reply_id,
            call=call,
            cwd=_directory(call, ready),
            container=ready.box.id,
            base=sketch.base,
            at=time.time(),
            supersedes=origin.replaced,
        )
        proposed = ev.ActionProposed(action, self._shown(sketch.preview), origin.edited)
        await self._journal.write(*before, proposed)
        return action

    async def _sketch(self, call: ToolCall, ready: Ready) -> Sketch:
        if call.tool in TERMINAL_TOOLS:
            scene = await self._dispatcher.scene()
            return TERMINAL_TOOLS[call.tool].sketch(call.arguments, scene)
        return await BOX_TOOLS[call.tool].sketch(call.arguments, ready.box)

    def _shown(self, preview: Preview) -> Preview:
        """Without secrets in what is in the file already; what comes in stays as it will be."""
        if preview.kind is not PreviewKind.DIFF:
            return preview
        clean = self._masker.clean
        lines = [t if t.startswith("+") else clean(t) for t in preview.text.split("\n")]
        return replace(preview, text="\n".join(lines))

    async def propose_again(self, action: Action, moved: Moved) -> Action | None:
        """Replace an action, in one step; the new one needs its own decision.

        Its place changed, the person took the decision back, or wants another call (Edited).
        Raises SandboxError or RelayError, and then the old one still stands.
        """
        call, edited = action.call, self._journal.transcript.deed(action.id).edited
        if isinstance(moved, Edited):
            call, edited = moved.call, moved.who
        denied = self._journal.transcript.deed(action.id).state is ActionState.DENIED
        # A denial stands in the records; the new row follows it.
        ends = () if denied else (ev.ActionSuperseded(action.id, str(moved)),)
        origin = Origin(action.id, ends, edited)
        return await self.propose(action.turn_id, action.reply_id, call, origin)

    def _refusal(
        self, turn_id: str, reply_id: str, call: ToolCall, why: str
    ) -> tuple[ev.ActionProposed, ev.ActionDecided]:
        stored = call
        if unfit_text(call.arguments) or unfit_text(call.tool):
            shown: Json = {"refused": repr(dict(call.arguments))}
            stored = ToolCall(call.id, ascii(call.tool), shown, call.wire_id)
        text = canonical(stored.arguments).decode("utf-8")
        preview = Preview(PreviewKind.TEXT, "call", stored.tool, text, notes=(why,))
        action = Action(
            new_id(),
            self._journal.session_id,
            turn_id,
            reply_id,
            stored,
            cwd="",
            container="",
            at=time.time(),
        )
        decision = Decision(
            action.id, Outcome.DENY, DecidedBy.MODE, action.digest, CHECK, why, time.time()
        )
        return ev.ActionProposed(action, preview), ev.ActionDecided(decision)


def _directory(call: ToolCall, ready: Ready) -> str:
    """Where it would happen; a window that is not there yet begins in the workspace."""
    if call.tool != SHELL:
        return WORKSPACE
    name = str(call.arguments.get("window") or MAIN_WINDOW)
    places: dict[str, str] = {facts.name: facts.cwd for facts in ready.terminal.windows()}
    return places.get(name, WORKSPACE)


def _no_such_tool(name: str) -> str:
    return f"There is no tool named {name!a}. The tools are: {', '.join(TOOLS)}."
