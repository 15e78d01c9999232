"""Everything that can happen in a session: the whole contract between engine and front ends.

Durable events are the ledger's log, in order; a session read back is the same events again.
Transient ones are only for a screen that is watching now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pocketcoder_tui.core.actions import Action, Decision, Execution, Preview, ToolCall
from pocketcoder_tui.core.checkpoints import (
    ActionTried,
    CheckpointMade,
    CheckpointMissed,
    WorkspaceChanged,
    WorkspaceEvent,
)
from pocketcoder_tui.core.model import Finish, PartKind, Usage
from pocketcoder_tui.core.network import (
    ConnectionClosed,
    ConnectionOpened,
    NetworkEvent,
)
from pocketcoder_tui.core.transient import (
    ActionHeld,
    ActionNeedsInput,
    OutputGrew,
    Transient,
)

# --- durable: the session


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A session began in a workspace."""

    session_id: str
    workspace: str
    """Absolute path on the person's machine."""
    at: float
    kind: Literal["session_started"] = "session_started"


@dataclass(frozen=True, slots=True)
class SessionTitled:
    """The session has a title now, or another one."""

    title: str
    kind: Literal["session_titled"] = "session_titled"


@dataclass(frozen=True, slots=True)
class SessionArchived:
    """The session is put away, or taken out again; it can be read and resumed as before."""

    archived: bool
    at: float
    kind: Literal["session_archived"] = "session_archived"


class Origin(StrEnum):
    """Where the beginning of a session came from, when it did not happen in it."""

    FORK = "fork"
    IMPORT = "import"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Inherited:
    """All that precedes happened elsewhere: nothing of it is open, or happens again, in here."""

    origin: Origin
    session_id: str
    """The session in which it happened."""
    at: float
    kind: Literal["inherited"] = "inherited"


# --- durable: what the person says


@dataclass(frozen=True, slots=True)
class MessageQueued:
    """The person sent a message; it waits for the next model call."""

    message_id: str
    text: str
    at: float
    kind: Literal["message_queued"] = "message_queued"


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The person changed a message that waits."""

    message_id: str
    text: str
    """The whole of it, as it will go to the model."""
    at: float
    kind: Literal["message_edited"] = "message_edited"


@dataclass(frozen=True, slots=True)
class MessageWithdrawn:
    """The person took a message back before a model call took it."""

    message_id: str
    at: float
    kind: Literal["message_withdrawn"] = "message_withdrawn"


@dataclass(frozen=True, slots=True)
class MessagesTaken:
    """The queued messages went into a model call, in this order."""

    turn_id: str
    message_ids: tuple[str, ...]
    kind: Literal["messages_taken"] = "messages_taken"


# --- durable: turns and replies


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The agent begins to work."""

    turn_id: str
    at: float
    kind: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """A model was asked; its reply streams from here."""

    turn_id: str
    reply_id: str
    provider: str
    model: str
    at: float
    kind: Literal["reply_started"] = "reply_started"


@dataclass(frozen=True, slots=True)
class PartGrew:
    """A piece of a reply arrived."""

    reply_id: str
    part_id: str
    """Pieces of one kind in a row share it."""
    part: PartKind
    text: str
    raw: Mapping[str, Any]
    """The provider's own part; goes back verbatim."""
    call: ToolCall | None = None
    """For a call: what it asks, under our id."""
    kind: Literal["part_grew"] = "part_grew"


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The reply is over, well or not."""

    reply_id: str
    finish: Finish
    detail: str
    usage: Usage
    at: float
    kind: Literal["reply_ended"] = "reply_ended"


class TurnOutcome(StrEnum):
    """How a turn ended."""

    DONE = "done"
    STOPPED = "stopped"
    """By the person."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The program ended in the middle."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The agent rests."""

    turn_id: str
    outcome: TurnOutcome
    sentence: str
    """What went wrong, for the person; empty when all is well."""
    hint: str
    at: float
    kind: Literal["turn_ended"] = "turn_ended"


# --- durable: actions


@dataclass(frozen=True, slots=True)
class ActionProposed:
    """The model asks for an action, or the person changed what it asked for."""

    action: Action
    preview: Preview
    edited: str = ""
    """The login name of the person whose words the arguments are; empty when the model's."""
    kind: Literal["action_proposed"] = "action_proposed"


@dataclass(frozen=True, slots=True)
class ActionWaiting:
    """The gatekeeper wants a person's decision."""

    action_id: str
    why: str
    """Why it was asked, one sentence."""
    kind: Literal["action_waiting"] = "action_waiting"


@dataclass(frozen=True, slots=True)
class ActionDecided:
    """Allowed or denied."""

    decision: Decision
    kind: Literal["action_decided"] = "action_decided"


@dataclass(frozen=True, slots=True)
class ActionSuperseded:
    """Replaced before it left; the new action needs its own decision."""

    action_id: str
    why: str
    kind: Literal["action_superseded"] = "action_superseded"


@dataclass(frozen=True, slots=True)
class ActionDispatched:
    """The moment it leaves for the sandbox; durable before anything is sent."""

    action_id: str
    digest: str
    at: float
    kind: Literal["action_dispatched"] = "action_dispatched"


@dataclass(frozen=True, slots=True)
class ActionReported:
    """The model was told that the command still runs; its end is recorded when it comes."""

    action_id: str
    output: str
    """What it had printed, head and tail kept."""
    omitted: int
    seconds: float
    needs_input: bool
    at: float
    kind: Literal["action_reported"] = "action_reported"


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """The result is in."""

    execution: Execution
    kind: Literal["action_ended"] = "action_ended"


@dataclass(frozen=True, slots=True)
class PersonRan:
    """The person typed a line in the box's terminal, and it is over."""

    window: str
    command: str
    """Empty when the shell did not keep it."""
    status: int
    output: str
    omitted: int
    cwd: str
    """The shell's directory afterwards."""
    seconds: float
    at: float
    kind: Literal["person_ran"] = "person_ran"


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The person chose another mode; it holds until the next choice."""

    mode: str
    """ask, contained or plan (gatekeeper.policy)."""
    who: str
    """The person's login name."""
    at: float
    kind: Literal["mode_changed"] = "mode_changed"


@dataclass(frozen=True, slots=True)
class ModelChosen:
    """The person chose another model for this session; it holds until the next choice."""

    model: str
    """As it is set, with its provider; empty for the one of the settings."""
    who: str
    """The person's login name."""
    at: float
    kind: Literal["model_chosen"] = "model_chosen"


@dataclass(frozen=True, slots=True)
class OutputsAged:
    """From now on the model is sent the long outputs before this one shortened, to save room."""

    action_id: str
    """The first action whose output stays whole."""
    tokens: int
    """Of the request before it."""
    at: float
    kind: Literal["outputs_aged"] = "outputs_aged"


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something worth a line in the conversation."""

    level: Literal["info", "warning", "error"]
    sentence: str
    hint: str
    at: float
    kind: Literal["noticed"] = "noticed"


Durable = (
    SessionStarted
    | SessionTitled
    | SessionArchived
    | Inherited
    | MessageQueued
    | MessageEdited
    | MessageWithdrawn
    | MessagesTaken
    | TurnStarted
    | ReplyStarted
    | PartGrew
    | ReplyEnded
    | TurnEnded
    | ActionProposed
    | ActionWaiting
    | ActionDecided
    | ActionSuperseded
    | ActionDispatched
    | ActionReported
    | ActionEnded
    | PersonRan
    | ModeChanged
    | ModelChosen
    | OutputsAged
    | Noticed
    | WorkspaceEvent
    | NetworkEvent
)

# --- the transient ones (core/transient.py) among them

RunEvent = ActionHeld | OutputGrew | ActionNeedsInput | ActionReported
"""What happens to an action between its decision and its end."""
DeedEvent = (
    CheckpointMade
    | CheckpointMissed
    | WorkspaceChanged
    | ActionTried
    | ConnectionOpened
    | ConnectionClosed
)
"""What is known of an action beside its life."""
ActionEvent = (
    ActionProposed
    | ActionWaiting
    | ActionDecided
    | ActionSuperseded
    | ActionDispatched
    | ActionEnded
    | RunEvent
    | DeedEvent
)
Event = Durable | Transient
