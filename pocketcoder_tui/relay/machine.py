"""One pane's life as a state machine: pure, driven by marks, asked before anything is typed.

    STARTING ──▶ PROMPT ⇄ TOUCHED            TOUCHED: printed at since its prompt was drawn
                   │ ▲ ▲
        launch ────┤ │ └── FOREIGN ◀── a line that a person entered
                   ▼ │
             DELIVERING ──▶ RUNNING ──▶ ENDING ──▶ PROMPT
                                        any ──▶ DEAD ──▶ STARTING (a new shell)

DELIVERING lasts until the launcher's key was answered: the action began, was refused, or was found
in front of a half-typed line. A person's line may come first; then the key is typed again at the
next prompt, which is harmless, because the box claims an action once.
"""

from enum import Enum, StrEnum

from pocketcoder_tui.relay import marks


class PaneState(StrEnum):
    """What the pane's shell is doing, as far as its marks tell."""

    STARTING = "starting"
    """No prompt was seen yet."""
    PROMPT = "prompt"
    """At a prompt, and nothing was printed since."""
    TOUCHED = "touched"
    """At a prompt, and something was printed since: typed, or by a job in the background."""
    FOREIGN = "foreign"
    """A line that the relay did not lay out runs."""
    DELIVERING = "delivering"
    """The launcher's key was typed, and is not answered."""
    RUNNING = "running"
    """The action's command runs."""
    ENDING = "ending"
    """The command ended; the prompt is not back yet."""
    DEAD = "dead"
    """The shell ended; a new one is on its way."""


class Heard(Enum):
    """What a mark came to, where the pane must do something."""

    NOTHING = "nothing"
    BEGUN = "begun"
    OVER = "over"
    REFUSED = "refused"
    """The action was claimed before; it does not run."""
    IN_THE_WAY = "in the way"
    """The key came to a half-typed line; nothing was started."""
    LOST = "lost"
    """The key came, and what it was to start is not there."""
    PRESS_AGAIN = "press again"
    """A person's line came before the key; it may have taken it."""


WHY = {
    PaneState.STARTING: "The shell in the box does not show a prompt yet.",
    PaneState.TOUCHED: "The shell in the box does not answer at its prompt.",
    PaneState.FOREIGN: "A line that was typed in the terminal is still running.",
    PaneState.DELIVERING: "Another command of the agent's is starting in this window.",
    PaneState.RUNNING: "Another command of the agent's is still running in this window.",
    PaneState.ENDING: "The last command ended, and the shell does not show a prompt yet.",
    PaneState.DEAD: "The shell in the box ended, and a new one does not show a prompt yet.",
}
"""Why nothing can be started, a sentence for each state but PROMPT."""

HALF_TYPED = "Something is half typed at the terminal's prompt."

MINE = frozenset({PaneState.DELIVERING, PaneState.RUNNING})
"""States in which an action of the agent's has the pane."""

_MOVES: dict[tuple[PaneState, type[marks.Mark]], PaneState] = {
    (PaneState.DELIVERING, marks.ActionBegun): PaneState.RUNNING,
    (PaneState.DELIVERING, marks.ActionRefused): PaneState.ENDING,
    (PaneState.RUNNING, marks.ActionOver): PaneState.ENDING,
    **{
        (state, marks.LineEntered): PaneState.FOREIGN
        for state in (PaneState.STARTING, PaneState.PROMPT, PaneState.TOUCHED, PaneState.ENDING)
    },
    **{
        (state, marks.PromptShown): PaneState.PROMPT
        for state in PaneState
        if state not in MINE and state is not PaneState.DEAD
    },
}
_COMES_TO = {
    (PaneState.DELIVERING, marks.ActionBegun): Heard.BEGUN,
    (PaneState.DELIVERING, marks.ActionRefused): Heard.REFUSED,
    (PaneState.RUNNING, marks.ActionOver): Heard.OVER,
}


class PaneMachine:
    """The states and what moves between them. Raises nothing; a mark out of place is ignored."""

    def __init__(self) -> None:
        self.state = PaneState.STARTING
        self.action: str | None = None
        """The action that is being delivered or whose command runs."""
        self.half_typed: int | None = None
        """The probe's last answer."""
        self._overtaken = False

    @property
    def free(self) -> bool:
        """True when a command can be laid out and its key typed."""
        return self.state is PaneState.PROMPT

    def deliver(self, action: str) -> None:
        """The action's file is in place; its launcher is about to be typed."""
        self.state, self.action, self._overtaken = PaneState.DELIVERING, action, False

    def resume(self, action: str) -> None:
        """The pane was found with an action's command running in it."""
        self.state, self.action = PaneState.RUNNING, action

    def unknown(self) -> None:
        """Nothing is known of the prompt: ask before anything is laid out."""
        self.state, self.action = PaneState.TOUCHED, None

    def withdraw(self) -> None:
        """The action that was being delivered will not be started any more."""
        if self.state is PaneState.DELIVERING:
            self.unknown()

    def died(self) -> str | None:
        """The shell ended. Returns the action that it took along."""
        action, self.action = self.action, None
        self.state = PaneState.DEAD
        return action

    def respawned(self) -> None:
        """A new shell starts."""
        self.state = PaneState.STARTING

    def printed(self) -> None:
        """Something that is no mark was printed."""
        if self.state is PaneState.PROMPT:
            self.state = PaneState.TOUCHED

    def hear(self, mark: marks.Mark) -> Heard:
        """Take a mark, and say what it comes to."""
        if isinstance(mark, marks.HalfTyped):
            return self._probed(mark.length)
        if self.state is PaneState.DELIVERING and isinstance(mark, marks.LineEntered):
            self._overtaken = True
        if self.state is PaneState.DELIVERING and isinstance(mark, marks.PromptShown):
            again, self._overtaken = self._overtaken, False
            return Heard.PRESS_AGAIN if again else Heard.NOTHING
        step = self.state, type(mark)
        self.state = _MOVES.get(step, self.state)
        if self.state not in MINE:
            self.action = None
        return _COMES_TO.get(step, Heard.NOTHING)

    def _probed(self, length: int) -> Heard:
        self.half_typed = length
        if self.state is not PaneState.DELIVERING:
            return Heard.NOTHING
        return Heard.IN_THE_WAY if length else Heard.LOST
