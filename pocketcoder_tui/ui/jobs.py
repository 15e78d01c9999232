"""What runs in the box, on a screen of its own: windows, programs, and a key that stops one."""

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.terminal import Job, WindowFacts
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import duration

EMPTY = "No program runs in the box but the windows' shells."


class JobsScreen(ModalScreen[None]):
    """Lists once, and again after a stop."""

    BINDINGS = bindings_for("programs")

    def __init__(self, workbench: Workbench, kit: Kit) -> None:
        super().__init__()
        self._workbench = workbench
        self._kit = kit
        self._jobs: list[Job] = []
        self._at = 0
        self._word = "Looking…"

    def compose(self) -> ComposeResult:
        """One text."""
        with VerticalScroll(classes="sheet") as sheet:
            sheet.border_title = Content("Windows and programs")
            sheet.border_subtitle = Content("x stops   Esc back")
            yield Static(id="jobs", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self._draw()
        self._look()

    def action_move(self, step: int) -> None:
        """Select another program."""
        self._at = min(max(self._at + step, 0), max(len(self._jobs) - 1, 0))
        self._draw()

    def action_stop(self) -> None:
        """End the selected program."""
        if self._jobs:
            self._word = f"Stopping {self._jobs[self._at].pid}…"
            self._draw()
            self._stop(self._jobs[self._at].pid)

    def action_back(self) -> None:
        """Close the list."""
        self.dismiss()

    @work(group="jobs", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        try:
            self._jobs, self._word = await self._workbench.jobs(), ""
        except PocketCoderError as error:
            self._word = sentence_of(error)
        self.action_move(0)

    @work(group="stop", exit_on_error=False)
    async def _stop(self, pid: int) -> None:
        try:
            ended = await self._workbench.stop_job(pid)
        except PocketCoderError as error:
            self._word = sentence_of(error)
            self._draw()
            return
        self._look()
        if not ended:
            self._word = f"There is no program {pid} any more."

    def _draw(self) -> None:
        parts: list[str | tuple[str, str]] = [("Windows\n", "bold $primary")]
        for window in self._workbench.windows():
            parts.append(_window_words(window))
        parts.append(("\nPrograms\n", "bold $primary"))
        for number, job in enumerate(self._jobs):
            sign = self._kit.pick("▌", ">") if number == self._at else " "
            parts.append((f"{sign} {_job_words(job)}\n", "bold" if number == self._at else ""))
        if not self._jobs and not self._word:
            parts.append((f"  {EMPTY}\n", "$text-muted"))
        if self._word:
            parts.append((f"\n{self._word}", "$warning"))
        self.query_one("#jobs", Static).update(Content.assemble(*parts))


def _window_words(window: WindowFacts) -> str:
    return f"  {one_line(window.name):<16} {window.state.value:<12} {one_line(window.cwd)}\n"


def _job_words(job: Job) -> str:
    where = one_line(job.window) or "no window"
    ground = "" if job.foreground else ", background"
    return f"{job.pid:>6}  {duration(job.seconds):<10} {one_line(job.command)}  ({where}{ground})"
