"""libtmux's objects over the control stream: sessions, windows and panes, found and made.

libtmux is synchronous and starts a tmux program for its listings. Here ``cmd`` travels over the
stream, listings are built from ``cmd`` too, and ``tmux_bin`` names a program that does not exist:
a path of libtmux's that goes around raises TmuxCommandNotFound, and no tmux client ever runs on
the host. All of it is called from a worker thread.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from libtmux import Pane, Server, Session, Window
from libtmux.exc import LibTmuxException
from libtmux.neo import get_output_format, parse_output

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.protocol import Reply

T = TypeVar("T")

NAME = "@pocketcoder"
"""The window's option that holds the name by which the relay knows it."""

NO_TMUX = "/nonexistent/no-tmux-on-the-host"
_VERSION = "3.3a"
"""libtmux asks for the fields that this version knows; newer ones know them as well."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pane is: tmux's ids, and the name that its window has for us."""

    window_id: str
    pane_id: str
    name: str


class StreamAnswer:
    """One command's answer in the shape of libtmux's ``tmux_cmd``."""

    def __init__(self, argv: list[str], reply: Reply) -> None:
        text = [part.decode("utf-8", "backslashreplace") for part in reply.lines]
        self.cmd = argv
        self.returncode = 0 if reply.ok else 1
        self.stdout = text if reply.ok else []
        self.stderr = [] if reply.ok else text or ["tmux refused the command"]


class StreamServer(Server):
    """libtmux's server, reached over a control client that lives on an event loop."""

    def __init__(self, control: ControlClient, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(tmux_bin=NO_TMUX)
        self._control = control
        self._loop = loop

    def _wait(self, work: Coroutine[Any, Any, list[Reply]]) -> list[Reply]:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> Any:
        """Run one command over the stream. Must not be called on the loop's own thread."""
        aim = [] if target is None else ["-t", str(target)]
        argv = [cmd, *aim, *(str(arg) for arg in args)]
        [reply] = self._wait(self._control.ask(line(*argv)))
        return StreamAnswer(argv, reply)

    def rows(self, listing: str, *args: str) -> list[dict[str, Any]]:
        """A listing's rows with libtmux's own fields. Raises LibTmuxException."""
        _, form = get_output_format(listing, _VERSION)
        answer = self.cmd(listing, *args, f"-F{form}")
        if answer.stderr:
            raise LibTmuxException(answer.stderr)
        return [dict(parse_output(row, listing, _VERSION)) for row in answer.stdout]

    def session_named(self, name: str) -> Session | None:
        """Find a session."""
        rows = [row for row in self.rows("list-sessions") if row.get("session_name") == name]
        return Session(server=self, **rows[0]) if rows else None

    def pane_of(self, window: Window) -> Pane:
        """The window's first pane. Raises LibTmuxException."""
        rows = self.rows("list-panes", "-t", str(window.window_id))
        return Pane(server=self, **rows[0])


def _places(server: StreamServer, session_name: str) -> list[Place]:
    session = server.session_named(session_name)
    if session is None:
        raise RelayError("The box's tmux server lost its session.")
    found = []
    for row in server.rows("list-windows", "-t", str(session.session_id)):
        window = Window(server=server, **row)
        own = window.cmd("display-message", "-p", f"#{{{NAME}}}").stdout
        pane = server.pane_of(window)
        name = (own[0] if own else "") or str(window.window_name)
        found.append(Place(str(window.window_id), str(pane.pane_id), name))
    return found


def _make(server: StreamServer, session_name: str, name: str) -> Place:
    session = server.session_named(session_name)
    if session is None:
        raise RelayError("The box's tmux server lost its session.")
    made = session.cmd("new-window", "-d", "-P", "-F#{window_id} #{pane_id}", "-n", name)
    if made.stderr:
        raise RelayError(f"The box's tmux made no window: {made.stderr[0]}.")
    window_id, pane_id = made.stdout[0].split(" ")
    place = Place(window_id, pane_id, name)
    _name(server, place)
    return place


def _name(server: StreamServer, place: Place) -> None:
    """Write down the window's name: tmux.conf gives the window of a dead shell another one."""
    server.cmd("set-option", "-w", NAME, place.name, target=place.window_id)


async def find_windows(control: ControlClient, session: str, first: str) -> list[Place]:
    """Every window of the session and its pane; one named ``first`` is among them.

    Raises RelayError.
    """
    server = StreamServer(control, asyncio.get_running_loop())

    def work() -> list[Place]:
        places = _places(server, session)
        if not any(place.name == first for place in places):
            places.append(_make(server, session, first))
        return places

    return await _in_thread(work)


async def make_window(control: ControlClient, session: str, name: str) -> Place:
    """A new window and its pane. Raises RelayError."""
    server = StreamServer(control, asyncio.get_running_loop())
    return await _in_thread(lambda: _make(server, session, name))


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except LibTmuxException as error:
        raise RelayError(f"The box's tmux did not list its windows: {error}.") from error
