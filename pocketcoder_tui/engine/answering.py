"""What the program that works answers over its control socket; docs/control.md is the contract."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from pocketcoder_tui import __version__
from pocketcoder_tui.control.protocol import ControlError
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.engine.approvals import row_of, settled_row
from pocketcoder_tui.engine.keyanswers import PREFIX, answer_about_keys
from pocketcoder_tui.engine.keybook import Keybook
from pocketcoder_tui.engine.mirroring import Watched, mirrored
from pocketcoder_tui.gatekeeper.faithful import plain

Answer = dict[str, Any]
Answers = AsyncGenerator[Answer]
Respond = Callable[[Answer], Answers]
LEAST_OF_ID = 4
"""Characters that name an action: the end of its id, since the beginning is only a moment."""
WHO_LIMIT = 80
"""Characters of what a caller says of itself."""
REASON_LIMIT = 20_000
"""Characters of a reason."""
_LAG = 1_000
"""Events that a watcher may be behind before it is hung up on."""


class Decides(Watched, Protocol):
    """What is needed of a session; engine.session.Session is one."""

    @property
    def transcript(self) -> Transcript:
        """See Workbench."""

    @property
    def keybook(self) -> Keybook:
        """See Workbench."""

    def listen(self, on_event: Callable[[ev.Event], None]) -> Callable[[], None]:
        """See Workbench."""

    async def decide(
        self, action_id: str, outcome: Outcome, reason: str = "", *, who: str = ""
    ) -> None:
        """See Workbench."""


class Control(Protocol):
    """The socket; control.ControlServer is one."""

    async def start(self) -> None:
        """Listen. Raises PocketCoderError."""

    async def aclose(self) -> None:
        """Hang up; harmless when it did not start."""


class Answering:
    """Answers for one session. Borrows it."""

    def __init__(self, session: Decides) -> None:
        self._session = session
        self._since = time.time()

    async def respond(self, body: Answer) -> Answers:
        """Answer one request. Raises ControlError or TransitionRefused."""
        match body["ask"]:
            case "hello":
                yield self._hello()
            case "approvals.list":
                yield {"approvals": [row_of(deed) for deed in self._session.transcript.waiting]}
            case "approvals.show":
                yield {"approval": row_of(self._named(body))}
            case "approvals.decide":
                yield await self._decide(body)
            case "approvals.watch":
                async for answer in self._watch():
                    yield answer
            case "session.watch":
                async with contextlib.aclosing(mirrored(self._session)) as lines:
                    async for line in lines:
                        yield line
            case str() as name if name.startswith(PREFIX):
                yield await answer_about_keys(self._session.keybook, body)
            case other:
                raise ControlError(f"This pocketcoder does not know the request {other!a}.")

    def _hello(self) -> Answer:
        transcript = self._session.transcript
        return {
            "pid": os.getpid(),
            "version": __version__,
            "since": self._since,
            "workspace": transcript.workspace,
            "session": transcript.session_id,
            "title": transcript.title,
            "waiting": len(transcript.waiting),
        }

    def _named(self, body: Answer) -> Deed:
        """The action that a request is about: by its id or the end of it."""
        wanted = str(body.get("id", ""))
        if len(wanted) < LEAST_OF_ID:
            raise ControlError(f"{wanted!a} is too little of an id.", hint="Write more of it.")
        deeds = [e for e in self._session.transcript.entries.values() if isinstance(e, Deed)]
        alike = [d for d in deeds if d.id.endswith(wanted)]
        found = [d for d in alike if _waits(d)] or alike
        if len(found) == 1:
            return found[0]
        if not found:
            raise ControlError(
                f"There is no action {wanted!a} in this session.",
                hint="Run: pocketcoder approvals list.",
            )
        raise ControlError(f"{wanted!a} names {len(found)} actions.", hint="Write more of it.")

    async def _decide(self, body: Answer) -> Answer:
        deed = self._named(body)
        try:
            outcome = Outcome(str(body.get("outcome")))
        except ValueError as error:
            raise ControlError("A decision is allow or deny.") from error
        if body.get("digest", deed.action.digest) != deed.action.digest:
            raise ControlError(
                "The action is not the one that was shown to you. Nothing was decided.",
                hint="Look again: pocketcoder approvals show ID.",
            )
        reason = str(body.get("reason", ""))
        if len(reason) > REASON_LIMIT:
            raise ControlError(f"A reason has at most {REASON_LIMIT:,} characters.")
        who = plain(str(body.get("who", "")), keep_newlines=False)[:WHO_LIMIT] or "another program"
        await self._session.decide(deed.id, outcome, reason, who=who)
        return {"approval": row_of(deed)}

    async def _watch(self) -> Answers:
        """What waits now, then every row that comes up, changes its state or is over."""
        lag: asyncio.Queue[Answer] = asyncio.Queue(_LAG)
        behind = asyncio.Event()

        def heard(event: ev.Event) -> None:
            action_id = _about(event)
            if action_id:
                try:
                    lag.put_nowait(settled_row(self._session.transcript.deed(action_id)))
                except asyncio.QueueFull:
                    behind.set()

        unlisten = self._session.listen(heard)
        try:
            for deed in self._session.transcript.waiting:
                yield {"event": "waiting", "approval": row_of(deed)}
            yield {"event": "listening"}
            while not behind.is_set():
                yield await lag.get()
            raise ControlError("Too much happened that was not read.", hint="Watch again.")
        finally:
            unlisten()


def _waits(deed: Deed) -> bool:
    return deed.state is ActionState.WAITING


def _about(event: ev.Event) -> str:
    """The action whose place in the queue an event changes; empty for none."""
    match event:
        case ev.ActionWaiting() | ev.ActionSuperseded() | ev.ActionDispatched():
            return event.action_id
        case ev.ActionDecided():
            return event.decision.action_id
        case ev.ActionEnded():
            return event.execution.action_id
        case _:
            return ""
