"""The door: a listener on the host's loopback, who is in, and who is put out."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Collection
from pathlib import Path

from pocketcoder_tui.core.errors import ContainerGone, PocketCoderError, SandboxError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.hatch import Hatch
from pocketcoder_tui.sandbox.ssh.hostkey import host_key
from pocketcoder_tui.sandbox.ssh.serving import HOST_KEY, KEYS, authorized_keys, sshd_argv
from pocketcoder_tui.sandbox.ssh.visit import Visit
from pocketcoder_tui.sandbox.wires import Wire

__all__ = ["ADDRESS", "MOST", "MOST_STRANGERS", "SshDoor"]

ADDRESS = "127.0.0.1"
"""Where it listens: this machine's own programs reach it, and nobody else."""
MOST = 16
"""Visits at once."""
MOST_STRANGERS = 4
"""Of them, those who have not come in yet."""

log = logging.getLogger(__name__)


class SshDoor:
    """Owns the listener and the visits, from ``start`` to ``aclose``; borrows the box.

    All of it lives on the event loop.
    """

    def __init__(
        self,
        port: int,
        *,
        hatch: Hatch,
        key_file: Path,
        box: Callable[[], DockerBox | None],
        came_in: Callable[[KeptKey], None],
    ) -> None:
        """``port`` 0 takes any; ``hatch`` is the folder that the box was made with; ``key_file``
        is where the host key is kept; ``box`` tells the running one; ``came_in`` is called with
        the key of each visit, as the box tells it.
        """
        self._port = port
        self._hatch = hatch
        self._key_file = key_file
        self._box = box
        self._came_in = came_in
        self._keys: dict[str, KeptKey] = {}
        """Who may come in, by fingerprint."""
        self._visits: dict[Visit, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._host_key = b""
        self._fingerprint = ""
        self._why = "It was not opened yet."
        self._closed = False

    @property
    def state(self) -> DoorState:
        """How it stands."""
        listens = f"{ADDRESS}:{self.port}" if self._server is not None else ""
        inside = sum(1 for visit in self._visits if visit.fingerprint)
        return DoorState(listens, "" if listens else self._why, self._fingerprint, inside)

    @property
    def port(self) -> int:
        """The port that is listened at; 0 while none is."""
        if self._server is None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises SandboxError when the port is taken or there is no host key."""
        try:
            self._host_key, self._fingerprint = await asyncio.to_thread(host_key, self._key_file)
            if self._closed:
                return
            server = await asyncio.start_server(
                self._serve, ADDRESS, self._port, family=socket.AF_INET, limit=1 << 16
            )
        except OSError as error:
            self._why = f"Nobody can come in over SSH: port {self._port} of {ADDRESS} is taken."
            raise SandboxError(
                self._why, hint="Another workspace may have it; the setting ssh_port takes another."
            ) from error
        except SandboxError as error:
            self._why = error.sentence
            raise
        if self._closed:
            server.close()
        else:
            self._server = server

    async def admit(self, keys: Collection[KeptKey]) -> None:
        """Let in these keys' owners and nobody else, from this moment on.

        Whoever is in by another key is put out, and so is who is only coming in: it is not known
        by which list. The list in the box is written anew; where that fails, nobody new gets in.
        """
        before, self._keys = self._keys, {key.fingerprint: key for key in keys}
        gone = before.keys() - self._keys.keys()
        for visit in tuple(self._visits):
            if visit.fingerprint not in self._keys and (visit.fingerprint or gone):
                self._end(visit)
        try:
            self._hand_in()
        except SandboxError as error:
            log.info("the list of keys waits for a box: %s", error.sentence)

    async def aclose(self) -> None:
        """Stop listening and put everybody out; twice is harmless."""
        self._closed = True
        self._why = "It is closed."
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = tuple(self._visits.values())
        for visit in tuple(self._visits):
            self._end(visit)
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in (KEYS, HOST_KEY):
            self._hatch.remove(name)
        if server is not None:
            await server.wait_closed()

    def _end(self, visit: Visit) -> None:
        visit.hang_up()
        self._visits[visit].cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of the server's runs in a task of its own
        if self._closed or not self._room():
            writer.transport.abort()
            return
        visit = Visit(reader, writer, open_wire=self._open_wire, on_key=self._on_key)
        self._visits[visit] = task
        try:
            await visit.serve()
        except PocketCoderError as error:
            log.warning("a visit over SSH failed: %s", error.sentence)
        except asyncio.CancelledError:
            log.info("a visit over SSH was ended")  # by admit or aclose; the task ends with it
        finally:
            del self._visits[visit]
            writer.transport.abort()

    def _room(self) -> bool:
        """Whether one more may try to come in."""
        strangers = sum(1 for visit in self._visits if not visit.fingerprint)
        return bool(self._keys) and len(self._visits) < MOST and strangers < MOST_STRANGERS

    async def _open_wire(self) -> Wire:
        box = self._box()
        if box is None:
            raise ContainerGone("Somebody came in over SSH while the box does not run.")
        self._hand_in()
        return await box.open_wire(sshd_argv())

    def _hand_in(self) -> None:
        """Write the list and the host key where the box reads them; each start of it clears them.

        Raises SandboxError.
        """
        self._hatch.replace(KEYS, authorized_keys(self._keys.values()))
        self._hatch.replace(HOST_KEY, self._host_key)

    def _on_key(self, visit: Visit, fingerprint: str) -> bool:
        """Whether a key that is said to have come in may be in."""
        key = self._keys.get(fingerprint)
        if key is None or self._visits.get(visit) is None:
            return False
        with contextlib.suppress(PocketCoderError):
            self._came_in(key)
        return True
