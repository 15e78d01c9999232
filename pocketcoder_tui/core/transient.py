"""What is worth showing while it happens, and not worth recording: the transient events."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class OutputGrew:
    """A running command printed something: terminal bytes decoded as UTF-8, untrusted."""

    action_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ActionHeld:
    """An allowed command waits for its window's prompt."""

    action_id: str
    why: str
    """Empty when it does not wait any more."""
    clearable: bool
    """True when a half-typed line is in the way."""


@dataclass(frozen=True, slots=True)
class ActionNeedsInput:
    """A running command reads the terminal and is silent, or does not any more."""

    action_id: str
    needs_input: bool


@dataclass(frozen=True, slots=True)
class RetryWaiting:
    """The model's service failed; it is asked again."""

    reply_id: str
    sentence: str
    seconds: float
    attempt: int


class BoxState(StrEnum):
    """What the sandbox is doing."""

    ABSENT = "absent"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BoxChanged:
    """The sandbox started, stopped or failed."""

    state: BoxState
    sentence: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ScreenChanged:
    """A frame of the live terminal: lines with SGR sequences as tmux drew them, untrusted."""

    lines: tuple[str, ...]
    columns: int
    cursor: tuple[int, int]
    """Column and row, from 0."""
    window: str = "agent"
    """The window that is shown."""


@dataclass(frozen=True, slots=True)
class PastRead:
    """The beginning of a long session was read; its entries precede the others now."""

    entries: int


Transient = (
    OutputGrew
    | ActionHeld
    | ActionNeedsInput
    | RetryWaiting
    | BoxChanged
    | ScreenChanged
    | PastRead
)
