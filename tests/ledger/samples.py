"""Events for the ledger's tests: one session, one turn, and actions brought to any state."""

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import (
    Action,
    ActionState,
    DecidedBy,
    Decision,
    Ended,
    Execution,
    Outcome,
    Preview,
    PreviewKind,
    ToolCall,
)

SESSION = "s" * 32
TURN = "7" * 32

OPENING: tuple[ev.Durable, ...] = (
    ev.SessionStarted(SESSION, "/home/ada/shop", 1.0),
    ev.TurnStarted(TURN, 2.0),
)
"""What a ledger must know before an action can be proposed."""


def action(name: str, command: str = "ls", session: str = SESSION, turn: str = TURN) -> Action:
    """An action of the shell; ``name`` is its id."""
    call = ToolCall(f"call-{name}", "shell", {"command": command})
    return Action(name, session, turn, "reply", call, "/workspace", "c" * 64, at=3.0)


def proposed(what: Action) -> ev.ActionProposed:
    """The event that brings an action into being."""
    text = str(what.call.arguments.get("command", ""))
    return ev.ActionProposed(what, Preview(PreviewKind.COMMAND, "run", text, text))


def decided(what: Action, outcome: Outcome = Outcome.ALLOW) -> ev.ActionDecided:
    """The person's decision about it."""
    return ev.ActionDecided(
        Decision(what.id, outcome, DecidedBy.PERSON, what.digest, "ada", "because", 4.0)
    )


def dispatched(what: Action) -> ev.ActionDispatched:
    """It leaves."""
    return ev.ActionDispatched(what.id, what.digest, 5.0)


def ended(what: Action, how: Ended = Ended.FINISHED) -> ev.ActionEnded:
    """Its result."""
    return ev.ActionEnded(Execution(what.id, how, 0, "out\n", started=5.0, seconds=0.1))


def step(what: Action, to: ActionState) -> ev.Durable:
    """The event that asks for a state."""
    match to:
        case ActionState.PROPOSED:
            return proposed(what)
        case ActionState.WAITING:
            return ev.ActionWaiting(what.id, "it writes")
        case ActionState.ALLOWED:
            return decided(what)
        case ActionState.DENIED:
            return decided(what, Outcome.DENY)
        case ActionState.SUPERSEDED:
            return ev.ActionSuperseded(what.id, "edited")
        case ActionState.DISPATCHED:
            return dispatched(what)
        case ActionState.FINISHED | ActionState.INTERRUPTED | ActionState.UNKNOWN:
            return ended(what, Ended(to.value))


_BEFORE = {
    ActionState.WAITING: ActionState.PROPOSED,
    ActionState.ALLOWED: ActionState.WAITING,
    ActionState.DENIED: ActionState.WAITING,
    ActionState.SUPERSEDED: ActionState.PROPOSED,
    ActionState.DISPATCHED: ActionState.ALLOWED,
    ActionState.FINISHED: ActionState.DISPATCHED,
    ActionState.INTERRUPTED: ActionState.DISPATCHED,
    ActionState.UNKNOWN: ActionState.DISPATCHED,
}


def life_to(what: Action, state: ActionState) -> list[ev.Durable]:
    """The events that bring an action from nothing to a state, by a legal way."""
    before = _BEFORE.get(state)
    return [*(life_to(what, before) if before else ()), step(what, state)]


LEGAL = {
    (ActionState.PROPOSED, ActionState.WAITING),
    (ActionState.PROPOSED, ActionState.ALLOWED),
    (ActionState.PROPOSED, ActionState.DENIED),
    (ActionState.PROPOSED, ActionState.SUPERSEDED),
    (ActionState.WAITING, ActionState.ALLOWED),
    (ActionState.WAITING, ActionState.DENIED),
    (ActionState.WAITING, ActionState.SUPERSEDED),
    (ActionState.ALLOWED, ActionState.DISPATCHED),
    (ActionState.ALLOWED, ActionState.SUPERSEDED),
    (ActionState.DISPATCHED, ActionState.FINISHED),
    (ActionState.DISPATCHED, ActionState.INTERRUPTED),
    (ActionState.DISPATCHED, ActionState.UNKNOWN),
}
"""Every step of design.md's life of an action, and no other."""
