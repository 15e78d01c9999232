"""After a crash: what became of a command, from its claim and the pane's log."""

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.core.ids import is_id
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import (
    CannotTell,
    CommandEnded,
    Found,
    NeverStarted,
    StillRunning,
)
from pocketcoder_tui.relay import burial, records
from pocketcoder_tui.relay.capture import Capture, Keeping
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.machine import PaneState
from pocketcoder_tui.relay.pane import Pane
from pocketcoder_tui.relay.records import Claim

_OVERLAP_LIMIT = 65_536


async def resume(control: ControlClient, pane: Pane) -> None:
    """Bring a pane that was just found or made into a known state."""
    dead = await pane.look()
    await burial.keep_log(control, pane.id)
    key = await records.key_of(control, pane.pid)
    if dead or pane.machine.state is not PaneState.STARTING:
        pass
    elif key is None:
        return  # a shell that only starts; its first mark says the key
    if pane.scanner.key is None:
        pane.scanner.key = key
    action_id = await records.open_claim(control, pane.pid)
    if is_id(action_id):
        pane.expect(action_id, running=True)
        pane.machine.resume(action_id)
    if dead:
        await pane.bury(pane.pid)
    elif pane.machine.state is PaneState.STARTING:
        # It stands where no mark told us: ask before anything is laid out.
        pane.machine.unknown()


async def find(box: Box, control: ControlClient, panes: list[Pane], action_id: str) -> Found:
    """Say what the box knows of an action. Raises RelayError or ContainerGone."""
    if not is_id(action_id):
        raise RelayError("The action's id is malformed.")
    claim = await records.claim_of(control, action_id)
    if claim is None and await records.close_claim(box, action_id):
        claim = Claim(never=True)
    elif claim is None:
        claim = await records.claim_of(control, action_id)
    if claim is None:
        return CannotTell("The box's record of the command cannot be read.")
    if claim.never:
        # An id begins with the time at which the action was proposed.
        if int(action_id[:12], 16) / 1000 < box.started:
            return CannotTell("The box was restarted after the command was proposed.")
        return NeverStarted()
    if claim.over:
        return await _read_back(box, panes[0].keeping, action_id, claim)
    for pane in panes:
        if claim.pid == pane.pid and pane.machine.action == action_id:
            return StillRunning()
    return await _late(box, control, panes[0].keeping, action_id)


async def _late(box: Box, control: ControlClient, keeping: Keeping, action_id: str) -> Found:
    """The claim was open and the pane does not run it: it ended just now, or its shell is gone."""
    claim = await records.claim_of(control, action_id)
    if claim is not None and claim.over:
        return await _read_back(box, keeping, action_id, claim)
    return CannotTell("The shell that ran the command is gone, and left no status.")


async def _read_back(box: Box, keeping: Keeping, action_id: str, claim: Claim) -> CommandEnded:
    logged = await records.logged(box, claim.pid, action_id)
    capture = Capture(action_id, keeping)
    capture.replace(logged.data)
    return capture.ended(
        claim.status,
        claim.cwd,
        shell_died=claim.died,
        seconds=max(0.0, claim.ended - claim.started) if claim.ended else 0.0,
        lost=logged.lost,
    )


def overlap(past: str, live: str) -> int:
    """How many characters at the start of ``live`` end ``past`` (Knuth, Morris, Pratt)."""
    live, past = live[:_OVERLAP_LIMIT], past[-_OVERLAP_LIMIT:]
    borders = [0] * len(live)
    length = 0
    for at in range(1, len(live)):
        while length and live[at] != live[length]:
            length = borders[length - 1]
        length += live[at] == live[length]
        borders[at] = length
    matched = 0
    for sign in past if live else "":
        while matched and (matched == len(live) or sign != live[matched]):
            matched = borders[matched - 1]
        matched += sign == live[matched]
    return matched
