"""The box's tmux server: started or found, with one control client attached to its session."""

import asyncio

from pocketcoder_tui.core.errors import PocketCoderError, RelayError
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.delivery import HOME
from pocketcoder_tui.relay.protocol import Notification, SessionChanged
from pocketcoder_tui.relay.structure import Place, find_windows

SESSION = "pocketcoder"
"""The tmux session's name."""

SOCKET = f"{HOME}/tmux.sock"
"""The server's socket, inside the box and nowhere else."""

CONFIG = "/opt/pocketcoder/tmux.conf"

PAUSE_AFTER = 5
"""Seconds that this client may lag behind before tmux drops a pane's output for it."""

READY_LIMIT = 20.0
"""Seconds within which the server must answer."""

# The files that the server writes are 0600; shell.bash gives the panes their umask back.
_START = (
    f"umask 077; mkdir -p {HOME}/in {HOME}/claims {HOME}/log {HOME}/shells && cd /workspace && "
    f'exec tmux -u -f {CONFIG} -S {SOCKET} -C new-session -A -s {SESSION} -n "$1" -x "$2" -y "$3"'
)


def attach_argv() -> tuple[str, ...]:
    """The program that a person runs inside the box, on a terminal, to sit at the same session."""
    return ("tmux", "-u", "-S", SOCKET, "attach-session", "-t", f"={SESSION}")


async def connect(box: Box, columns: int, rows: int) -> tuple[ControlClient, list[Place]]:
    """Return a control client and where the windows are, the main one among them.

    Raises RelayError or ContainerGone.
    """
    stream = await box.open(["bash", "-c", _START, "bash", MAIN_WINDOW, str(columns), str(rows)])
    control = ControlClient(stream)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_notification(notification: Notification) -> None:
        if isinstance(notification, SessionChanged) and not ready.done():
            ready.set_result(None)

    def on_gone(error: PocketCoderError) -> None:
        if not ready.done():
            ready.set_exception(error)

    control.listen(on_notification, on_gone)
    control.start()
    try:
        async with asyncio.timeout(READY_LIMIT):
            await ready
            flags = f"pause-after={PAUSE_AFTER},ignore-size"
            await control.ask(
                line("refresh-client", "-f", flags),
                line("refresh-client", "-C", f"{columns}x{rows}"),
            )
            places = await find_windows(control, SESSION, MAIN_WINDOW)
    except TimeoutError as error:
        await control.aclose()
        raise RelayError("The box's tmux server does not answer.") from error
    except BaseException:
        await control.aclose()
        raise
    return control, places
