"""What the engine needs from each outside world but the terminal (core/terminal.py).

The rooms implement these; the engine picks.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.core.model import ModelRequest, ReplyFinished, ReplyPart

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


class Ledger(Protocol):
    """The one place that remembers."""

    async def record(self, session_id: str, *events: Durable) -> None:
        """Append events in one durable transaction, and move the actions they are about.

        Raises TransitionRefused when an action's life does not allow the step, LedgerError when
        the disk or the file fails; in both cases nothing was changed.
        """

    async def replay(self, session_id: str) -> list[Durable]:
        """Every event of a session, in order. Raises LedgerError for an unknown session."""

    async def sessions(self) -> list[SessionSummary]:
        """All sessions, the last changed first."""

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
        self, argv: Sequence[str], *, stdin: bytes = b"", limit: int = 4_000_000
    ) -> ExecResult:
        """Run a program as the box's user in /workspace with a clean environment.

        ``limit`` is in bytes for each of stdout and stderr. Raises ContainerGone.
        """

    async def open(self, argv: Sequence[str]) -> ByteStream:
        """Start a program as the box's user with its input and output held open, no TTY."""
