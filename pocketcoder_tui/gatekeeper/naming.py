"""Which files that the host runs a decision named, so that a change of them stands. Pure."""

from pocketcoder_tui.core.actions import Action, DecidedBy, Decision, Outcome
from pocketcoder_tui.gatekeeper.effects import Kind, effects_of
from pocketcoder_tui.gatekeeper.paths import WORKSPACE, absolute, guarded, in_workspace
from pocketcoder_tui.gatekeeper.toolset import WRITING, file_of

__all__ = ["named_by"]


def named_by(action: Action, decision: Decision | None) -> frozenset[str]:
    """Paths below the workspace whose danger was on screen when a person allowed the action.

    A rule that lets a file tool change such a file was made with the same warning, about that one
    file: a rule about a folder never covers one. No other rule and no mode names anything.
    """
    if decision is None or decision.outcome is not Outcome.ALLOW:
        return frozenset()
    if action.call.tool in WRITING and decision.by is not DecidedBy.MODE:
        return _below([file_of(action)])
    if decision.by is not DecidedBy.PERSON:
        return frozenset()
    effects = effects_of(action).of(Kind.GUARDED)
    cwd = action.cwd or WORKSPACE
    return _below([absolute(e.target, cwd) for e in effects if e.certain and e.target])


def _below(paths: list[str]) -> frozenset[str]:
    return frozenset(
        path.removeprefix(f"{WORKSPACE}/")
        for path in paths
        if in_workspace(path) and path != WORKSPACE and guarded(path)
    )
