"""From an allowed name to a connection: looked up once, looked at, and dialled at what was seen.

The name is not looked up again for the connection itself, so an answer that changes between the
look and the call (DNS rebinding) changes nothing.
"""

import asyncio
import contextlib
import socket

from pocketcoder_tui.core.hosts import inner_address

__all__ = ["Dialler", "Outside"]

_LOOKUP = 15.0
_CALL = 20.0
"""Seconds for a lookup, and for all addresses of a name together."""
_AT_ONCE = 1 << 16


class Outside:
    """A connection to a host. Owns the socket."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.address = address
        """Where it leads."""

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises ConnectionError or OSError."""
        return await self._reader.read(_AT_ONCE)

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises ConnectionError or OSError."""
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """No more data goes."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.write_eof()

    def close(self) -> None:
        """Both directions are over."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.transport.abort()


class Dialler:
    """Looks names up and dials, on the host. Holds nothing."""

    async def look_up(self, host: str, port: int) -> list[str]:
        """The addresses of a name, all of them outside. Raises ConnectionError with a sentence."""
        addresses = await self.answers(host, port)
        if not addresses:
            raise ConnectionError(f"There is no address for {host}.")
        for address in addresses:
            why = inner_address(address, _own(address))
            if why:
                raise ConnectionError(f"{host} is not dialled. {why}")
        return addresses

    async def answers(self, host: str, port: int) -> list[str]:
        """What the host's resolver says of a name, as it is; nothing when there is no answer."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOKUP):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            return []
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def dial(self, addresses: list[str], port: int) -> Outside:
        """Connect to the first address that answers. Raises ConnectionError with a sentence."""
        try:
            async with asyncio.timeout(_CALL):
                for address in addresses:
                    with contextlib.suppress(OSError):
                        reader, writer = await asyncio.open_connection(
                            address, port, limit=_AT_ONCE
                        )
                        return Outside(reader, writer, address)
        except TimeoutError:
            raise ConnectionError("It does not answer.") from None
        raise ConnectionError("It cannot be reached.")


def _own(address: str) -> tuple[str, ...]:
    """The address itself when it is one of this machine's: packets to it would leave from it.

    Connecting a datagram socket sends nothing and tells which address would be used (connect(2)).
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        if str(probe.getsockname()[0]).partition("%")[0] == address.partition("%")[0]:
            return (address.partition("%")[0],)
    return ()
