"""A caller's side of the control socket, without an event loop: a command of the shell's."""

import os
import socket
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from pocketcoder_tui.control.protocol import (
    LINE_LIMIT,
    ControlError,
    NobodyWorks,
    checked_answer,
    decode,
    encode,
    request,
)

NOBODY = "No pocketcoder works in this folder."
_SECONDS = 10.0
"""How long one answer is waited for; a stream of them is followed for ever."""


def ask(path: Path, name: str, **fields: object) -> dict[str, Any]:
    """Ask for one answer. Raises ControlError: nobody works there, or it said no."""
    with closing(_Line(path, _SECONDS)) as line:
        line.send(encode(request(name, **fields)))
        answer = line.receive()
    if answer is None:
        raise ControlError("The pocketcoder that works there hung up.")
    return checked_answer(answer)


def follow(path: Path, name: str, **fields: object) -> Generator[dict[str, Any], None, None]:
    """Yield answers until the other side ends. Raises ControlError."""
    with closing(_Line(path, None)) as line:
        line.send(encode(request(name, **fields)))
        while (answer := line.receive()) is not None:
            yield checked_answer(answer)


class _Line:
    """One connection, read line by line. Owns the socket."""

    def __init__(self, path: Path, seconds: float | None) -> None:
        self._socket = connected(path)
        self._socket.settimeout(seconds)
        self._file = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send all of it. Raises ControlError."""
        try:
            self._socket.sendall(data)
        except BrokenPipeError:
            return  # it was refused at the door; why is there to be received
        except OSError as error:
            raise ControlError("The pocketcoder that works there hung up.") from error

    def receive(self) -> dict[str, Any] | None:
        """The next answer; None at the end. Raises ControlError."""
        try:
            line = self._file.readline(LINE_LIMIT)
        except TimeoutError as error:
            raise ControlError(
                "The pocketcoder that works there does not answer.",
                hint="Look at its screen before you ask again.",
            ) from error
        except OSError as error:
            raise ControlError("The pocketcoder that works there hung up.") from error
        return decode(line) if line else None

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def connected(path: Path) -> socket.socket:
    """Connect to the program that works. Raises ControlError.

    The socket is in a folder of the person's own, which nobody else can put one into. A
    program that does not take the connection is given up after a while.
    """
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            caller.settimeout(_SECONDS)
            caller.connect(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        caller.close()
        raise NobodyWorks(NOBODY, hint="Start one there: pocketcoder FOLDER.") from error
    except OSError as error:
        caller.close()
        why = f"The control socket {path} cannot be used: {error.strerror or error}."
        raise ControlError(why) from error
    return caller
