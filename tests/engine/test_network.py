"""Hosts in a session: asked for once, held as long as was said, accounted for, and ended."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, DecidedBy, Outcome
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.network import (
    CONNECT,
    BoxPort,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    Doorkeeper,
    Refused,
)
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.network import MOST_ASKED, MOST_REFUSALS
from pocketcoder_tui.gatekeeper.rules import Scope, Terms
from tests.engine.fakes import ScriptedModel, Step, says, shell
from tests.engine.rig import Rig, running

HOST = "files.example.org"
WORKSPACE = Terms(Scope.WORKSPACE)


class FakeGateway:
    """A way out whose programs are the test's."""

    def __init__(self) -> None:
        self.door: Doorkeeper
        self.opened = 0
        self.steps: list[str] = []
        self.error: SandboxError | None = None
        self.gone: asyncio.Future[str] = asyncio.Future()
        self.carried: dict[str, tuple[int, int]] = {}
        self.ready = asyncio.Event()

    async def make(self, box: Box, doorkeeper: Doorkeeper) -> "FakeGateway":
        if self.error is not None:
            raise self.error
        self.door = doorkeeper
        self.opened += 1
        self.ready.set()
        return self

    async def ports(self) -> Sequence[BoxPort]:
        return [BoxPort(8000, "python3")]

    async def forward(self, number: int) -> BoxPort:
        return BoxPort(number, "python3", 9000)

    async def unforward(self, number: int) -> None:
        self.steps.append(f"unforward {number}")

    def cut(self, connection_id: str) -> tuple[int, int]:
        self.steps.append("cut")
        return self.carried.get(connection_id, (0, 0))

    async def lost(self) -> str:
        return await asyncio.shield(self.gone)

    async def aclose(self) -> None:
        self.steps.append("close")


@asynccontextmanager
async def at_work(
    path: Path, *replies: Step, rig: Rig | None = None
) -> AsyncIterator[tuple[Rig, FakeGateway]]:
    """A session whose first command runs, with a way out."""
    model = ScriptedModel(shell("pip install flask"), *replies, says("done"))
    rig, gateway = rig or Rig(model), FakeGateway()
    rig.model = model
    rig.open_gateway = gateway.make
    rig.terminal.gate.clear()
    async with running(path, model, rig=rig):
        await rig.session.send("go")
        [command] = await rig.waiting()
        await rig.allow(command)
        await rig.until(lambda: command.state is ActionState.DISPATCHED)
        await asyncio.wait_for(gateway.ready.wait(), 10)
        yield rig, gateway


def hosts(rig: Rig) -> list[Deed]:
    entries = rig.session.transcript.entries.values()
    return [e for e in entries if isinstance(e, Deed) and e.action.call.tool == CONNECT]


def asks(gateway: FakeGateway, host: str = HOST, port: int = 443) -> "asyncio.Task[str]":
    async def ask() -> str:
        return await gateway.door.admit(host, port)

    return asyncio.create_task(ask())


async def test_a_host_is_asked_for_once_and_holds_until_the_command_has_ended(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        first, second = asks(gateway), asks(gateway, port=80)
        [deed] = await rig.waiting()
        assert deed.action.call.arguments == {"host": HOST}
        assert deed.preview.text == HOST
        assert any("pip install flask" in note for note in deed.preview.notes)
        await rig.allow(deed)
        assert await first == await second == deed.id
        assert await asks(gateway) == deed.id  # nobody is asked again meanwhile
        assert [d.id for d in rig.session.transcript.reached] == [deed.id]
        done = await gateway.door.opened(deed.id, HOST, 443, "192.0.2.1")
        open_ = await gateway.door.opened(deed.id, HOST, 443, "192.0.2.1")
        await gateway.door.closed(done, 100, 2000, "")
        gateway.carried[open_] = (1, 2)
        rig.terminal.gate.set()
        await rig.until(lambda: hosts(rig)[0].state is ActionState.FINISHED)
        await rig.rest()
        assert gateway.steps == ["cut"]
        assert deed.execution is not None
        assert deed.execution.data == {"connections": 2, "sent": 101, "received": 2002}
        closed = [e for e in rig.events if isinstance(e, ConnectionClosed)]
        assert [(e.sent, e.received) for e in closed] == [(100, 2000), (1, 2)]
        with pytest.raises(Refused):
            await gateway.door.opened(deed.id, HOST, 443, "192.0.2.1")
        await gateway.door.closed(open_, 1, 2, "")  # the gateway's own end of it comes later
        assert deed.traffic.made == 2
        assert deed.traffic.open == 0
        again = asks(gateway)
        await rig.waiting()
        again.cancel()


async def test_a_denial_holds_as_long_and_is_told_to_the_model(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        asked = asks(gateway)
        [deed] = await rig.waiting()
        await rig.deny(deed, "Use the mirror.")
        with pytest.raises(Refused, match=r"was denied\. Use the mirror\."):
            await asked
        with pytest.raises(Refused):
            await asks(gateway)
        assert len(hosts(rig)) == 1
        rig.terminal.gate.set()
        await rig.rest()
        last = rig.model.requests[-1].messages
        assert any(HOST in m.text and "Use the mirror." in m.text for m in last)
        assert rig.session.transcript.reached == []


async def test_a_program_that_hangs_up_takes_its_question_out_of_the_pane(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        one, other = asks(gateway), asks(gateway)
        [deed] = await rig.waiting()
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        assert deed.state is ActionState.WAITING  # the other one waits still
        other.cancel()
        await rig.until(lambda: deed.state is ActionState.SUPERSEDED)
        assert rig.session.transcript.waiting == []
        again = asks(gateway)
        [anew] = await rig.waiting()
        await rig.allow(anew)
        assert await again == anew.id


async def test_a_host_without_a_command_holds_until_the_next_one_begins(tmp_path: Path) -> None:
    more = [shell("make"), shell("true")]
    async with at_work(tmp_path, *more) as (rig, gateway):
        rig.terminal.gate.set()
        [make] = await rig.waiting()
        asked = asks(gateway)
        _, deed = await rig.waiting(2)
        assert "no command of the agent's runs" in " ".join(deed.preview.notes)
        await rig.allow(deed)
        assert await asked == deed.id
        await rig.allow(make)
        await rig.until(lambda: deed.state is ActionState.FINISHED)
        [last] = await rig.waiting()
        await rig.deny(last)
        await rig.rest()


async def test_only_so_many_hosts_wait_and_refusals_are_counted(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        flood = [asks(gateway, f"h{number}.example.org") for number in range(MOST_ASKED + 5)]
        await rig.waiting(MOST_ASKED)
        refused, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(task.exception(), Refused) for task in refused)
        for task in flood:
            task.cancel()
        await rig.waiting(0)
        for number in range(MOST_REFUSALS + 10):
            await gateway.door.turned_away(f"10.0.0.{number}:443", "Addresses are refused.")
        kept = [e for e in rig.events if isinstance(e, ConnectionRefused)]
        assert len(kept) == MOST_REFUSALS


async def test_a_rule_answers_and_its_end_cuts_at_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        asked = asks(gateway)
        [deed] = await rig.waiting()
        book = rig.session.rulebook
        await book.keep(deed.id, book.choices(deed.id).allow[0].stored, WORKSPACE)
        assert await asked == deed.id
        rig.terminal.gate.set()
        await rig.until(lambda: deed.state is ActionState.FINISHED)
        await rig.rest()
        by_rule = await asks(gateway)
        [_, ruled] = hosts(rig)
        assert by_rule == ruled.id
        assert ruled.decision is not None
        assert ruled.decision.by is DecidedBy.RULE
        connection = await gateway.door.opened(ruled.id, HOST, 443, "192.0.2.1")
        gateway.carried[connection] = (7, 8)
        [listed] = await book.listed()
        assert HOST in " ".join(listed.sentences)
        await book.delete(listed.kept.id)
        await rig.until(lambda: ruled.state is ActionState.FINISHED)
        assert gateway.steps == ["cut"]
        again = asks(gateway)
        await rig.waiting()
        again.cancel()


async def test_a_person_ends_a_host_and_sees_its_ports(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        asked = asks(gateway)
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await asked
        network = rig.session.network
        assert network.on
        assert [port.number for port in await network.ports()] == [8000]
        assert (await network.forward(8000)).forwarded == 9000
        await network.unforward(8000)
        await network.end(deed.id)
        assert deed.state is ActionState.FINISHED
        await network.end(deed.id)
        await network.end("no such action")


async def test_what_cannot_be_recorded_is_not_done(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        rig.disk.full = {"action_proposed"}
        with pytest.raises(Refused, match="could not be recorded"):
            await asks(gateway)
        rig.disk.full = {"connection_opened"}
        asked = asks(gateway)
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await asked
        with pytest.raises(Refused, match="could not be recorded"):
            await gateway.door.opened(deed.id, HOST, 443, "192.0.2.1")
        rig.disk.full = set()
        rig.terminal.gate.set()
        await rig.rest()


async def test_a_way_out_that_cannot_open_or_ends_is_said_and_the_work_goes_on(
    tmp_path: Path,
) -> None:
    def noticed(rig: Rig, words: str) -> bool:
        return any(isinstance(e, ev.Noticed) and words in e.sentence for e in rig.events)

    async with at_work(tmp_path) as (rig, gateway):
        gateway.gone.set_result("The program in the box ended.")
        await rig.until(lambda: noticed(rig, "The program in the box ended."))
        with pytest.raises(SandboxError):
            await rig.session.network.ports()
        rig.terminal.gate.set()
        await rig.rest()
    (tmp_path / "other").mkdir()
    model = ScriptedModel(shell("true"), says("done"))
    rig, gateway = Rig(model), FakeGateway()
    gateway.error = SandboxError("The box's image has no python3.")
    rig.open_gateway = gateway.make
    async with running(tmp_path / "other", model, rig=rig):
        await rig.session.send("go")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: noticed(rig, "no python3"))
        await rig.rest()


async def test_without_the_network_there_is_nothing_to_ask(tmp_path: Path) -> None:
    model = ScriptedModel(says("done"))
    async with running(tmp_path, model) as rig:
        assert not rig.session.network.on
        with pytest.raises(SandboxError, match="switched off"):
            await rig.session.network.ports()


async def test_what_an_earlier_process_left_is_ended_when_it_is_taken_up(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        allowed, waiting = asks(gateway), asks(gateway, "other.example.org")
        deeds = await rig.waiting(2)
        await rig.allow(deeds[0])
        assert await allowed == deeds[0].id
        # Killed: nothing of what follows the end of a command or of the session is written.
        events = list(rig.session.journal.events)
        session_id = rig.session.journal.session_id
        waiting.cancel()
        allowed.cancel()
    path = tmp_path / "again"
    path.mkdir()
    model = ScriptedModel(says("done"))
    rig = Rig(model)
    async with running(path, model, rig=rig):
        pass
    await _written(path, session_id, events)
    async with running(path, ScriptedModel(says("done")), resume=session_id) as rig:
        one, other = hosts(rig)
        assert one.state is ActionState.INTERRUPTED
        assert other.state is ActionState.SUPERSEDED
        assert rig.session.transcript.reached == []
        assert not [d for d in rig.session.transcript.waiting if d.action.call.tool == CONNECT]


async def _written(path: Path, session_id: str, events: Sequence[ev.Durable]) -> None:
    from pocketcoder_tui.ledger import SqliteLedger

    ledger = await SqliteLedger.open(path / "ledger.db")
    for event in events:
        await ledger.record(session_id, event)
    await ledger.aclose()


async def test_connections_are_in_the_ledger_with_their_bytes(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (rig, gateway):
        asked = asks(gateway)
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await asked
        connection = await gateway.door.opened(deed.id, HOST, 443, "192.0.2.1")
        await gateway.door.closed(connection, 10, 20, "")
        await gateway.door.failed(deed.id, HOST, 443, "It cannot be reached.")
        await gateway.door.turned_away("10.0.0.1:443", "Addresses are refused.")
        session_id = rig.session.journal.session_id
        replayed = await rig.disk.replay(session_id)
        opened = [e for e in replayed if isinstance(e, ConnectionOpened)]
        closed = [e for e in replayed if isinstance(e, ConnectionClosed)]
        assert [(e.host, e.port, e.address) for e in opened] == [(HOST, 443, "192.0.2.1")]
        assert [(e.sent, e.received, e.error) for e in closed] == [
            (10, 20, ""),
            (0, 0, "It cannot be reached."),
        ]
        assert any(isinstance(e, ConnectionRefused) for e in replayed)
        assert deed.traffic.failed == 1
        assert deed.decision is not None
        assert deed.decision.outcome is Outcome.ALLOW
        rig.terminal.gate.set()
        await rig.rest()
