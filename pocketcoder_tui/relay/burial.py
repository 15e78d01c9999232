"""A pane whose shell ended: seen to be dead, its status kept, a new shell started in its place."""

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.structure import Place

ENDED = b"ended"
"""The name that tmux.conf gives to the window of a shell that ended."""

AUTOPSIES = 20
"""Looks at a pane whose shell may have ended; each takes as long as a program's start."""

LOGGER = "exec /bin/bash /opt/pocketcoder/helper.bash log #{pane_pid}"
"""What a pane is piped to."""


async def autopsy(control: ControlClient, pane: str, looks: int) -> tuple[bool, int | None]:
    """Whether the pane is dead, and its status. Raises RelayError or ContainerGone."""
    form = "#{pane_dead} s#{pane_dead_status} g#{pane_dead_signal}"
    dead, status, signal = b"0", b"s", b"g"
    for _ in range(looks):
        # A child's end makes tmux collect the ends that it missed (see shell.bash).
        _, facts = await control.ask(
            line("run-shell", "true"), line("display-message", "-p", "-t", pane, form)
        )
        if not facts.ok:
            break
        dead, status, signal = facts.lines[0].split(b" ")
        if dead == b"1" and (status, signal) != (b"s", b"g"):
            break
    return dead == b"1", int(status[1:]) if status[1:].isdigit() else None


async def respawn(control: ControlClient, place: Place, cwd: str) -> None:
    """Start a new shell in the pane, where the old one was. Raises RelayError, ContainerGone."""
    pane = place.pane_id
    start = ["-c", cwd] if cwd else []
    # A new program's output is miscounted for a client that followed the old one (seen with
    # tmux 3.3a: the newest bytes stay behind); off and on takes the count anew.
    replies = await control.ask(
        line("refresh-client", "-A", f"{pane}:off"),
        line("pipe-pane", "-t", pane),
        line("respawn-pane", "-k", "-t", pane, "-e", "PC_NEW_SHELL=1", *start),
        line("refresh-client", "-A", f"{pane}:on"),
        line("pipe-pane", "-t", pane, LOGGER),
        line("rename-window", "-t", place.window_id, place.name),
    )
    if not replies[2].ok:
        raise RelayError("The shell ended, and the box's tmux did not start a new one.")


async def rename(control: ControlClient, place: Place) -> None:
    """Give the window its own name back."""
    await control.command("rename-window", "-t", place.window_id, place.name)


async def keep_log(control: ControlClient, pane: str) -> None:
    """Pipe the pane to its shell's log, unless that is so already (-o would toggle it)."""
    [piped] = await control.command("display-message", "-p", "-t", pane, "#{pane_pipe}")
    if piped != b"1":
        await control.command("pipe-pane", "-t", pane, LOGGER)
