"""The running container, as core's Box port: programs in it, by Docker's exec."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import docker

from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.core.ports import ByteStream, Drop, ExecResult
from pocketcoder_tui.sandbox.faults import translated
from pocketcoder_tui.sandbox.flags import WORKSPACE
from pocketcoder_tui.sandbox.frames import STDERR, STDOUT, FrameReader
from pocketcoder_tui.sandbox.hatch import Hatch
from pocketcoder_tui.sandbox.pipes import PipeStream, through_pipes
from pocketcoder_tui.sandbox.stream import ExecStream, open_wire
from pocketcoder_tui.sandbox.threads import Engine
from pocketcoder_tui.sandbox.wires import Wire

__all__ = ["DockerBox"]

Heard = Callable[[bytes], None] | None
_TOLD = b"\0"
_SPARE = r"""
printf '\0'
IFS= read -r number && mapfile -d '' -t -n "$number" words && exec "${words[@]}"
"""
"""For bash, which reads no more of a pipe than it is asked for: becomes what it is told."""
_KILLED = 128 + 9
"""The status of a program that SIGKILL ended, as everything does when its container dies."""


class DockerBox:
    """One running container. Borrows the connection; owns the process that ``look`` kept."""

    def __init__(
        self,
        engine: Engine,
        *,
        id: str,
        name: str,
        user: str,
        started: float,
        hatch: Hatch | None = None,
    ) -> None:
        """``hatch``: the folder that the container was made with; None when it has none."""
        self._engine = engine
        self._hatch = hatch
        self._through = False
        self._spare: PipeStream | None = None
        self._folder = 0
        """The hatch that it came through, by its number."""
        self._id = id
        self._name = name
        self._user = user
        self._started = started

    @property
    def id(self) -> str:
        """The container's full id."""
        return self._id

    @property
    def name(self) -> str:
        """The container's name."""
        return self._name

    @property
    def user(self) -> str:
        """Who programs run as, ``uid:gid``."""
        return self._user

    @property
    def started(self) -> float:
        """Unix seconds of the container's last start."""
        return self._started

    @property
    def drop(self) -> Drop | None:
        """The folder for files, once a program was seen to have it."""
        return self._hatch if self._through else None

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limit: int = 4_000_000,
        heard: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        """Run a program as the box's user in /workspace with the box's environment.

        ``limit`` is in bytes for each of stdout and stderr; the program is never held up by it.
        ``heard`` is given every piece of stderr as it comes. Raises ContainerGone or SandboxError.
        """
        result = await self._run(argv, stdin, limit, heard)
        if result.status == _KILLED and not await self._lives():
            raise ContainerGone("The box was stopped while it was in use.")
        return result

    async def open(self, argv: Sequence[str]) -> ByteStream:
        """Start a program with its input and output held open, no TTY.

        Raises ContainerGone or SandboxError.
        """
        if self._hatch is not None:
            stream = await self._open_spare(argv) or await self._open_pipes(self._hatch, argv)
            self._through = stream is not None
            if stream is not None:
                return stream
        return await self.open_exec(argv)

    async def open_exec(self, argv: Sequence[str]) -> ByteStream:
        """The same over the engine's own stream, which works with every engine and runtime."""
        return ExecStream(await open_wire(self._engine, await self._create(argv, True)))

    async def open_wire(self, argv: Sequence[str]) -> Wire:
        """The same, raw: both outputs in the engine's frames, for who must tell them apart."""
        return await open_wire(self._engine, await self._create(argv, True))

    async def look(self, script: str, *words: str) -> str | None:
        """Run a script of bash's, return what it prints, and keep its process for ``open``.

        A start takes 50 ms, and this is one for both. For a box in which nothing of the agent's
        runs yet. None when it cannot be done this way. Raises ContainerGone or SandboxError.
        """
        if self._hatch is None:
            return None
        argv = ["bash", "-c", f"({script}\n) </dev/null || exit\n{_SPARE}", *words]
        stream = await self._open_pipes(self._hatch, argv)
        if stream is None:
            return None
        try:
            told = await stream.until(_TOLD)
        except BaseException:
            await stream.aclose()
            raise
        if told is None:
            await stream.aclose()
            return None
        self._spare, self._folder = stream, self._hatch.number
        return told.decode("utf-8", "replace")

    async def aclose(self) -> None:
        """End the process that was kept, if nobody asked for it."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.aclose()

    async def _open_spare(self, argv: Sequence[str]) -> PipeStream | None:
        """What was kept becomes this; None without, or when it has ended."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        words = "".join(f"{word}\0" for word in argv)
        if self._hatch is None or self._hatch.number != self._folder:
            await spare.aclose()
            return None
        try:
            await spare.write(f"{len(argv)}\n{words}".encode())
        except ContainerGone:
            await spare.aclose()
            return None
        return spare

    async def _open_pipes(self, hatch: Hatch, argv: Sequence[str]) -> PipeStream | None:
        """The program on pipes; None when it cannot have them here."""
        pair = hatch.open_pipes()
        try:
            made = await self._create(through_pipes(pair, argv), False)
            stream = PipeStream(pair, await open_wire(self._engine, made))
        except BaseException:
            pair.close()
            hatch.forget(pair)
            raise
        try:
            greeted = await stream.greeted(hatch)
        except BaseException:
            await stream.aclose()
            raise
        if greeted:
            return stream
        hatch.forget(pair)
        await stream.aclose()
        return None

    async def _run(
        self, argv: Sequence[str], stdin: bytes, limit: int, heard: Heard = None
    ) -> ExecResult:
        if stdin and not (await self._engine.plain()):
            # TLS cannot close one direction alone, so the end of the input is counted instead.
            argv = ["sh", "-c", 'head -c "$0" | "$@"', str(len(stdin)), *argv]
        exec_id = await self._create(argv, bool(stdin))
        outputs = {STDOUT: _Kept(limit), STDERR: _Kept(limit)}
        async with AsyncExitStack() as stack:
            wire = await open_wire(self._engine, exec_id)
            stack.push_async_callback(wire.aclose)
            feeding = asyncio.create_task(_feed(wire, stdin))
            stack.callback(feeding.cancel)
            frames = FrameReader()
            while data := await wire.read():
                for stream, piece in frames.feed(data):
                    outputs.get(stream, outputs[STDERR]).add(piece)
                    if heard is not None and stream == STDERR:
                        heard(piece)
        status = await self._status(exec_id)
        out, err = outputs[STDOUT], outputs[STDERR]
        return ExecResult(status, out.bytes(), err.bytes(), out.over or err.over)

    async def _lives(self) -> bool:
        """Whether a program killed in the box was killed alone.

        The engine reports the programs' ends before the container's, so a program is started to
        see: there is no container to start one in when its first process is gone.
        """
        try:
            done = await self._run(["true"], b"", 0)
            facts = await self._engine.call("look at the box", "inspect_container", self._id)
        except ContainerGone:
            return False
        return done.status == 0 and bool(facts["State"]["Running"])

    async def _create(self, argv: Sequence[str], stdin: bool) -> str:
        made = await self._engine.call(
            "start a program in the box", "exec_create", self._id, list(argv),
            stdin=stdin, tty=False, user=self._user, workdir=WORKSPACE,
        )  # fmt: skip
        return str(made["Id"])

    async def _status(self, exec_id: str) -> int:
        """The exit status of an exec whose output has ended.

        A program may close its output and go on, and the engine may be a moment behind: then its
        event log is followed, which brings events of the past too. Raises ContainerGone.
        """
        facts = await self._engine.call("ask for a status", "exec_inspect", exec_id)
        if facts["Running"] or facts["ExitCode"] is None:
            api = await self._engine.api()
            return await self._engine.run(_wait_for_end, api, self._id, exec_id, self._started)
        return int(facts["ExitCode"])


class _Kept:
    """The first bytes of an output, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self.over = False

    def add(self, piece: bytes) -> None:
        room = self._limit - self._size
        self.over = self.over or len(piece) > room
        if room > 0:
            self._pieces.append(piece[:room])
            self._size += len(self._pieces[-1])

    def bytes(self) -> bytes:
        return b"".join(self._pieces)


async def _feed(wire: Wire, data: bytes) -> None:
    """Send a program its whole input. One that ends without reading it all is no failure."""
    try:
        if data:
            await wire.write(data)
            wire.end_input()
    except ContainerGone:
        pass


def _wait_for_end(api: docker.APIClient, container: str, exec_id: str, since: float) -> int:
    """Follow the engine's events until an exec or its container ends. Blocking."""
    wanted = {"container": container, "event": ["exec_die", "die"]}
    with translated("wait for a program's end"):
        events = api.events(since=int(since), filters=wanted, decode=True)
        try:
            for event in events:
                facts: dict[str, Any] = event.get("Actor", {}).get("Attributes", {})
                if event.get("status") == "die":
                    raise ContainerGone("The box was stopped while it was in use.")
                if facts.get("execID") == exec_id:
                    return int(facts.get("exitCode", -1))
        finally:
            events.close()
    raise ContainerGone("Docker ended its event log.")
