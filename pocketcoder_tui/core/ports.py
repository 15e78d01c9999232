"""What the engine needs from each outside world but the terminal (core/terminal.py).

The rooms implement these; the engine picks.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pocketcoder_tui.core.audit import AuditNote
from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.keys import KeyShelf
from pocketcoder_tui.core.model import ModelRequest, OfferedModel, ReplyFinished, ReplyPart
from pocketcoder_tui.core.rules import RuleShelf
from pocketcoder_tui.core.shelf import Shelf

# --- the model


class Model(Protocol):
    """One model service."""

    @property
    def provider(self) -> str:
        """Short name; parts made by it go back verbatim only to the same one."""

    @property
    def label(self) -> str:
        """What the status line shows."""

    @property
    def name(self) -> str:
        """The model's name in requests."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ReplyPart | ReplyFinished]:
        """Ask once. Yields parts as they come and ends with one ReplyFinished.

        Raises ModelError subclasses. Nothing is retried here. Closing the iterator ends the call.
        """

    async def aclose(self) -> None:
        """Let go of connections."""


class Service(Model, Protocol):
    """A model whose service tells which others it has."""

    async def offered(self) -> Sequence[OfferedModel]:
        """The service's list of this moment. Raises ModelError subclasses."""


# --- the ledger


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session in a list."""

    id: str
    title: str
    started: float
    changed: float
    """Unix seconds of the last event."""
    turns: int
    open_actions: int
    archived: bool = False
    actions: int = 0
    """All of them, inherited ones too."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Some events of a session, in order."""

    events: Sequence[Durable]
    begins: int
    """Where they begin; 0 when nothing precedes them."""


class Ledger(Protocol):
    """The one place that remembers. Reading works at once; writing waits for ``verified``."""

    async def verified(self) -> None:
        """Return when everything that is in the ledger was checked.

        Raises LedgerDamaged when something is not as it was written; then nothing is written.
        """

    async def record(self, session_id: str, *events: Durable) -> None:
        """Append events in one durable transaction, and move the actions they are about.

        Raises TransitionRefused when an action's life does not allow the step, LedgerError when
        the disk or the file fails; in both cases nothing was changed.
        """

    async def note(self, note: AuditNote, session_id: str = "") -> None:
        """Add a record of its own to the audit chain, durably. Raises LedgerError."""

    async def replay(self, session_id: str) -> list[Durable]:
        """Every event of a session, in order. Raises LedgerError for an unknown session."""

    async def tail(self, session_id: str, at_least: int) -> Tail:
        """The end of a session: so many events or more, with all that they refer to.

        It begins where nothing was open; how the session began and its title stand in front.
        Raises LedgerError for an unknown session.
        """

    def past(self, session_id: str, before: int) -> AsyncGenerator[Sequence[Durable]]:
        """The events before a place that ``tail`` gave, in order, some at a time."""

    async def sessions(self, *, archived: bool = False) -> list[SessionSummary]:
        """All sessions, the last changed first; with ``archived`` also those put away."""

    @property
    def shelf(self) -> Shelf:
        """Sessions as wholes."""

    @property
    def rules(self) -> RuleShelf:
        """The person's rules."""

    @property
    def keys(self) -> KeyShelf:
        """The person's SSH keys."""

    async def aclose(self) -> None:
        """Close the file."""


# --- the box


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What one program in the box printed."""

    status: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    """True when more than the limit was printed; the rest was dropped."""


class ByteStream(Protocol):
    """A program in the box whose standard input and output are held open."""

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Hand over every piece of output on the event loop, in order, and the end once.

        Called once, soon after the stream was opened; what came before is handed over at once.
        """

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ContainerGone when the other side is gone."""

    async def aclose(self) -> None:
        """End the stream; the program sees its input close."""


class Drop(Protocol):
    """A folder of the host's that the box can read and cannot change."""

    @property
    def path(self) -> str:
        """Where it is inside."""

    def put(self, name: str, data: bytes) -> None:
        """Write a file there, or write it anew while nobody reads it. Raises SandboxError."""

    def remove(self, name: str) -> None:
        """Take a file away."""


class Box(Protocol):
    """A running sandbox container."""

    @property
    def id(self) -> str:
        """The container's full id."""

    @property
    def name(self) -> str:
        """The container's name, for `docker exec` by hand."""

    @property
    def user(self) -> str:
        """Who everything in it runs as, "uid:gid"."""

    @property
    def started(self) -> float:
        """Unix seconds of the container's last start; what was in memory before is gone."""

    @property
    def drop(self) -> Drop | None:
        """The folder for files; None where the box cannot share one with the host."""

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limit: int = 4_000_000,
        heard: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        """Run a program as the box's user in /workspace with a clean environment.

        ``limit`` is in bytes for each of stdout and stderr; ``heard`` is given every piece of
        stderr as it comes. Raises ContainerGone.
        """

    async def open(self, argv: Sequence[str]) -> ByteStream:
        """Start a program as the box's user with its input and output held open, no TTY."""
