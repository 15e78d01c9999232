"""What the box remembers of an action: its claim, and the pane's log.

A claim is a file of lines that end in `` .``, so a line that was cut short does not count:
``start TIME PID``, ``end STATUS TIME CWD``, ``died STATUS`` (written by the relay) or ``never``.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.relay.control import ControlClient, line, read_buffer
from pocketcoder_tui.relay.delivery import HOME, unvis
from pocketcoder_tui.relay.marks import ActionBegun, ActionOver, MarkScanner, Printed

KEPT_CLAIMS = 512
"""Claims that stay; older ones are removed, and nobody asks for those any more."""

_PIECE = 1024 * 1024
"""Bytes of one file of the log; shell.bash splits it so, and keeps the newest five."""

_TOMBSTONE = 'set -C; printf "never .\\n" >"$1"'
_LAST = (  # without "%" and "#", which tmux would expand
    '( cd {HOME}/claims && f=$(ls -t | xargs -r grep -l "^start [0-9.,]* {pid} [.]$" -- /dev/null '
    '| head -n 1) && [ "$f" ] && echo "$f" && cat -- "$f" ) 2>/dev/null '
    ">{HOME}/shells/{pid}.last; true"
)
_LOG = 'cd "$1" && set -- "$2".* && printf "%s\\n" "$1" && cat -- "$@"'
_PRUNE = f"cd {HOME}/claims && ls -t | tail -n +{KEPT_CLAIMS + 1} | xargs -r rm -f --"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim file says."""

    started: float = 0.0
    """Unix seconds, by the box's clock."""
    pid: int = 0
    """The shell that claimed the action."""
    over: bool = False
    """True when an end or a death is recorded."""
    died: bool = False
    never: bool = False
    """True when the relay closed the action before any shell claimed it."""
    status: int | None = None
    ended: float = 0.0
    cwd: str = ""


def read_claim(text: bytes) -> Claim:
    """Understand a claim; lines that are malformed or cut short are passed over."""
    facts: dict[str, Any] = {}
    for record in text.decode("utf-8", "replace").splitlines():
        words = record.split(" ")
        match words:
            case ["start", time, pid, "."] if pid.isdigit():
                facts |= {"started": _seconds(time), "pid": int(pid)}
            case ["end", status, time, cwd, "."] if status.isdigit():
                facts |= {"over": True, "status": int(status), "ended": _seconds(time)}
                facts["cwd"] = unquote(cwd, errors="surrogateescape")
            case ["died", status, "."] if not facts.get("over"):
                facts |= {"over": True, "died": True}
                facts["status"] = int(status) if status.isdigit() else None
            case ["never", "."]:
                facts["never"] = True
    return Claim(**facts)


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


async def claim_of(control: ControlClient, action_id: str) -> Claim | None:
    """Read an action's claim over the stream; None when there is none."""
    text = await read_buffer(control, f"{HOME}/claims/{action_id}")
    return read_claim(unvis(text)) if text is not None else None


async def key_of(control: ControlClient, pid: int) -> str | None:
    """The key of a shell's marks, by the process that its pane was started with."""
    text = await read_buffer(control, f"{HOME}/shells/{pid}")
    return text.decode("ascii", "replace") if text is not None else None


async def close_claim(box: Box, action_id: str) -> bool:
    """Take the claim so that no shell can; False when one was there already."""
    argv = ["bash", "-c", _TOMBSTONE, "bash", f"{HOME}/claims/{action_id}"]
    return (await box.exec(argv)).status == 0


async def record_death(control: ControlClient, action_id: str, status: int | None) -> None:
    """Write down that the shell ended under the action's command."""
    name = f"died-{action_id}"
    text = f"died {'-' if status is None else status} .\n"
    await control.ask(
        line("set-buffer", "-b", name, text),
        line("save-buffer", "-a", "-b", name, f"{HOME}/claims/{action_id}"),
        line("delete-buffer", "-b", name),
    )


async def open_claim(control: ControlClient, pid: int) -> str:
    """The action that a shell claimed last and that is not over; empty when there is none."""
    await control.ask(line("run-shell", _LAST.format(HOME=HOME, pid=pid)))
    found = await read_buffer(control, f"{HOME}/shells/{pid}.last")
    name, _, text = unvis(found or b"").partition(b"\n")
    claim = read_claim(text)
    running = claim.pid == pid and not (claim.over or claim.never)
    return name.decode("ascii", "replace") if running else ""


async def prune(control: ControlClient) -> None:
    """Remove what is too old to be asked for; runs in the background, inside."""
    await control.ask(line("run-shell", "-b", f"( {_PRUNE} ) >/dev/null 2>&1"))


@dataclass(frozen=True, slots=True)
class Logged:
    """An action's part of the pane's log."""

    data: bytes
    begun: bool
    """False when the beginning is no longer in the log."""
    over: bool
    """True when the end mark is in the log."""
    lost: int
    """Bytes that the log dropped before what it still holds; 0 when ``begun``."""


def cut_log(text: bytes, action_id: str, lost: int) -> Logged:
    """Find an action between its marks in a pane's log."""
    begun, over = False, False
    pieces: list[bytes] = []
    scanner = MarkScanner()
    scanner.action = action_id
    if lost and b"\x1b]133;C;" + action_id.encode() not in text:
        # The start was dropped: all that is left belongs to the command.
        scanner.running = True
    for item in scanner.feed(text):
        match item:
            case ActionBegun():
                begun = True
            case ActionOver():
                over = True
                break
            case Printed(data) if scanner.running:
                pieces.append(data)
    return Logged(b"".join(pieces), begun, over, 0 if begun else lost)


async def logged(box: Box, pid: int, action_id: str) -> Logged:
    """Read an action's output back from the log of the shell that ran it."""
    argv = ["bash", "-c", _LOG, "bash", f"{HOME}/log", str(pid)]
    result = await box.exec(argv, limit=8 * _PIECE)
    first, _, text = result.stdout.partition(b"\n")
    number = first.rpartition(b".")[2]
    lost = int(number) * _PIECE if number.isdigit() else 0
    return cut_log(text, action_id, lost)
