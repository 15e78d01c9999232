"""The try: what a waiting command did in a throw-away copy. Nothing here decides."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static
from textual.worker import Worker

from pocketcoder_tui.core.actions import Preview, PreviewKind
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.core.trials import Trial
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.gatekeeper.faithful import plain
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.changes import difference_words, listed
from pocketcoder_tui.ui.folding import Ink, Piece, decision_lines, lines_of, preview_lines
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView
from pocketcoder_tui.ui.words import duration

FILES = 30
"""Files that are listed above the difference."""
UNDECIDED = "Nothing was decided: it waits as before."


class TrialScreen(ModalScreen[None]):
    """Runs the try while it is open; leaving it ends the try."""

    BINDINGS = bindings_for("try")

    def __init__(self, workbench: Workbench, kit: Kit, deed: Deed) -> None:
        super().__init__()
        self._workbench = workbench
        self._kit = kit
        self._deed = deed
        self._began = kit.clock.steady()
        self._step = "Getting ready."
        self._ticker: Timer | None = None
        self._trying: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """The result, and what the keys do."""
        with Vertical(classes="sheet", id="trial") as sheet:
            title = f"Try in a throw-away copy {self._kit.pick('·', '-')} decides nothing"
            sheet.border_title = Content(title)
            yield TextView(self._kit, id="trial-text")
            yield Static("", id="trial-hint", markup=False)

    def on_mount(self) -> None:
        """Show the command, and try it."""
        self._text.show(decision_lines(self._deed))
        self._ticker = self.set_interval(1, self._tick)
        self._tick()
        self._trying = self._try()

    def action_back(self) -> None:
        """Close it; a try that runs is ended."""
        if self._trying is not None:
            self._trying.cancel()
        self.dismiss()

    def action_read(self, step: int) -> None:
        """Almost a page."""
        self.action_line(step * max(self._text.size.height - 1, 1))

    def action_line(self, step: int) -> None:
        """Some lines."""
        self._text.scroll_to(y=self._text.scroll_y + step, animate=False, immediate=True)

    @property
    def _text(self) -> TextView:
        return self.query_one("#trial-text", TextView)

    @work(group="try", exit_on_error=False)
    async def _try(self) -> None:
        try:
            trial = await self._workbench.trials.run(self._deed.id, self._stepped)
        except PocketCoderError as error:
            lines = [[Piece(sentence_of(error), Ink.NOTE)], [Piece(UNDECIDED, Ink.DIM)]]
        else:
            lines = trial_lines(trial, self._kit)
        if self._ticker is not None:
            self._ticker.stop()
        self._text.show(lines)
        self._say("Space reads on   Esc back to the decision")

    def _stepped(self, step: str) -> None:
        self._step = step
        self._tick()

    def _tick(self) -> None:
        took = duration(self._kit.clock.steady() - self._began)
        self._say(f"{self._step}  {took}   Esc ends it")

    def _say(self, text: str) -> None:
        self.query_one("#trial-hint", Static).update(Content.styled(text, "$text-muted"))


def trial_lines(trial: Trial, kit: Kit) -> list[list[Piece]]:
    """Everything about a try: how it ended, what it printed, what it changed."""
    lines = [[Piece(_ended_words(trial), Ink.NOTE)], [Piece(UNDECIDED, Ink.DIM)]]
    lines += [[Piece(one_line(note), Ink.DIM)] for note in trial.notes]
    lines.append([Piece("")])
    if trial.output:
        lines.append([Piece("It printed:", Ink.NOTE)])
        lines += lines_of([Piece(plain(trial.output).rstrip("\n"))])
        if trial.truncated:
            lines.append([Piece("(the rest of its output was not kept)", Ink.NOTE)])
    else:
        lines.append([Piece("It printed nothing.", Ink.NOTE)])
    lines.append([Piece("")])
    if trial.difference.same:
        lines.append([Piece("It would change nothing in the workspace.", Ink.NOTE)])
        return lines
    words = difference_words(trial.difference, kit)
    lines.append([Piece(f"It would change {words}:", Ink.NOTE)])
    lines += [[Piece(f"  {file}")] for file in listed(trial.difference, kit, FILES)]
    lines.append([Piece("")])
    lines += preview_lines(Preview(PreviewKind.DIFF, "try", "", trial.text))
    return lines


def _ended_words(trial: Trial) -> str:
    took = duration(trial.seconds)
    if trial.ended:
        return one_line(trial.ended)
    return f"It ended with status {trial.status} after {took}."


__all__ = ["TrialScreen", "trial_lines"]
