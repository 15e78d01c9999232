"""One action: a tool call waiting to happen, the decision about it, and what came back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]
"""A JSON object as the model sent it."""


class ActionState(StrEnum):
    """Where an action is in its life; the ledger's triggers hold the order."""

    PROPOSED = "proposed"
    WAITING = "waiting"
    ALLOWED = "allowed"
    DENIED = "denied"
    SUPERSEDED = "superseded"
    DISPATCHED = "dispatched"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while something may still happen to the action."""
        return self in _OPEN


_OPEN = frozenset(
    {ActionState.PROPOSED, ActionState.WAITING, ActionState.ALLOWED, ActionState.DISPATCHED}
)


class Outcome(StrEnum):
    """What a decision says."""

    ALLOW = "allow"
    DENY = "deny"


class DecidedBy(StrEnum):
    """Who decided."""

    PERSON = "person"
    RULE = "rule"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model wrote it."""

    id: str
    """Ours; always present."""
    tool: str
    arguments: Json
    """The exact arguments, never normalised."""
    wire_id: str | None = None
    """The provider's own id, sent back only if one came."""


@dataclass(frozen=True, slots=True)
class Action:
    """One tool call, bound to the place where it would happen."""

    id: str
    session_id: str
    turn_id: str
    reply_id: str
    """The model's reply that holds the call."""
    call: ToolCall
    cwd: str
    """The directory inside the sandbox in which it would run."""
    container: str
    """The sandbox container's full id."""
    base: str = ""
    """For an edit: sha256 (hex) of the file content that the shown diff was computed from."""
    at: float = 0.0
    """When it was proposed, Unix seconds."""
    supersedes: str | None = None
    """The action that this one replaces."""

    @property
    def digest(self) -> str:
        """sha256 (hex) over everything that decides what would run.

        Raises UnicodeEncodeError for arguments with lone surrogates; the engine refuses those
        before an action is made.
        """
        bound = [self.call.tool, self.call.arguments, self.cwd, self.container, self.base]
        return hashlib.sha256(canonical(bound)).hexdigest()


def canonical(value: object) -> bytes:
    """Encode JSON in one way only: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


class PreviewKind(StrEnum):
    """How an action's text is drawn."""

    COMMAND = "command"
    DIFF = "diff"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Preview:
    """What the person is shown of an action, raw; a front end cleans it before drawing."""

    kind: PreviewKind
    verb: str
    """One word for the row: run, read, write, edit, list, search."""
    title: str
    """The row's text: the command's first line, or the path."""
    text: str
    """The whole text that the decision is about."""
    added: int = 0
    """Lines added, for a diff."""
    removed: int = 0
    """Lines removed, for a diff."""
    notes: tuple[str, ...] = ()
    """Sentences that the person should read first, for example that an edit does not fit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Allow or deny, by whom, and exactly what it covers."""

    action_id: str
    outcome: Outcome
    by: DecidedBy
    digest: str
    """The digest of the action that was decided; a dispatch must match it."""
    who: str = ""
    """The person's login name, or the rule's or mode's name."""
    reason: str = ""
    """Words for the model; empty when none were given."""
    at: float = 0.0


class Ended(StrEnum):
    """How an execution ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Execution:
    """What came back for one action."""

    action_id: str
    ended: Ended
    status: int | None = None
    """The exit status as reported by the sandbox; None when there is none."""
    output: str = ""
    """Text as a terminal would show it, head and tail kept."""
    omitted: int = 0
    """Characters left out between head and tail; 0 when the output is whole."""
    started: float = 0.0
    """Unix seconds."""
    seconds: float = 0.0
    cwd: str = ""
    """The shell's directory afterwards; empty when unknown."""
    error: str = ""
    """A sentence when the action failed before or beside its program."""
    data: Json = field(default_factory=dict)
    """Tool-specific facts for the model, for example a count of lines."""
    coloured: str = ""
    """``output`` with a terminal's colours (SGR sequences, no others); empty when it has none."""
