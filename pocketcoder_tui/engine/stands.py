"""What was decided about hosts, while it holds; and the account of what went there.

A decision holds for as long as the commands that ran when it was asked, and for a program without
a command until the next one begins or ends. The account of an allowed host is its action's result.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, Ended, Execution
from pocketcoder_tui.core.errors import LedgerError, PocketCoderError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.network import ConnectionClosed, ConnectionOpened, Refused
from pocketcoder_tui.engine.journal import Journal

log = logging.getLogger(__name__)

PAST = "What was decided does not hold any more."
UNKEPT = "It could not be recorded, so it was not done."

Cut = Callable[[str], tuple[int, int]]
"""Ends a connection at once; returns the bytes that went to the host and came from it."""


@dataclass(slots=True)
class Stand:
    """What was decided about a host."""

    host: str
    action: Action
    allowed: bool
    why: str
    """For a denied host: what the program is told."""
    span: set[str]
    """The commands for which it holds; empty for none in particular."""
    began: float
    connections: dict[str, tuple[int, float]] = field(default_factory=dict)
    """The open ones: their port, and when they began."""
    made: int = 0
    sent: int = 0
    received: int = 0


class Stands:
    """By host. Owns what holds."""

    def __init__(self, journal: Journal, cut: Cut) -> None:
        self._journal = journal
        self._cut = cut
        self._held: dict[str, Stand] = {}

    def __iter__(self) -> Iterator[Stand]:
        return iter(tuple(self._held.values()))

    def get(self, host: str) -> Stand | None:
        """What holds about a host."""
        return self._held.get(host)

    def hold(self, stand: Stand) -> None:
        """Let it hold from now on."""
        self._held[stand.host] = stand

    def drop(self, stand: Stand) -> bool:
        """Let it hold no more; False when it did not."""
        if self._held.get(stand.host) is not stand:
            return False
        del self._held[stand.host]
        return True

    def passed(self, ended: str = "") -> list[Stand]:
        """A command began or ended: returns what was decided for it, or for none, and drops it."""
        gone = []
        for stand in self:
            if not stand.span or stand.span == {ended}:
                del self._held[stand.host]
                gone.append(stand)
            else:
                stand.span.discard(ended)
        return gone

    async def opened(self, action_id: str, host: str, port: int, address: str) -> str:
        """Record a connection; returns its id. Raises Refused."""
        stand = self._held.get(host)
        if stand is None or stand.action.id != action_id or not stand.allowed:
            raise Refused(PAST)
        connection_id, now = new_id(), time.time()
        stand.connections[connection_id] = (port, now)
        stand.made += 1
        try:
            await self._journal.write(
                ConnectionOpened(connection_id, action_id, host, port, address, now)
            )
        except LedgerError:
            stand.connections.pop(connection_id, None)
            raise Refused(UNKEPT) from None
        if self._held.get(host) is not stand:
            raise Refused(PAST)
        return connection_id

    async def closed(self, connection_id: str, sent: int, received: int, error: str) -> None:
        """Record its end. One whose host holds no more was accounted for then."""
        for stand in self:
            if connection_id in stand.connections:
                await self._account(stand, connection_id, (sent, received), error)
                return

    async def end(self, stand: Stand) -> None:
        """Let it hold no more, cut what is open, and record what it came to."""
        if self.drop(stand):
            await self.close(stand)

    async def close(self, stand: Stand) -> None:
        """Cut what is open of one that holds no more, and record what it came to."""
        if not stand.allowed:
            return
        for connection_id in tuple(stand.connections):
            await self._account(stand, connection_id, self._cut(connection_id), "")
        now = time.time()
        execution = Execution(
            stand.action.id,
            Ended.FINISHED,
            output=_summary(stand),
            started=stand.began,
            seconds=now - stand.began,
            data={"connections": stand.made, "sent": stand.sent, "received": stand.received},
        )
        await tell(self._journal, ev.ActionEnded(execution))

    async def _account(
        self, stand: Stand, connection_id: str, size: tuple[int, int], error: str
    ) -> None:
        port, began = stand.connections.pop(connection_id)
        now, (sent, received) = time.time(), size
        stand.sent += sent
        stand.received += received
        id_, host = stand.action.id, stand.host
        await tell(
            self._journal,
            ConnectionClosed(
                connection_id, id_, host, port, sent, received, now - began, error, now
            ),
        )


async def tell(journal: Journal, event: ev.Durable) -> None:
    """Record what has happened already; what cannot be recorded is logged."""
    try:
        await journal.tell(event)
    except PocketCoderError as error:
        log.warning("%s was not recorded: %s", event.kind, error.sentence)


def _summary(stand: Stand) -> str:
    noun = "connection" if stand.made == 1 else "connections"
    return f"{stand.made} {noun}, {stand.sent:,} bytes sent, {stand.received:,} received"
