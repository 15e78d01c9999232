"""The way out for tests: a door that says what a test wants, names that lead to servers of the
test's own, and a stream whose other side is the test."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.core.network import Refused
from pocketcoder_tui.sandbox import egress
from pocketcoder_tui.sandbox.egress.dialing import Dialler, Outside

INSIDE = Path(egress.__file__).with_name("inside.py")


class Door:
    """A Doorkeeper: allows all but what is in ``denied``, and keeps account."""

    def __init__(self) -> None:
        self.denied: dict[str, str] = {}
        self.asked: list[tuple[str, int]] = []
        self.open: dict[str, tuple[str, int, str]] = {}
        self.over: list[tuple[str, int, int, str]] = []
        """Host, bytes sent, bytes received, error."""
        self.failures: list[tuple[str, str]] = []
        self.away: list[tuple[str, str]] = []
        self.wait: asyncio.Event | None = None
        """Decided once this is set."""
        self.left = 0
        """Askers that hung up while they waited."""
        self.past = False
        """True: what was decided does not hold any more when it is used."""
        self._news = asyncio.Event()

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait for a fact of this account."""
        async with asyncio.timeout(20):
            while not fact():
                self._news.clear()
                await self._news.wait()

    async def admit(self, host: str, port: int) -> str:
        self.asked.append((host, port))
        self._news.set()
        if self.wait is not None:
            try:
                await self.wait.wait()
            except asyncio.CancelledError:
                self.left += 1
                self._news.set()
                raise
        if host in self.denied:
            raise Refused(self.denied[host])
        return f"action {host}"

    async def opened(self, action_id: str, host: str, port: int, address: str) -> str:
        if self.past:
            raise Refused("It is past.")
        connection_id = f"c{len(self.open) + len(self.over)}"
        self.open[connection_id] = (host, port, address)
        self._news.set()
        return connection_id

    async def closed(self, connection_id: str, sent: int, received: int, error: str) -> None:
        host, _, _ = self.open.pop(connection_id)
        self.over.append((host, sent, received, error))
        self._news.set()

    async def failed(self, action_id: str, host: str, port: int, error: str) -> None:
        self.failures.append((host, error))

    async def turned_away(self, target: str, why: str) -> None:
        self.away.append((target, why))


class Book(Dialler):
    """Names with addresses of the test's own; dials a server here for an address outside."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[list[str]]] = {}
        """For a name, the answers of one lookup after the other; the last one stays."""
        self.servers: dict[tuple[str, int], int] = {}
        """The port of this machine that is meant by an address and a port."""
        self.dialled: list[str] = []

    async def answers(self, host: str, port: int) -> list[str]:
        found = self.addresses.get(host, [[]])
        return found.pop(0) if len(found) > 1 else found[0]

    async def dial(self, addresses: list[str], port: int) -> Outside:
        for address in addresses:
            self.dialled.append(address)
            if (address, port) in self.servers:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.servers[address, port]
                )
                return Outside(reader, writer, address)
        raise ConnectionError("It cannot be reached.")


class ProgramStream:
    """The near program on this machine, as the box would run it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, port: int) -> "ProgramStream":
        pipe = asyncio.subprocess.PIPE
        argv = [sys.executable, "-I", "-S", "-u", str(INSIDE), str(port)]
        return cls(await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe))

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._task = asyncio.create_task(self._read(on_data, on_end))

    async def _read(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(1 << 16):
            on_data(data)
        on_end()

    async def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            await self.process.stdin.drain()
        except ConnectionError:
            raise ContainerGone("The program ended.") from None

    async def aclose(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 10)
        if self._task is not None:
            await self._task


class HostileStream:
    """A stream whose other side is the test."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False
        self.say: Callable[[bytes], None]
        self.end: Callable[[], None]
        self.news = asyncio.Event()

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.say, self.end = on_data, on_end

    async def write(self, data: bytes) -> None:
        self.written += data
        self.news.set()

    async def aclose(self) -> None:
        self.closed = True


async def free_port() -> int:
    """A port of the loopback that nobody has now."""
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


def open_files(pid: int) -> int:
    """How many files a process of this machine holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))
