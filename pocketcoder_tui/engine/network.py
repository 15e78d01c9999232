"""The box's way out, as approvals: each host is an action that waits for its decision.

A rule answers for the person. What was decided can be ended at any moment; stands.py says how long
it holds else.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    ActionState,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.errors import PocketCoderError, SandboxError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.network import (
    CONNECT,
    BoxPort,
    ConnectionClosed,
    ConnectionRefused,
    Doorkeeper,
    Gateway,
    Refused,
)
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.core.transient import BoxChanged, BoxState
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.desk import Desk, Dropped, Moved
from pocketcoder_tui.engine.gatekeeping import Gatekeeping
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.settling import Settling
from pocketcoder_tui.engine.stands import UNKEPT, Stand, Stands, tell
from pocketcoder_tui.engine.tools import SHELL

log = logging.getLogger(__name__)

MOST_ASKED = 8
"""Hosts that may wait for the person at once; more are turned away."""
MOST_REFUSALS = 20
"""Refusals of what nobody can be asked about that a session keeps."""
NAMED = 3
"""Commands that a question names."""

TOO_MANY = "Too many hosts wait for the person already."
LEFT = "Nobody waits for it any more."
CUT_OFF = "The program that asked was cut off when PocketCoder ended."
ENDED = "PocketCoder ended, and its connections with it."
OFF = "The network is switched off."
ASKS = "A program in the box asks for it, while this runs: {}"
ASKS_ALONE = "A program in the box asks for it; no command of the agent's runs."
HOLDS = "What you say holds until that has ended."
HOLDS_ALONE = "What you say holds until the next command begins or ends."
NO_LOSS = "Nothing of the box can reach the network until it is started again."

OpenGateway = Callable[[Box, Doorkeeper], Awaitable[Gateway]]


@dataclass(slots=True)
class _Question:
    """A host that is being asked about."""

    task: "asyncio.Task[Stand]"
    action_id: str = ""
    waiters: int = 0


class NetworkDesk:
    """Implements core's Doorkeeper and workbench.Network. Owns the gateway of the box that runs."""

    def __init__(
        self,
        journal: Journal,
        desk: Desk,
        settling: Settling,
        gatekeeping: Gatekeeping,
        keeper: BoxKeeper,
        *,
        crew: Crew,
        open_gateway: OpenGateway | None,
    ) -> None:
        """``open_gateway``: None while the network is switched off."""
        self._journal = journal
        self._desk = desk
        self._settling = settling
        self._gatekeeping = gatekeeping
        self._keeper = keeper
        self._crew = crew
        self._open_gateway = open_gateway
        self._gateway: Gateway | None = None
        self._stands = Stands(journal, self._cut)
        self._asking: dict[str, _Question] = {}
        self._refusals = 0
        journal.listen(self._heard)
        gatekeeping.on_rules(self._rules_changed)

    # --- the person's side

    @property
    def on(self) -> bool:
        """Whether the box can ask for hosts."""
        return self._open_gateway is not None

    async def ports(self) -> Sequence[BoxPort]:
        """See workbench.Network."""
        return await self._required().ports()

    async def forward(self, number: int) -> BoxPort:
        """See workbench.Network."""
        return await self._required().forward(number)

    async def unforward(self, number: int) -> None:
        """See workbench.Network."""
        await self._required().unforward(number)

    async def end(self, action_id: str) -> None:
        """See workbench.Network."""
        for stand in self._stands:
            if stand.action.id == action_id:
                await self._stands.end(stand)

    async def aclose(self) -> None:
        """Cut everything off; what was allowed ends with this process."""
        for stand in self._stands:
            await self._stands.end(stand)
        await self._close_gateway()

    def _required(self) -> Gateway:
        if self._open_gateway is None:
            raise SandboxError(OFF, hint="Set POCKETCODER_NETWORK=ask.")
        if self._gateway is None:
            raise SandboxError("The box does not run yet.", hint="Start it first.")
        return self._gateway

    # --- what an earlier process left

    async def take_up(self, deed: Deed) -> None:
        """End a host's action of an earlier process: its connections ended with that."""
        if deed.state is ActionState.DISPATCHED:
            ended = Execution(deed.id, Ended.INTERRUPTED, error=ENDED)
            await self._journal.write(ev.ActionEnded(ended))
        else:
            await self._journal.write(ev.ActionSuperseded(deed.id, CUT_OFF))

    # --- the gateway's side

    async def admit(self, host: str, port: int) -> str:
        """See Doorkeeper."""
        stand = self._stands.get(host)
        if stand is None:
            stand = await self._answer(host)
        if not stand.allowed:
            raise Refused(stand.why)
        return stand.action.id

    async def opened(self, action_id: str, host: str, port: int, address: str) -> str:
        """See Doorkeeper."""
        return await self._stands.opened(action_id, host, port, address)

    async def closed(self, connection_id: str, sent: int, received: int, error: str) -> None:
        """See Doorkeeper."""
        await self._stands.closed(connection_id, sent, received, error)

    async def failed(self, action_id: str, host: str, port: int, error: str) -> None:
        """See Doorkeeper."""
        event = ConnectionClosed("", action_id, host, port, 0, 0, 0.0, error, time.time())
        await tell(self._journal, event)

    async def turned_away(self, target: str, why: str) -> None:
        """See Doorkeeper. Only so many are kept: a program can ask without end."""
        if self._refusals < MOST_REFUSALS:
            self._refusals += 1
            await tell(self._journal, ConnectionRefused(target, why, time.time()))

    # --- asking

    async def _answer(self, host: str) -> Stand:
        """Wait for the decision together with whoever asks for the host. Raises Refused."""
        question = self._asking.get(host)
        if question is None:
            if len(self._asking) >= MOST_ASKED:
                raise Refused(TOO_MANY)
            task = self._crew.start(self._ask(host), f"host {host}")
            question = self._asking[host] = _Question(task)
        question.waiters += 1
        try:
            await asyncio.wait([question.task])
        finally:
            question.waiters -= 1
            if not question.waiters and not question.task.done():
                self._desk.drop(question.action_id)
        if question.task.cancelled():
            raise Refused(LEFT)
        return question.task.result()

    async def _ask(self, host: str) -> Stand:
        """Propose, settle, let hold. Raises Refused, never anything else."""
        try:
            return await self._asked(host)
        except PocketCoderError as error:
            log.warning("a host could not be asked about: %s", error.sentence)
            raise Refused(UNKEPT) from None
        finally:
            self._asking.pop(host, None)

    async def _asked(self, host: str) -> Stand:
        ready = await self._keeper.ensure()
        running = self._running()
        action = Action(
            id=new_id(),
            session_id=self._journal.session_id,
            turn_id=await self._turn(),
            reply_id="",
            call=ToolCall(new_id(), CONNECT, {"host": host}),
            cwd="",
            container=ready.box.id,
            at=time.time(),
        )
        self._asking[host].action_id = action.id
        await self._journal.write(ev.ActionProposed(action, _preview(host, running)))
        try:
            if not self._asking[host].waiters:
                raise Dropped(action.id)
            decision = await self._settling.settle(action)
        except (Dropped, Moved):
            await self._journal.write(ev.ActionSuperseded(action.id, LEFT))
            raise Refused(LEFT) from None
        now = time.time()
        allowed = decision.outcome is Outcome.ALLOW
        why = "" if allowed else _denied(host, decision.reason)
        span = {deed.id for deed in running}
        stand = Stand(host, action, allowed, why, span, now)
        if allowed:
            await self._journal.write(ev.ActionDispatched(action.id, action.digest, now))
        self._stands.hold(stand)
        self._drop_ended(stand)
        return stand

    def _drop_ended(self, stand: Stand) -> None:
        """The commands for which it was to hold may have ended while it was being decided."""
        if stand.span and not stand.span & {deed.id for deed in self._running()}:
            stand.span.clear()

    def _drop_left(self, action_id: str) -> None:
        """Nobody is asked about a host for which nobody waits any more."""
        for question in self._asking.values():
            if question.action_id == action_id and not question.waiters:
                self._desk.drop(action_id)

    def _running(self) -> list[Deed]:
        entries = self._journal.transcript.entries.values()
        deeds = [e for e in entries if isinstance(e, Deed)]
        return [d for d in deeds if d.state is ActionState.DISPATCHED and _is_command(d.action)]

    async def _turn(self) -> str:
        """The turn that an action belongs to: the last one, or one of its own."""
        for event in reversed(self._journal.events):
            if isinstance(event, ev.TurnStarted):
                return event.turn_id
            if isinstance(event, ev.Inherited):
                break  # what precedes is another session's
        turn_id, now = new_id(), time.time()
        await self._journal.write(
            ev.TurnStarted(turn_id, now),
            ev.TurnEnded(turn_id, ev.TurnOutcome.DONE, "", "", now),
        )
        return turn_id

    # --- how long it holds

    def _heard(self, event: ev.Event) -> None:
        match event:
            case BoxChanged(state=BoxState.READY) if self._open_gateway is not None:
                self._crew.start(self._open(), "way out")
            case ev.ActionWaiting(action_id=id_):
                self._drop_left(id_)
            case ev.PersonRan():
                self._pass("")
            case ev.ActionDispatched(action_id=id_) | ev.ActionEnded(Execution(action_id=id_)):
                if _is_command(self._journal.transcript.deed(id_).action):
                    self._pass(id_ if isinstance(event, ev.ActionEnded) else "")
            case _:
                pass

    def _pass(self, ended: str) -> None:
        """A command began or ended."""
        for stand in self._stands.passed(ended):
            self._crew.start(self._stands.close(stand), "end of a host")

    def _rules_changed(self) -> None:
        self._crew.start(self._recheck(), "hosts by changed rules")

    async def _recheck(self) -> None:
        """What a rule denies now, or no rule allows any more, ends at once."""
        for stand in self._stands:
            deed = self._journal.transcript.deed(stand.action.id)
            if deed.decision is None or not await self._gatekeeping.stands(
                stand.action, deed.decision
            ):
                await self._stands.end(stand)

    # --- the gateway's life

    async def _open(self) -> None:
        """Open the way out of the box that was started; a failure is shown, and no more."""
        assert self._open_gateway is not None  # asked before
        ready = self._keeper.ready
        if ready is None:
            return
        try:
            gateway = await self._open_gateway(ready.box, self)
        except PocketCoderError as error:
            await tell(
                self._journal, ev.Noticed("warning", error.sentence, error.hint, time.time())
            )
            return
        await self._close_gateway()
        for stand in self._stands:
            if stand.action.container != ready.box.id:
                await self._stands.end(stand)
        self._gateway = gateway
        why = await gateway.lost()
        if self._gateway is gateway:
            log.info("the way out of the box ended: %s", why)
            await self._close_gateway()
            if self._keeper.ready is ready:
                sentence = f"The box's way out ended. {why}"
                await tell(self._journal, ev.Noticed("warning", sentence, NO_LOSS, time.time()))

    async def _close_gateway(self) -> None:
        gateway, self._gateway = self._gateway, None
        if gateway is not None:
            await gateway.aclose()

    def _cut(self, connection_id: str) -> tuple[int, int]:
        return self._gateway.cut(connection_id) if self._gateway is not None else (0, 0)


def _is_command(action: Action) -> bool:
    return action.call.tool == SHELL


def _preview(host: str, running: Sequence[Deed]) -> Preview:
    named = [deed.preview.title for deed in running[-NAMED:]]
    asks = tuple(ASKS.format(title) for title in named) or (ASKS_ALONE,)
    notes = (*asks, HOLDS if running else HOLDS_ALONE)
    return Preview(PreviewKind.TEXT, "connect", host, host, notes=notes)


def _denied(host: str, reason: str) -> str:
    words = " ".join(reason.split())
    return f"{host} was denied. {words}" if words else f"{host} was denied."
