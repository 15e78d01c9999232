"""The box's way out: what is recorded of it, and the ports between gateway, engine and screen.

The box has no network. A program in it that is sent to the proxy asks for a host; the engine holds
the question until it is decided, and the gateway dials on the host.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

CONNECT = "connect"
"""The tool of an action by which a program in the box asks for a host."""


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """A connection to a host was made, under an action that allowed it."""

    connection_id: str
    action_id: str
    host: str
    port: int
    address: str
    """What the name was at that moment."""
    at: float
    kind: Literal["connection_opened"] = "connection_opened"


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """A connection is over, or was never made."""

    connection_id: str
    action_id: str
    host: str
    port: int
    sent: int
    """Bytes from the box to the host."""
    received: int
    """Bytes from the host to the box."""
    seconds: float
    error: str
    """Why it failed, one sentence; empty when it ended well."""
    at: float
    kind: Literal["connection_closed"] = "connection_closed"


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """A program in the box asked for what nobody can be asked about."""

    target: str
    """What it asked for, untrusted, at most 300 characters."""
    why: str
    at: float
    kind: Literal["connection_refused"] = "connection_refused"


NetworkEvent = ConnectionOpened | ConnectionClosed | ConnectionRefused


@dataclass(frozen=True, slots=True)
class BoxPort:
    """A port on which a program in the box waits for connections."""

    number: int
    program: str
    """Its name, untrusted; empty when it cannot be told."""
    forwarded: int = 0
    """The port of this machine's loopback that leads there; 0 for none."""


class Refused(Exception):
    """The connection is not made; the text is for the program that asked."""


class Doorkeeper(Protocol):
    """Says who may go out, and keeps account. The engine's side."""

    async def admit(self, host: str, port: int) -> str:
        """Wait until the host is decided about; returns the action that allows it.

        Cancelling says that nobody waits any more. Raises Refused.
        """

    async def opened(self, action_id: str, host: str, port: int, address: str) -> str:
        """Record a connection; returns its id. Raises Refused when it is not allowed any more."""

    async def closed(self, connection_id: str, sent: int, received: int, error: str) -> None:
        """Record its end."""

    async def failed(self, action_id: str, host: str, port: int, error: str) -> None:
        """Record one that could not be made."""

    async def turned_away(self, target: str, why: str) -> None:
        """Record what nobody can be asked about."""


class Gateway(Protocol):
    """The way out of one box, and into its ports."""

    async def ports(self) -> Sequence[BoxPort]:
        """Where programs in the box wait for connections. Raises SandboxError."""

    async def forward(self, number: int) -> BoxPort:
        """Let a port of this machine's loopback lead to one in the box. Raises SandboxError."""

    async def unforward(self, number: int) -> None:
        """End that, with the connections over it."""

    def cut(self, connection_id: str) -> tuple[int, int]:
        """End a connection at once; returns the bytes that went to the host and came from it."""

    async def lost(self) -> str:
        """Return when there is no way out any more, with the reason."""

    async def aclose(self) -> None:
        """End everything: connections, forwarded ports, the program in the box."""
