"""One control-mode client over one byte stream: commands out, replies and notifications in."""

import asyncio
import re
from collections import deque
from collections.abc import Callable

from pocketcoder_tui.core.errors import PocketCoderError, RelayError
from pocketcoder_tui.core.ports import ByteStream
from pocketcoder_tui.relay.protocol import ControlParser, Exit, Notification, Reply

_SPECIAL = re.compile(rb'[\x00-\x1f\x7f"\\$~#;{}%]')
ANSWER_LIMIT = 30.0
"""Seconds within which the server must answer; what it is asked takes milliseconds."""
SILENT = "The box's tmux server does not answer any more."
STREAM_ENDED = "The connection to the box's terminal ended."


def quote(argument: str | bytes) -> bytes:
    """Write one argument for tmux's command parser, byte for byte.

    Double quotes with three-digit octal escapes, which the parser takes for any byte but NUL
    (tmux(1), PARSING SYNTAX). Raises ValueError for NUL.
    """
    data = argument.encode() if isinstance(argument, str) else argument
    if b"\0" in data:
        raise ValueError("tmux arguments cannot hold a NUL byte")
    return b'"%s"' % _SPECIAL.sub(lambda m: b"\\%03o" % m[0][0], data)


def line(*arguments: str | bytes) -> bytes:
    """Write a whole command with its newline."""
    return b" ".join(map(quote, arguments)) + b"\n"


class ControlClient:
    """Owns the stream. Use ``start`` and ``aclose``."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._parser = ControlParser()
        self._waiting: deque[Callable[[Reply], None]] = deque()
        self._listeners: list[Callable[[Notification], None]] = []
        self._closers: list[Callable[[PocketCoderError], None]] = []
        self._futures: set[asyncio.Future[Reply]] = set()
        self._writing = asyncio.Lock()
        self.gone: PocketCoderError | None = None
        """Why no command can be sent any more; None while the stream is up."""
        self._down = asyncio.Event()

    def start(self) -> None:
        """Begin to read."""
        self._stream.follow(self._take_all, lambda: self._fail(RelayError(STREAM_ENDED)))

    def listen(
        self,
        on_notification: Callable[[Notification], None],
        on_gone: Callable[[PocketCoderError], None],
    ) -> None:
        """Call back on the loop, in the stream's order, and once when the stream is gone."""
        self._listeners.append(on_notification)
        self._closers.append(on_gone)

    async def post(self, commands: bytes, *on_reply: Callable[[Reply], None]) -> None:
        """Write command lines at once; each reply goes to its callback, on the loop.

        One callback for each line. Raises RelayError or ContainerGone.
        """
        async with self._writing:
            if self.gone is not None:
                raise self.gone
            self._waiting.extend(on_reply)
            try:
                await self._stream.write(commands)
            except PocketCoderError as error:
                self._fail(error)
                raise

    async def ask(self, *commands: bytes) -> list[Reply]:
        """Write command lines at once and wait for all replies, failed ones included.

        Raises RelayError or ContainerGone. A server that does not answer is given up: tmux 3.3a
        answers nothing more once a process that a command needs could not be started.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Reply]] = [loop.create_future() for _ in commands]
        self._futures.update(futures)
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                await self.post(b"".join(commands), *(_settle(future) for future in futures))
                return [await future for future in futures]
        except TimeoutError:
            self._fail(RelayError(SILENT))
            raise RelayError(SILENT) from None
        finally:
            self._futures.difference_update(futures)

    async def command(self, *arguments: str | bytes) -> tuple[bytes, ...]:
        """Run one tmux command. Raises RelayError with tmux's words when it fails."""
        [reply] = await self.ask(line(*arguments))
        if not reply.ok:
            said = b" ".join(reply.lines).decode("utf-8", "replace")
            raise RelayError(f"The box's tmux refused a command: {said}.")
        return reply.lines

    def _take_all(self, data: bytes) -> None:
        for notification in self._parser.feed(data):
            self._take(notification)

    def _take(self, notification: Notification) -> None:
        match notification:
            case Reply(ours=True):
                if self._waiting:
                    self._waiting.popleft()(notification)
            case Exit():
                self._fail(RelayError("The box's tmux server closed the connection."))
            case _:
                for listener in self._listeners:
                    listener(notification)

    def _fail(self, error: PocketCoderError) -> None:
        if self.gone is not None:
            return
        self.gone = error
        self._down.set()
        self._waiting.clear()
        for future in self._futures:
            if not future.done():
                future.set_exception(error)
                # Whoever asked may have been cancelled; then nobody reads the exception.
                future.exception()
        for closer in self._closers:
            closer(error)

    async def lost(self) -> str:
        """Wait until the stream is gone; returns why."""
        await self._down.wait()
        return self.gone.sentence if self.gone is not None else STREAM_ENDED

    async def aclose(self) -> None:
        """Let go of the stream; the server and its panes go on."""
        self._fail(RelayError("The connection to the box's terminal was closed."))
        await self._stream.aclose()


def _settle(future: asyncio.Future[Reply]) -> Callable[[Reply], None]:
    def settle(reply: Reply) -> None:
        if not future.done():
            future.set_result(reply)

    return settle


async def read_buffer(control: ControlClient, path: str) -> bytes | None:
    """Read a small file of the box over the stream, as show-buffer prints it; None without one."""
    name = "pocketcoder-read"
    # Without a file load-buffer leaves the buffer as it is and says nothing (tmux 3.3a).
    replies = await control.ask(
        line("delete-buffer", "-b", name),
        line("load-buffer", "-b", name, path),
        line("show-buffer", "-b", name),
    )
    return b"\n".join(replies[2].lines) if replies[2].ok else None
