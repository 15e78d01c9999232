"""The way out of one box: the program inside, the proxy, and ports that lead back in."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.network import BoxPort, Doorkeeper
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.sandbox.egress.dialing import Dialler
from pocketcoder_tui.sandbox.egress.mux import Far, Mux
from pocketcoder_tui.sandbox.egress.proxy import Proxy
from pocketcoder_tui.sandbox.flags import PROXY_PORT

__all__ = ["BoxGateway", "open_gateway"]

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16
_NO_PYTHON = 127
_LOOK = 'command -v python3 >/dev/null && exec python3 -I -S -u -c "$1" "$2"; exit 127'


async def open_gateway(
    box: Box, doorkeeper: Doorkeeper, dialler: Dialler | None = None
) -> "BoxGateway":
    """Start the program in the box. Raises SandboxError when it cannot work there."""
    source = await asyncio.to_thread(_source)
    stream = await box.open(["sh", "-c", _LOOK, "sh", source, str(PROXY_PORT)])
    gateway = BoxGateway(doorkeeper, dialler or Dialler())
    gateway.mux = Mux(stream, gateway.take)
    try:
        await gateway.mux.begin()
    except BaseException as error:
        await gateway.aclose()
        if isinstance(error, SandboxError) and not await _has_python(box):
            raise SandboxError(
                "The box's image has no python3, so nothing in it can reach the network.",
                hint="Add it to the image.",
            ) from error
        raise
    return gateway


async def _has_python(box: Box) -> bool:
    found = await box.exec(["sh", "-c", "command -v python3"], limit=1_000)
    return found.status == 0


def _source() -> str:
    return (Path(__file__).parent / "inside.py").read_text(encoding="utf-8")


class BoxGateway:
    """Implements core's Gateway. Owns the stream, every connection and the forwarded ports."""

    mux: Mux
    """Set before anything else is asked."""

    def __init__(self, doorkeeper: Doorkeeper, dialler: Dialler) -> None:
        self._proxy = Proxy(doorkeeper, dialler)
        self._tasks: set[asyncio.Task[None]] = set()
        self._forwards: dict[int, _Forward] = {}

    def take(self, far: Far) -> None:
        """A program in the box connected to the proxy."""
        task = asyncio.create_task(self._proxy.serve(far), name="egress")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ports(self) -> Sequence[BoxPort]:
        """See Gateway."""
        told = await self.mux.ports()
        found = {number: BoxPort(number, name, self._leads(number)) for number, name in told}
        for number, forward in self._forwards.items():
            found.setdefault(number, BoxPort(number, "", forward.port))
        return [found[number] for number in sorted(found)]

    async def forward(self, number: int) -> BoxPort:
        """See Gateway. The same port of this machine if it is free, else another one."""
        if number not in self._forwards:
            self._forwards[number] = await _Forward.start(self.mux, number)
        return BoxPort(number, "", self._leads(number))

    async def unforward(self, number: int) -> None:
        """See Gateway."""
        forward = self._forwards.pop(number, None)
        if forward is not None:
            await forward.aclose()

    def cut(self, connection_id: str) -> tuple[int, int]:
        """See Gateway."""
        return self._proxy.cut(connection_id)

    async def lost(self) -> str:
        """See Gateway."""
        return await asyncio.shield(self.mux.gone)

    async def aclose(self) -> None:
        """See Gateway."""
        for number in tuple(self._forwards):
            await self.unforward(number)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.mux.aclose()

    def _leads(self, number: int) -> int:
        forward = self._forwards.get(number)
        return forward.port if forward is not None else 0


class _Forward:
    """A port of this machine's loopback that leads to one in the box."""

    def __init__(self, mux: Mux, number: int) -> None:
        self._mux = mux
        self._number = number
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @classmethod
    async def start(cls, mux: Mux, number: int) -> "_Forward":
        """Listen. Raises SandboxError."""
        made = cls(mux, number)
        for wanted in (number if number >= 1024 else 0, 0):
            with contextlib.suppress(OSError):
                made._server = await asyncio.start_server(made._serve, LOOPBACK, wanted)
                made.port = made._server.sockets[0].getsockname()[1]
                return made
        raise SandboxError("No port of this machine's loopback can be had.")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far: Far | None = None
        try:
            far = await self._mux.connect(self._number)
            async with asyncio.TaskGroup() as both:
                both.create_task(_into(reader, far))
                both.create_task(_out_of(far, writer))
        except* OSError:
            pass  # either side may hang up at any moment
        finally:
            self._tasks.discard(task)
            if far is not None:
                far.close()
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort()

    async def aclose(self) -> None:
        """Listen no more, and end what goes over it."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _into(reader: asyncio.StreamReader, far: Far) -> None:
    while data := await reader.read(_CHUNK):
        await far.write(data)
    far.end()


async def _out_of(far: Far, writer: asyncio.StreamWriter) -> None:
    while data := await far.read():
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
    await writer.drain()
