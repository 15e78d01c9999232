"""The engine's part of the box's network for the screen's tests: ports in a list."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    DecidedBy,
    Decision,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.network import CONNECT, BoxPort


class ScriptedNetwork:
    """See Network: notes what was asked, and keeps what a test put into ``found``."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.on = True
        self.found: list[BoxPort] = []
        self.error: PocketCoderError | None = None

    async def ports(self) -> Sequence[BoxPort]:
        self._note("ports")
        self._require()
        return tuple(self.found)

    async def forward(self, number: int) -> BoxPort:
        self._note("forward", number)
        self._require()
        port = BoxPort(number, "python3", number)
        self._put(port)
        return port

    async def unforward(self, number: int) -> None:
        self._note("unforward", number)
        self._require()
        self.found = [replace(p, forwarded=0) if p.number == number else p for p in self.found]

    async def end(self, action_id: str) -> None:
        self._note("end host", action_id)
        self._require()

    def _put(self, port: BoxPort) -> None:
        self.found = [port if p.number == port.number else p for p in self.found]

    def _require(self) -> None:
        if self.error:
            raise self.error


def asked(id_: str, host: str) -> list[ev.Durable]:
    call = ToolCall(f"c-{id_}", CONNECT, {"host": host})
    act = Action(id_, "s1", "t1", "", call, "/", "box", 10.0)
    notes = ("A program in the box asks for it, while this runs: pip install flask",)
    preview = Preview(PreviewKind.TEXT, "connect", host, host, notes=notes)
    return [ev.ActionProposed(act, preview), ev.ActionWaiting(id_, "", 10.0)]


def allowed(id_: str, host: str, by: DecidedBy = DecidedBy.PERSON) -> list[ev.Durable]:
    proposed, *rest = asked(id_, host)
    assert isinstance(proposed, ev.ActionProposed)
    digest = proposed.action.digest
    decision = Decision(id_, Outcome.ALLOW, by, digest, "dana", at=11.0)
    return [
        proposed,
        *rest,
        ev.ActionDecided(decision),
        ev.ActionDispatched(id_, digest, 11.0),
    ]
