"""The box's tmux server: started or found, with one control client attached to its session."""

import asyncio

from pocketcoder_tui.core.errors import PocketCoderError, RelayError
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.delivery import HOME
from pocketcoder_tui.relay.protocol import Notification, SessionChanged
from pocketcoder_tui.relay.structure import find_or_make

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
    f"umask 077; mkdir -p {HOME}/in {HOME}/claims {HOME}/log && cd /workspace && "
    f'exec tmux -u -f {CONFIG} -S {SOCKET} -C new-session -A -s {SESSION} -n "$1" -x "$2" -y "$3"'
)


def attach_argv() -> tuple[str, ...]:
    """The program that a person runs inside the box, on a terminal, to sit at the same session."""
    return ("tmux", "-u", "-S", SOCKET, "attach-session", "-t", f"={SESSION}")


async def connect(box: Box, window: str, columns: int, rows: int) -> tuple[ControlClient, str, str]:
    """Return a control client, the window's id and its pane's id.

    Raises RelayError or ContainerGone.
    """
    stream = await box.open(["bash", "-c", _START, "bash", window, str(columns), str(rows)])
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
            found, pane = await find_or_make(control, SESSION, window)
    except TimeoutError as error:
        await control.aclose()
        raise RelayError("The box's tmux server does not answer.") from error
    except BaseException:
        await control.aclose()
        raise
    return control, str(found.window_id), str(pane.pane_id)
