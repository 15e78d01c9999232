"""What the engine and a model say to each other; nothing here belongs to one provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pocketcoder_tui.core.actions import ToolCall

UNREADABLE = "invalid_json"
"""The argument under which a text stands that should have been JSON; no tool takes it."""


class Role(StrEnum):
    """Who a message is from."""

    USER = "user"
    MODEL = "model"


class PartKind(StrEnum):
    """What a part of a reply is."""

    TEXT = "text"
    THOUGHT = "thought"
    CALL = "call"
    OTHER = "other"
    """Something we do not know; kept verbatim and sent back."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is declared to the model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of an object."""


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """A piece of a reply as it came from the stream."""

    kind: PartKind
    text: str = ""
    call: ToolCall | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The provider's own part, byte for byte in meaning, for sending back."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool call came to, for the model."""

    call: ToolCall
    response: Mapping[str, Any]
    """{"output": …} or {"error": …}, JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the history sent to a model."""

    role: Role
    text: str = ""
    parts: tuple[ReplyPart, ...] = ()
    """For a model's message: all parts in order, with their raw form."""
    results: tuple[ToolResult, ...] = ()
    """For a user's message that answers calls: all results of one reply, in the calls' order."""
    provider: str = ""
    """Which provider made ``parts``; their raw form means nothing to another."""
    model: str = ""
    """Which model made ``parts``; what is signed in them is for it alone. Empty: not known."""
    note: bool = False
    """True for a user's message that tells what happened and is none of the person's words."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as the provider counted them (the last running total)."""

    prompt: int = 0
    """Includes cached."""
    cached: int = 0
    output: int = 0
    thoughts: int = 0
    total: int = 0


class Finish(StrEnum):
    """How a reply ended."""

    DONE = "done"
    CUT = "cut"
    """The stream ended without a finish reason, or the connection was lost."""
    LIMIT = "limit"
    """The token limit was reached."""
    REFUSED = "refused"
    """Safety, recitation, or a blocked prompt."""
    MALFORMED = "malformed"
    """The model wrote a call that cannot be read."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """The last item of a reply's stream."""

    finish: Finish
    detail: str = ""
    """The provider's own word or sentence, untrusted."""
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Everything one call of a model needs."""

    model: str
    system: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model as a provider's live list has it."""

    name: str
    """As it is set and chosen: with its provider, but for Gemini's."""
    title: str = ""
    """The provider's own words, untrusted."""
    context: int = 0
    """Tokens that it can be told; 0 when the list does not say."""
    price: str = ""
    """What a price table says, with its date; empty where none knows it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the providers that may be asked have."""

    models: Sequence[OfferedModel]
    troubles: Sequence[str]
    """A sentence for each provider whose list could not be read, and for those without a key."""
