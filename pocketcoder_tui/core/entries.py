"""What a session's reading consists of: the entries of the transcript, which alone changes them."""

from dataclasses import dataclass
from typing import Literal

from pocketcoder_tui.core.actions import Action, ActionState, Decision, Execution, Preview
from pocketcoder_tui.core.checkpoints import ActionTried, Restored, WorkspaceChanged
from pocketcoder_tui.core.events import PersonRan
from pocketcoder_tui.core.terminal import MAIN_WINDOW

__all__ = [
    "Answer",
    "Deed",
    "Entry",
    "Remark",
    "Said",
    "Thought",
    "Traffic",
    "Typed",
    "Undone",
]


@dataclass(slots=True)
class Said:
    """A message of the person's."""

    id: str
    text: str
    at: float
    queued: bool = True
    """True until a model call took it."""


@dataclass(slots=True)
class Answer:
    """A run of the model's text, Markdown."""

    id: str
    text: str = ""
    done: bool = False


@dataclass(slots=True)
class Thought:
    """A run of the model's thoughts."""

    id: str
    text: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the connections that an action allowed."""

    made: int = 0
    """Connections, the open ones too."""
    open: int = 0
    failed: int = 0
    """That could not be made."""
    sent: int = 0
    """Bytes from the box, of connections that are over."""
    received: int = 0
    """Bytes to the box, of connections that are over."""


@dataclass(slots=True)
class Deed:
    """An action with all that became of it."""

    id: str
    action: Action
    preview: Preview
    state: ActionState = ActionState.PROPOSED
    why: str = ""
    """Why a person was asked, or why it was superseded."""
    decision: Decision | None = None
    dispatched: float = 0.0
    """Unix seconds; 0 before."""
    execution: Execution | None = None
    live: str = ""
    """Raw output so far while it runs, untrusted, bounded."""
    held: str = ""
    """Why an allowed command has not started; empty when nothing holds it."""
    clearable: bool = False
    """True when a half-typed line holds it."""
    needs_input: bool = False
    """True while its command reads the terminal and is silent."""
    reported: bool = False
    """True once the model was told that it still runs."""
    edited: str = ""
    """Who changed what the model had asked for; empty when nobody did."""
    checkpoint: int = 0
    """The number of the checkpoint before it; 0 for none."""
    unkept: str = ""
    """Why it left without a checkpoint."""
    changed: WorkspaceChanged | None = None
    """What it did to the workspace, once that is known."""
    tried: ActionTried | None = None
    """The last try of it in a throw-away copy."""
    traffic: Traffic = Traffic()
    """For a host that was allowed: what went there."""

    @property
    def window(self) -> str:
        """The window of a command; the main one when none is named."""
        return str(self.action.call.arguments.get("window") or MAIN_WINDOW)


@dataclass(slots=True)
class Typed:
    """A line that the person typed in the box's terminal."""

    id: str
    line: PersonRan


@dataclass(slots=True)
class Remark:
    """A line of the program's own."""

    id: str
    level: Literal["info", "warning", "error"]
    sentence: str
    hint: str = ""


@dataclass(slots=True)
class Undone:
    """The person brought the workspace back to a checkpoint."""

    id: str
    restored: Restored
    label: str
    """What the checkpoint was made before, untrusted."""


Entry = Said | Answer | Thought | Deed | Typed | Remark | Undone
