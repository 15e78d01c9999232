"""After a crash: what became of a command, from its claim and the pane's log."""

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.core.ids import is_id
from pocketcoder_tui.core.ports import (
    Box,
    CannotTell,
    CommandEnded,
    Found,
    NeverStarted,
    StillRunning,
)
from pocketcoder_tui.relay import records
from pocketcoder_tui.relay.capture import Capture
from pocketcoder_tui.relay.control import ControlClient
from pocketcoder_tui.relay.pane import Pane
from pocketcoder_tui.relay.records import Claim

_OVERLAP_LIMIT = 65_536


async def resume(box: Box, control: ControlClient, pane: Pane) -> None:
    """Bring a pane that was just found or made into a known state."""
    dead = await pane.look()
    await pane.keep_log()
    newest = await records.newest_claim(box)
    if newest is not None:
        action_id, claim = newest
        if is_id(action_id) and claim.pid == pane.pid and not (claim.over or claim.never):
            pane.expect(action_id, running=True)
            pane.machine.resume(action_id)
    if dead:
        await pane.bury(pane.pid)
    elif pane.machine.action is None:
        await pane.settle()


async def find(box: Box, control: ControlClient, pane: Pane, action_id: str) -> Found:
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
        return await _read_back(box, pane, action_id, claim)
    if claim.pid == pane.pid and pane.machine.action == action_id:
        return StillRunning()
    return await _late(box, control, pane, action_id)


async def _late(box: Box, control: ControlClient, pane: Pane, action_id: str) -> Found:
    """The claim was open and the pane does not run it: it ended just now, or its shell is gone."""
    claim = await records.claim_of(control, action_id)
    if claim is not None and claim.over:
        return await _read_back(box, pane, action_id, claim)
    return CannotTell("The shell that ran the command is gone, and left no status.")


async def _read_back(box: Box, pane: Pane, action_id: str, claim: Claim) -> CommandEnded:
    logged = await records.logged(box, claim.pid, action_id)
    capture = Capture(action_id, *pane.limits)
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
