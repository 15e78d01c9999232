"""What a front end may ask of the engine: the whole interface, and nothing of how it is done."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.checkpoints import Checkpoint, Restored, UndoPlan
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.events import Event
from pocketcoder_tui.core.model import Offer
from pocketcoder_tui.core.network import BoxPort
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.terminal import Job, WindowFacts
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.core.trials import Trial
from pocketcoder_tui.engine.catalogue import Catalogue
from pocketcoder_tui.engine.keybook import Keybook
from pocketcoder_tui.engine.rulebook import Rulebook

WATCHING = "watching"
"""In a mode's place: another process works in the session, and this one changes nothing."""
ENDED = "ended"
"""The same, and the other one has left; nothing more comes."""


class Checkpoints(Protocol):
    """The workspace as it was before each action that could write."""

    async def entries(self) -> Sequence[Checkpoint]:
        """All there are, oldest first. Raises CheckpointError."""

    async def plan(self, number: int = 0) -> UndoPlan:
        """What going back to one would do; 0 for the last step that changed something.

        Raises CheckpointError, also when there is nothing to undo.
        """

    async def undo(self, plan: UndoPlan) -> Restored:
        """Do what a plan shows, after a checkpoint of its own; recorded and told to the model.

        Raises PlanStale when the workspace changed since the plan was made, and CheckpointError.
        """


class Trials(Protocol):
    """What a waiting command would do, seen in a throw-away copy. Decides nothing."""

    async def run(self, action_id: str, on_step: Callable[[str], None]) -> Trial:
        """Run a waiting command in a copy of workspace and box; ``on_step`` is told what is done.

        Cancelling ends it. Copy and container are gone afterwards. Raises SandboxError,
        CheckpointError, or TrialRefused when it cannot be tried.
        """


class Network(Protocol):
    """The box's way out, and the ports that lead into it."""

    @property
    def on(self) -> bool:
        """Whether programs in the box can ask for hosts."""

    async def ports(self) -> Sequence[BoxPort]:
        """Where programs in the box wait for connections. Raises SandboxError."""

    async def forward(self, number: int) -> BoxPort:
        """Let a port of this machine's loopback lead to one in the box. Raises SandboxError."""

    async def unforward(self, number: int) -> None:
        """End that, with the connections over it. Raises SandboxError."""

    async def end(self, action_id: str) -> None:
        """End what was allowed about a host, and cut what is open."""


class Queue(Protocol):
    """Messages that no model call took yet."""

    async def edit(self, message_id: str, text: str) -> None:
        """Change one; it keeps its place. Raises TransitionRefused when it was taken already."""

    async def withdraw(self, message_id: str) -> None:
        """Take one back. Raises TransitionRefused when it was taken already."""


class Review(Protocol):
    """What a person may do with an action beside allowing and denying it."""

    async def edit(self, action_id: str, text: str) -> None:
        """Replace a waiting action by one with this text, which waits for its own decision.

        Raises TransitionRefused when it no longer waits, or when nothing would change or fit.
        """

    async def keep_hunks(self, action_id: str, hunks: Collection[int]) -> None:
        """Replace a waiting change of a file by one with only these hunks, counted from 0.

        Raises TransitionRefused when it no longer waits or the file changed, or SandboxError.
        """

    async def undo(self) -> str:
        """Take back the person's last decision; returns the action that it was about.

        It is asked again. Raises TransitionRefused when it has left, or the model was told.
        """


class Models(Protocol):
    """The models of the providers that the person set up."""

    @property
    def name(self) -> str:
        """The one that is asked now, as it is set."""

    @property
    def default(self) -> str:
        """The one of the settings for the mode of this moment."""

    async def offered(self) -> Offer:
        """What the providers have, by their own lists of this moment."""

    async def choose(self, name: str) -> None:
        """Ask this model from the next call on, in this session; empty for the settings' one.

        Recorded. Raises ModelUnknown for what is no name, LedgerError.
        """


class Workbench(Protocol):
    """One session in one workspace, from a front end's side.

    Every coroutine raises PocketCoderError subclasses only; each has a sentence and a hint.
    """

    @property
    def transcript(self) -> Transcript:
        """Everything so far. The engine applies each event before it calls the listeners."""

    @property
    def model_label(self) -> str:
        """The model's name for the status line; the tour says that it is the tour."""

    @property
    def mode(self) -> str:
        """ask, contained or plan; WATCHING or ENDED where another process works."""

    @property
    def rulebook(self) -> Rulebook:
        """Changes the mode; makes, lists and ends rules."""

    @property
    def keybook(self) -> Keybook:
        """The SSH keys that may come to the terminal, and the door that they open."""

    @property
    def models(self) -> Models:
        """Which models there are, and which one is asked."""

    @property
    def review(self) -> Review:
        """Changing what waits, and taking back what was decided."""

    @property
    def checkpoints(self) -> Checkpoints:
        """What was kept of the workspace, and the way back."""

    @property
    def trials(self) -> Trials:
        """Tries of what waits, in throw-away copies."""

    @property
    def network(self) -> Network:
        """The box's way out."""

    def listen(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``on_event`` on the event loop for everything that happens; returns the undo."""

    async def open(self) -> None:
        """Open the ledger and the session, repair what a crash left, then start the box if it can.

        Raises LedgerError or WorkspaceError. A box that cannot start is a BoxChanged event.
        """

    async def checks(self) -> list[Check]:
        """How engine, image and key stand now."""

    def mend(self, check_id: str) -> AsyncIterator[Progress]:
        """Bring what a check misses. Closing the iterator cancels it. Raises SandboxError."""

    async def set_key(self, key: str) -> None:
        """Keep a model key (0600) and use it from now on. Raises ConfigError."""

    async def take_tour(self) -> None:
        """Go on with the scripted model; its first message is sent by the person or the screen."""

    async def send(self, text: str) -> None:
        """Queue a message; starts a turn when the agent rests. Durable when it returns."""

    @property
    def queue(self) -> Queue:
        """What was sent and waits for the next model call."""

    async def decide(self, action_id: str, outcome: Outcome, reason: str = "") -> None:
        """Record the person's decision. Raises TransitionRefused when it was decided already."""

    async def stop(self) -> None:
        """End the model's reply and the turn at once. A running command is left alone."""

    async def interrupt(self) -> None:
        """Send C-c to the window that is shown."""

    async def clear_line(self, window: str) -> None:
        """Remove a half-typed line that keeps a command from starting."""

    def windows(self) -> list[WindowFacts]:
        """The terminal's windows; none while the box does not run."""

    async def show_window(self, window: str) -> None:
        """Choose the window that ``watch`` and ``attach`` show."""

    async def jobs(self) -> list[Job]:
        """The programs that run in the box."""

    async def stop_job(self, pid: int) -> bool:
        """End a program of the box; False when there is none of that number."""

    async def resize(self, columns: int, rows: int) -> None:
        """The size of the pane that shows the terminal."""

    def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AbstractAsyncContextManager[None]:
        """Follow the live terminal."""

    def attach(self) -> int:
        """Blocking: hand this process's terminal to the box's tmux until the person detaches.

        Returns the exit status. Raises SandboxError. Run it while the screen is suspended.
        """

    @property
    def library(self) -> Catalogue:
        """All sessions of this workspace: found, renamed, forked, put away, exported, deleted."""

    async def sessions(self) -> list[SessionSummary]:
        """The sessions of this workspace, the last changed first."""

    async def aclose(self) -> None:
        """Let go of everything in order; the box and its commands go on."""
