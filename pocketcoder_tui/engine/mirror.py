"""A workbench that only looks: the session of another process, folded from what that one sends.

It owns nothing of the session. What would change something is refused with a sentence, and the
transcript is the owner's: the same events through the same fold.
"""

import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from pocketcoder_tui.control import stream
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.checks import Check, Progress
from pocketcoder_tui.core.errors import PocketCoderError, WatchingOnly
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.terminal import Job, WindowFacts
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Listener
from pocketcoder_tui.engine.mirrorlines import Complete, Head, Item, MirrorError, Page, read_line
from pocketcoder_tui.engine.workbench import ENDED, WATCHING

log = logging.getLogger(__name__)
ASK = "session.watch"
"""What is asked of the owner; engine/mirroring.py answers."""
LEFT = "The other pocketcoder has left this session; what you see is its end."
GO_ON = "^R goes on with the session here."
AGAIN = "F5 watches again."
ATTACH = "Another terminal of yours can take the box's: pocketcoder attach."


class MirrorWorkbench:
    """Implements Workbench, read-only. Owns the connection to the process that works."""

    def __init__(self, socket: Path, *, now: Callable[[], float] = time.time) -> None:
        self._socket = socket
        self._now = now
        self._crew = Crew(self._on_failure)
        self._listeners: list[Listener] = []
        self._watchers: list[Callable[[ScreenChanged], None]] = []
        self._frame: ScreenChanged | None = None
        self._head: Head | None = None
        self._ended = False
        self._forget()
        nothing = _Elsewhere(self._refusal)
        self.review: Any = nothing
        """See Workbench; like the others, refused here."""
        self.checkpoints: Any = nothing
        self.trials: Any = nothing
        self.network: Any = nothing
        self.queue: Any = nothing
        self.library: Any = nothing
        self.rulebook: Any = nothing
        self.keybook: Any = nothing
        self.models: Any = nothing

    def _forget(self) -> None:
        self._transcript = Transcript()
        self._past = Transcript(prefix="earlier-")

    @property
    def transcript(self) -> Transcript:
        """The owner's, as far as it was heard."""
        return self._transcript

    @property
    def model_label(self) -> str:
        """See Workbench."""
        return self._head.model if self._head else ""

    @property
    def mode(self) -> str:
        """WATCHING, or ENDED once nothing comes any more."""
        return ENDED if self._ended else WATCHING

    @property
    def owner(self) -> int:
        """The process that works; 0 before it was asked."""
        return self._head.pid if self._head else 0

    def listen(self, on_event: Listener) -> Callable[[], None]:
        """See Workbench."""
        self._listeners.append(on_event)
        return lambda: self._listeners.remove(on_event)

    async def open(self) -> None:
        """Read all that happened, then follow. Raises ControlError or MirrorError."""
        self._forget()
        lines = stream(self._socket, ASK)
        try:
            await self._read_history(lines)
        except BaseException:
            await lines.aclose()
            raise
        self._crew.start(self._follow(lines), "watch")

    async def aclose(self) -> None:
        """Hang up. The session goes on where it is."""
        await self._crew.dismiss()

    # --- what comes

    async def _read_history(self, lines: AsyncGenerator[dict[str, Any]]) -> None:
        async for line in lines:
            match read_line(line):
                case Head() as head:
                    self._head = head
                case Page() as page:
                    self._fold(page)
                case Complete():
                    self._transcript.precede(self._past)
                    return
                case _:
                    raise MirrorError("The other pocketcoder told its session out of order.")
        raise MirrorError("The other pocketcoder ended before its session was read.", hint="")

    def _fold(self, page: Page) -> None:
        """As the owner folds a session that is read back (Journal.read_past)."""
        for event in page.events:
            self._apply(event, self._past if page.past else self._transcript)
            if isinstance(event, ev.Inherited) and not page.past:
                self._apply(event, self._past)

    async def _follow(self, lines: AsyncGenerator[dict[str, Any]]) -> None:
        """Show what happens until the owner ends, or sends what cannot be understood."""
        sentence, hint = LEFT, GO_ON
        try:
            async with contextlib.aclosing(lines):
                async for line in lines:
                    self._take(read_line(line))
        except PocketCoderError as error:
            sentence, hint = f"You watch no longer. {error.sentence}", AGAIN
        self._end(sentence, hint)

    def _take(self, item: Item) -> None:
        match item:
            case Head():
                self._head = item
            case ScreenChanged():
                self._frame = item
                for watcher in tuple(self._watchers):
                    watcher(item)
            case Page() | Complete():
                raise MirrorError("The other pocketcoder told its session out of order.")
            case _:
                self._apply(item, self._transcript)
                self._notify(item)

    def _apply(self, event: ev.Event, transcript: Transcript) -> None:
        try:
            transcript.apply(event)
        except KeyError as error:
            sentence = "The other pocketcoder told of something that it had not named before."
            raise MirrorError(sentence) from error

    def _end(self, sentence: str, hint: str) -> None:
        """Say that nothing comes any more, and what can be done."""
        self._ended = True
        noticed = ev.Noticed("warning", sentence, hint, self._now())
        self._transcript.apply(noticed)
        self._notify(noticed)

    def _on_failure(self, task: str, error: BaseException) -> None:
        self._end("You watch no longer: PocketCoder made an error of its own.", AGAIN)

    def _notify(self, event: ev.Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # boundary: a front end's defect must not end the watching
                log.exception("a listener failed at %s", type(event).__name__)

    # --- the terminal

    @contextlib.asynccontextmanager
    async def watch(self, on_frame: Callable[[ScreenChanged], None]) -> AsyncIterator[None]:
        """See Workbench: what the owner shows."""
        self._watchers.append(on_frame)
        if self._frame is not None:
            on_frame(self._frame)
        try:
            yield
        finally:
            self._watchers.remove(on_frame)

    async def resize(self, columns: int, rows: int) -> None:
        """The terminal keeps the owner's size."""

    def windows(self) -> list[WindowFacts]:
        """None: the owner chooses what is shown."""
        return []

    # --- what is the owner's

    def _refusal(self) -> WatchingOnly:
        which = f" (process {self.owner})" if self.owner else ""
        return WatchingOnly(f"You watch a session that another pocketcoder{which} works in.")

    async def checks(self) -> list[Check]:
        """Nothing is missing here."""
        return []

    def mend(self, check_id: str) -> AsyncIterator[Progress]:
        """Refused, at once."""
        raise self._refusal()

    async def set_key(self, key: str) -> None:
        """Refused."""
        raise self._refusal()

    async def take_tour(self) -> None:
        """Refused."""
        raise self._refusal()

    async def send(self, text: str) -> None:
        """Refused; the text stays with the person."""
        raise self._refusal()

    async def decide(self, action_id: str, outcome: Outcome, reason: str = "") -> None:
        """Refused."""
        raise self._refusal()

    async def stop(self) -> None:
        """Refused."""
        raise self._refusal()

    async def interrupt(self) -> None:
        """Refused."""
        raise self._refusal()

    async def clear_line(self, window: str) -> None:
        """Refused."""
        raise self._refusal()

    async def show_window(self, window: str) -> None:
        """Refused."""
        raise self._refusal()

    async def jobs(self) -> list[Job]:
        """Refused."""
        raise self._refusal()

    async def stop_job(self, pid: int) -> bool:
        """Refused."""
        raise self._refusal()

    def attach(self) -> int:
        """Refused; the box's terminal can be taken without a session."""
        raise WatchingOnly(self._refusal().sentence, hint=ATTACH)

    async def sessions(self) -> list[SessionSummary]:
        """Refused."""
        raise self._refusal()


class _Elsewhere:
    """A part of the workbench that only the owner has: whatever is asked of it is refused."""

    def __init__(self, refusal: Callable[[], WatchingOnly]) -> None:
        self._refusal = refusal

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._refuse

    async def _refuse(self, *_words: object, **_named: object) -> None:
        raise self._refusal()
