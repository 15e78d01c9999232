"""A session that works without end until it is killed, over a box that keeps what was done on disk.

Each life is a forked process: everything is loaded already, so a life costs milliseconds and a
kill comes at any point of it. What it was promised (acknowledged) it says over a pipe at once.
"""

import asyncio
import logging
import os
import resource
import select
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import failpoints
from pocketcoder_tui.core.actions import ActionState, Outcome, ToolCall
from pocketcoder_tui.core.errors import LedgerError, TransitionRefused
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.model import Finish, ModelRequest, PartKind, ReplyFinished, ReplyPart
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import (
    MAIN_WINDOW,
    CannotTell,
    CommandEnded,
    CommandItem,
    CommandOutput,
    Found,
    NeverStarted,
    Terminal,
)
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.boxkeeper import BoxKeeper, Sandbox
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.login import login
from pocketcoder_tui.engine.outputs import Outputs
from pocketcoder_tui.engine.session import Session
from pocketcoder_tui.engine.terms import Terms
from pocketcoder_tui.ledger import SqliteLedger
from tests.engine.fakes import FakeBox, FakeSandbox, FakeTerminal, FakeWindow
from tests.engine.rig import FakeSetup, FakeVoice

Say = Callable[[str], None]
LONGEST_LIFE = 30.0
"""Seconds after which a life that should have ended by itself is killed, and said to be stuck."""
CALLS = 2
"""Commands that the model asks for in one reply."""


class DiskWindow(FakeWindow):
    """Runs a command by adding a line to a file of its id, once: the claim is a folder."""

    def __init__(self, terminal: FakeTerminal, name: str, folder: Path) -> None:
        super().__init__(terminal, name)
        self._folder = folder

    async def run(self, action_id: str, command: bytes) -> AsyncGenerator[CommandItem]:
        here = self._folder / action_id
        here.mkdir()
        failpoints.reach("claimed", "the box")
        with (here / "effect").open("ab") as effect:
            effect.write(command + b"\n")
        failpoints.reach("done", "the box")
        yield CommandOutput("out\n")
        (here / "status").write_text("0")
        failpoints.reach("ended", "the box")
        yield CommandEnded(0, "out\n", 0, 0.0, self.cwd)


class DiskTerminal(FakeTerminal):
    """A terminal whose box is a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.main = DiskWindow(self, MAIN_WINDOW, folder)
        self.by_name = {MAIN_WINDOW: self.main}

    async def find(self, action_id: str) -> Found:
        here = self._folder / action_id
        try:
            here.mkdir()
        except FileExistsError:
            if (here / "status").exists():
                return CommandEnded(0, "out\n", 0, 0.0, self.main.cwd)
            return CannotTell("It started, and the box holds no end of it.")
        return NeverStarted()


class EndlessModel:
    """Asks for commands, then says something, and so on; each command is another one."""

    provider = name = label = "endless"

    def __init__(self, command: Callable[[], str]) -> None:
        self._command = command
        self._asked = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        self._asked += 1
        yield ReplyPart(PartKind.TEXT, "I look. ", raw={"text": "I look. "})
        if self._asked % 2:
            for _ in range(CALLS):
                call = ToolCall(new_id(), "shell", {"command": self._command()})
                yield ReplyPart(PartKind.CALL, call=call, raw={"functionCall": call.id})
        yield ReplyFinished(Finish.DONE)

    async def aclose(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class World:
    """Where lives take place, and what they act in."""

    state: Path
    session_id: str
    sandbox: Callable[[], Sandbox]
    open_terminal: Callable[[Box], Awaitable[Terminal]]
    command: Callable[[], str]
    turns: int = 1_000_000
    """After so many a life ends by itself."""

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"


def disk_world(state: Path, session_id: str, turns: int = 1_000_000) -> World:
    """A world without Docker: effects are files below ``state``."""

    async def open_terminal(_: Box) -> Terminal:
        return DiskTerminal(state / "effects")

    return World(state, session_id, lambda: FakeSandbox(FakeBox()), open_terminal, new_id, turns)


async def live(world: World, say: Say) -> None:
    """Take the session up, or begin it; allow all that waits; send a message after each turn.

    Says ``decided ID``, ``sent TEXT`` once they are acknowledged, ``settled SECONDS`` once nothing
    of an earlier life is open, and ``over`` at the end.
    """
    began = time.perf_counter()
    ledger = await SqliteLedger.open(world.ledger, login=login())
    there = any(s.id == world.session_id for s in await ledger.sessions())
    preface = [] if there else [ev.SessionStarted(world.session_id, "/w", time.time())]
    journal = Journal(ledger, world.session_id, preface)
    if there:
        await journal.read_back()
    gate = asyncio.Event()
    gate.set()

    def make_keeper(journal: Journal, crew: Crew) -> BoxKeeper:
        return BoxKeeper(world.sandbox(), world.open_terminal, journal, crew)

    session = Session(
        journal,
        ledger,
        voice=FakeVoice(EndlessModel(world.command)),
        setup=FakeSetup(gate),
        make_keeper=make_keeper,
        attach=lambda box: 0,
        terms=Terms(Masker(), Outputs(world.state / "outputs", 1 << 20), 60.0),
    )
    person = Person(session, say, began)
    session.listen(person.heard)
    try:
        await session.open()
        await person.act(world.turns)
    except LedgerError as error:
        say(f"refused {error.sentence}")
    await session.aclose()
    say("over")


@dataclass
class Person:
    """Answers at once whatever waits, and goes on talking."""

    session: Session
    say: Say
    began: float
    rested: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: LedgerError | None = None
    """Why a decision could not be kept."""
    old: set[str] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def heard(self, event: ev.Event) -> None:
        match event:
            case ev.ActionWaiting():
                self.start(self.allow(event.action_id))
            case ev.TurnEnded():
                self.rested.set()
            case ev.ActionEnded():
                self.look()
            case ev.Noticed(level="error"):
                self.refusal = LedgerError(event.sentence)
                self.rested.set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def deeds(self) -> list[Deed]:
        entries = self.session.transcript.entries.values()
        return [entry for entry in entries if isinstance(entry, Deed)]

    def look(self) -> None:
        """See whether what an earlier life sent is settled."""
        left = [d for d in self.deeds() if d.id in self.old and d.state is ActionState.DISPATCHED]
        if not left and not self.settled.is_set():
            self.settled.set()
            self.say(f"settled {time.perf_counter() - self.began:.4f}")

    async def allow(self, action_id: str) -> None:
        while self.session.transcript.deed(action_id).state is ActionState.WAITING:
            try:
                await self.session.decide(action_id, Outcome.ALLOW)
            except TransitionRefused:
                await asyncio.sleep(0)  # it is just being asked again; so is the person
            except LedgerError as error:
                self.refusal = error
                self.rested.set()
                return
            else:
                self.say(f"decided {action_id}")

    async def act(self, turns: int) -> None:
        self.old = {d.id for d in self.deeds() if d.state is ActionState.DISPATCHED}
        self.look()
        for deed in self.session.transcript.waiting:
            self.start(self.allow(deed.id))
        await self.settled.wait()
        for _ in range(turns):
            if self.session.transcript.turn_id:
                await self.rest()
            self.rested.clear()
            text = new_id()
            await self.session.send(text)
            self.say(f"sent {text}")
            await self.rest()

    async def rest(self) -> None:
        """Wait until the agent rests. Raises LedgerError when it never will."""
        await self.rested.wait()
        if self.refusal is not None:
            raise self.refusal


# --- lives and deaths


@dataclass
class Told:
    """What a life said before its end."""

    decided: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    settled: list[float] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    refused: str = ""
    """The ledger's sentence that ended it early."""
    over: bool = False
    stuck: bool = False
    """True when it went on for LONGEST_LIFE seconds, which none should."""

    def take(self, lines: str) -> None:
        for line in lines.splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "decided":
                    self.decided.append(rest)
                case "sent":
                    self.sent.append(rest)
                case "settled":
                    self.settled.append(float(rest))
                case "point":
                    self.points.append(rest)
                case "refused":
                    self.refused = rest
                case "over":
                    self.over = True


def one_life(
    world: World,
    *,
    seconds: float | None = None,
    point: str = "",
    times: int = 1,
    list_points: bool = False,
    on_deadline: Callable[[int], None] | None = None,
    clock: float = 0.0,
    largest_file: int | None = None,
) -> Told:
    """Fork a life and wait for its end: killed after ``seconds``, at a point, or over.

    ``on_deadline`` gets the process's id just before it is killed for its time; ``clock`` is by
    how many seconds the life's clock is wrong; a write beyond ``largest_file`` bytes fails in it.
    """
    own_end = seconds is None
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _set_clock(clock)
        if largest_file is not None:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, hard))
        _be_born(world, theirs, point, times, list_points)
    os.close(theirs)
    told, heard = Told(), b""
    deadline = time.monotonic() + (LONGEST_LIFE if seconds is None else seconds)
    try:
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([ours], [], [], left)
            if not ready:
                told.stuck = own_end
                if on_deadline is not None:
                    on_deadline(child)
                os.kill(child, signal.SIGKILL)
                deadline += LONGEST_LIFE
                continue
            piece = os.read(ours, 65_536)
            if not piece:
                break
            heard += piece
    finally:
        os.close(ours)
        os.waitpid(child, 0)
    told.take(heard.decode())
    return told


def _set_clock(ahead: float) -> None:
    """In the child: every look at the wall clock from now on is wrong by so much."""
    if ahead:
        right = time.time
        time.time = lambda: right() + ahead


def _be_born(world: World, pipe: int, point: str, times: int, list_points: bool) -> None:
    """In the child: live, and leave without a trace of the parent's."""
    status = 1
    try:
        logging.disable()

        def say(line: str) -> None:
            os.write(pipe, f"{line}\n".encode())

        if list_points:
            failpoints.hook(lambda reached: say(f"point {reached}"))
        elif point:
            failpoints.hook(failpoints.killer(point, times))
        try:
            asyncio.run(live(world, say))
        except LedgerError as error:
            say(f"refused {error.sentence}")
        status = 0
    finally:
        os._exit(status)
