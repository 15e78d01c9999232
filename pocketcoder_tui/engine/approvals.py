"""An action as the queue is told to other programs: a stable schema, docs/control.md. Pure."""

from typing import Any

from pocketcoder_tui.core.actions import Decision
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.effects import effects_of


def row_of(deed: Deed) -> dict[str, Any]:
    """Everything that a decision needs; texts are exact, as the model and the box wrote them."""
    action, preview, done = deed.action, deed.preview, deed.execution
    return {
        "id": deed.id,
        "state": deed.state.value,
        "session": action.session_id,
        "turn": action.turn_id,
        "at": action.at,
        "tool": action.call.tool,
        "arguments": dict(action.call.arguments),
        "cwd": action.cwd,
        "container": action.container,
        "digest": action.digest,
        "supersedes": action.supersedes,
        "edited_by": deed.edited,
        "verb": preview.verb,
        "title": preview.title,
        "text": preview.text,
        "notes": list(preview.notes),
        "effects": [
            {"kind": e.kind.value, "sentence": e.sentence} for e in effects_of(action).effects
        ],
        "why": deed.why,
        "decision": None if deed.decision is None else decision_of(deed.decision),
        "exit_status": None if done is None else done.status,
    }


def decision_of(decision: Decision) -> dict[str, Any]:
    """Who decided what, when, and why."""
    return {
        "outcome": decision.outcome.value,
        "by": decision.by.value,
        "who": decision.who,
        "reason": decision.reason,
        "at": decision.at,
    }


def settled_row(deed: Deed) -> dict[str, Any]:
    """An action whose state has changed, for those who watch the queue."""
    return {"event": deed.state.value, "approval": row_of(deed)}
