"""One pane's life as a state machine: pure, driven by marks, asked before anything is typed."""

from enum import StrEnum

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
    """A line that the relay did not type runs."""
    LAUNCHED = "launched"
    """The launcher was typed."""
    RUNNING = "running"
    """The action's command runs."""
    ENDING = "ending"
    """The command ended; the prompt is not back yet."""
    DEAD = "dead"
    """The shell ended; a new one is on its way."""


BUSY = {
    PaneState.STARTING: "The shell in the box does not show a prompt.",
    PaneState.TOUCHED: "The shell in the box does not answer at its prompt.",
    PaneState.FOREIGN: "A command that was typed in the terminal is still running.",
    PaneState.LAUNCHED: "Another command of the agent's is starting in the terminal.",
    PaneState.RUNNING: "Another command of the agent's is still running in the terminal.",
    PaneState.ENDING: "The last command ended, and the shell does not show a prompt.",
    PaneState.DEAD: "The shell in the box ended and did not come back.",
}
"""Why nothing can be typed, a sentence for each state but PROMPT."""

PASSING = frozenset({PaneState.STARTING, PaneState.ENDING, PaneState.DEAD})
"""States that end by themselves, soon."""

LASTING = frozenset({PaneState.FOREIGN, PaneState.LAUNCHED, PaneState.RUNNING})
"""States that may last for ever."""

CLAIMED = "The shell refused the action: it was claimed before."
HALF_TYPED = "Something is half typed at the terminal's prompt, so nothing was sent there."
UNSURE = "The shell in the box did not get the word to run the action, so nothing ran."
"""Why a typed launcher did not run its action."""

_IN_ACTION = frozenset({PaneState.LAUNCHED, PaneState.RUNNING})
_AT_PROMPT = frozenset({PaneState.PROMPT, PaneState.TOUCHED})


class PaneMachine:
    """The states and what moves between them. Raises nothing; a mark out of place is ignored."""

    def __init__(self) -> None:
        self.state = PaneState.STARTING
        self.action: str | None = None
        """The action whose launcher was typed or whose command runs."""
        self.half_typed: int | None = None
        """The probe's last answer."""

    def launch(self, action: str) -> None:
        """The action's file is in place; its launcher is about to be typed at a free prompt."""
        self.state, self.action = PaneState.LAUNCHED, action

    def clean(self) -> None:
        """The probe found nothing at the prompt."""
        if self.state is PaneState.TOUCHED:
            self.state = PaneState.PROMPT

    def resume(self, action: str) -> None:
        """The pane was found with an action's command running in it."""
        self.state, self.action = PaneState.RUNNING, action

    def unknown(self) -> None:
        """The pane was found, and nothing is known of it: ask before typing."""
        self.state, self.action = PaneState.TOUCHED, None

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

    def mark(self, mark: marks.Mark) -> str:
        """Take a mark. Returns why the typed launcher did not run its action, if that is so."""
        match mark:
            case marks.ActionBegun() if self.state in _IN_ACTION:
                self.state = PaneState.RUNNING
            case marks.ActionOver() if self.state is PaneState.RUNNING:
                self.state, self.action = PaneState.ENDING, None
            case marks.LineEntered() if self.state in _AT_PROMPT:
                self.state = PaneState.FOREIGN
            case marks.ActionRefused() if self.state is PaneState.LAUNCHED:
                self.state, self.action = PaneState.ENDING, None
                return CLAIMED
            case marks.HalfTyped() if self.state is PaneState.LAUNCHED:
                self.state, self.action = PaneState.TOUCHED, None
                return HALF_TYPED if mark.length else UNSURE
            case marks.HalfTyped():
                self.half_typed = mark.length
            case marks.PromptShown() if self.state not in _IN_ACTION:
                self.state = PaneState.PROMPT
        return ""
