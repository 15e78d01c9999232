"""A whole session over a real ledger, with a box, terminal and model of the test's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.audit import AuditKind, AuditNote
from pocketcoder_tui.core.checks import Check, CheckState, Progress
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.keys import KeyShelf
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.ports import Box, SessionSummary, Tail
from pocketcoder_tui.core.rules import RuleShelf
from pocketcoder_tui.core.shelf import Shelf
from pocketcoder_tui.core.terminal import Terminal
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Sandbox
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.keepers import Keeper
from pocketcoder_tui.engine.keykeeper import MakeDoor
from pocketcoder_tui.engine.limits import Bounds
from pocketcoder_tui.engine.network import OpenGateway
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.session import Session
from pocketcoder_tui.engine.terms import Terms
from pocketcoder_tui.engine.trials import Copies
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper
from tests.engine.fakes import FakeBox, FakeSandbox, FakeTerminal, ScriptedModel


class FakeVoice:
    """The model that the test wrote."""

    def __init__(self, model: ScriptedModel, key: AuditNote | None = None) -> None:
        self._model = model
        self._key = key
        self.ready = True
        self.label = "script"

    def model(self) -> ScriptedModel:
        return self._model

    notice = None

    def system(self, mode: str) -> str:
        return f"Be a test in mode {mode}."

    def check(self) -> Check:
        return Check("key", "Model", CheckState.OK, "Set.")

    def key_use(self) -> AuditNote | None:
        return self._key

    def chosen(self) -> None:
        return None

    async def set_key(self, key: str) -> None:
        self._key = AuditNote(AuditKind.KEY, {"model": "script"})

    async def warm(self) -> None:
        return None

    async def aclose(self) -> None:
        return None


class FakeSetup:
    """All is there; looking takes until the gate is open."""

    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate
        self.cancelled: list[str] = []
        """The mends that were closed before their end."""

    async def checks(self) -> list[Check]:
        await self._gate.wait()
        return [Check("engine", "Docker", CheckState.OK, "Runs.")]

    async def mend(self, check_id: str) -> AsyncIterator[Progress]:
        try:
            yield Progress(f"mending {check_id}")
            await asyncio.Event().wait()
        finally:
            self.cancelled.append(check_id)


class Disk:
    """A real ledger on a disk that can be full, and slow for one kind of event."""

    def __init__(self) -> None:
        self.ledger: SqliteLedger
        self.full: set[str] = set()
        """Kinds of events for which there is no space."""
        self.slow: dict[str, asyncio.Event] = {}
        """Kinds of events that are kept once this is set."""
        self.reached: dict[str, asyncio.Event] = {}
        """Set when an event of that kind came to a slow disk."""

    def hold(self, kind: str) -> asyncio.Event:
        """Make the disk slow for a kind; returns what lets it go on."""
        self.slow[kind], self.reached[kind] = asyncio.Event(), asyncio.Event()
        return self.slow[kind]

    async def record(self, session_id: str, *events: ev.Durable) -> None:
        for event in events:
            if event.kind in self.full:
                raise LedgerError("There is no space left.", hint="Free some space.")
            if event.kind in self.slow:
                self.reached[event.kind].set()
                await self.slow[event.kind].wait()
        await self.ledger.record(session_id, *events)

    async def verified(self) -> None:
        await self.ledger.verified()

    async def note(self, note: AuditNote, session_id: str = "") -> None:
        await self.ledger.note(note, session_id)

    async def replay(self, session_id: str) -> list[ev.Durable]:
        return await self.ledger.replay(session_id)

    async def tail(self, session_id: str, at_least: int) -> Tail:
        return await self.ledger.tail(session_id, at_least)

    def past(self, session_id: str, before: int) -> AsyncGenerator[Sequence[ev.Durable]]:
        return self.ledger.past(session_id, before)

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        return await self.ledger.sessions(archived=archived)

    @property
    def rules(self) -> RuleShelf:
        return self.ledger.rules

    @property
    def keys(self) -> KeyShelf:
        return self.ledger.keys

    @property
    def shelf(self) -> Shelf:
        return self.ledger.shelf

    async def aclose(self) -> None:
        await self.ledger.aclose()


class Rig:
    """A session and all that it stands on."""

    def __init__(self, model: ScriptedModel) -> None:
        self.model = model
        self.box = FakeBox()
        self.sandbox = FakeSandbox(self.box)
        self.real: Sandbox | None = None
        """A sandbox that is none of the test's."""
        self.terminal = FakeTerminal()
        self.open_terminal: Callable[[Box], Awaitable[Terminal]] | None = None
        """Opens a terminal that is none of the test's."""
        self.next_terminals: list[FakeTerminal] = []
        """Taken in turn by each new connection; the last one stays."""
        self.disk = Disk()
        self.key: AuditNote | None = None
        """What is said of the key in use."""
        self.output_days = 0
        self.looked = asyncio.Event()
        """The checklist is known once this is set."""
        self.looked.set()
        self.setup = FakeSetup(self.looked)
        self.masker = Masker()
        self.keeper: Keeper | None = None
        """What keeps the workspace; a real one unless the test gives another."""
        self.checkpointed = True
        """False for a session without checkpoints."""
        self.copies: Copies | None = None
        """What makes throw-away copies."""
        self.command_limit = 30.0
        self.context_tokens = 0
        self.bounds = Bounds(same=0)
        self.door: MakeDoor | None = None
        """What makes the way in over SSH."""
        self.open_gateway: OpenGateway | None = None
        """What opens the way out."""
        self.events: list[ev.Event] = []
        self.session: Session
        self._news = asyncio.Condition()
        self._pings: set[asyncio.Task[None]] = set()

    def heard(self, event: ev.Event) -> None:
        self.events.append(event)
        task = asyncio.get_running_loop().create_task(self._ping())
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait for a fact to become true with some event."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(fact), 10)

    async def waiting(self, count: int = 1) -> list[Deed]:
        await self.until(lambda: len(self.session.transcript.waiting) == count)
        return self.session.transcript.waiting

    async def rest(self) -> ev.TurnEnded:
        """Wait for the end of the turn."""
        await self.until(lambda: any(isinstance(e, ev.TurnEnded) for e in self.events))
        return next(e for e in reversed(self.events) if isinstance(e, ev.TurnEnded))

    async def allow(self, deed: Deed) -> None:
        await self.session.decide(deed.id, Outcome.ALLOW)

    async def deny(self, deed: Deed, reason: str = "") -> None:
        await self.session.decide(deed.id, Outcome.DENY, reason)

    async def _ping(self) -> None:
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def running(
    path: Path, model: ScriptedModel, *, rig: Rig | None = None, resume: str = ""
) -> AsyncIterator[Rig]:
    """Open a session in a ledger under ``path``; closing it leaves what is open open."""
    rig = rig or Rig(model)
    ledger = rig.disk
    ledger.ledger = await SqliteLedger.open(path / "ledger.db")
    session_id = resume or new_id()
    preface = [] if resume else [ev.SessionStarted(session_id, str(path), 1.0)]
    journal = Journal(ledger, session_id, preface)
    if resume:
        await journal.read_back()

    async def open_terminal(box: Box) -> Terminal:
        if rig.open_terminal is not None:
            return await rig.open_terminal(box)
        if rig.next_terminals:
            rig.terminal = rig.next_terminals.pop(0)
        return rig.terminal

    def make_keeper(journal: Journal, crew: Crew) -> BoxKeeper:
        return BoxKeeper(rig.real or rig.sandbox, open_terminal, journal, crew)

    workspace = path / "workspace"
    workspace.mkdir(exist_ok=True)
    keeper = rig.keeper or CheckpointKeeper(workspace, path / "checkpoints")
    rig.session = Session(
        journal,
        ledger,
        voice=FakeVoice(model, rig.key),
        setup=rig.setup,
        make_keeper=make_keeper,
        attach=lambda box: 0,
        terms=Terms(
            rig.masker,
            Outputs(path / "outputs", 1 << 20),
            rig.command_limit,
            rig.output_days,
            keeper if rig.checkpointed else None,
            rig.copies,
            door=rig.door,
            open_gateway=rig.open_gateway,
            context_tokens=rig.context_tokens,
            bounds=rig.bounds,
        ),
    )
    rig.session.listen(rig.heard)
    await rig.session.open()
    try:
        yield rig
    finally:
        await rig.session.aclose()
