"""The undo: what going back to a checkpoint would change, shown before one key does it."""

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.core.actions import ActionState, Preview, PreviewKind
from pocketcoder_tui.core.checkpoints import Checkpoint, UndoPlan
from pocketcoder_tui.core.errors import PlanStale, PocketCoderError
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.workbench import Workbench
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.changes import difference_words, listed
from pocketcoder_tui.ui.folding import Ink, Piece, preview_lines
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView

FILES = 30
"""Files that are listed above the difference."""

LOOKING = "Looking at the workspace…"
SAME = "Nothing differs from this checkpoint."
RUNNING = "A command runs in the box: what it writes meanwhile is not brought back."


class UndoScreen(ModalScreen[str]):
    """Looks, shows, and does it on y. Gives back what was done in a sentence; empty for nothing."""

    BINDINGS = bindings_for("undo")

    def __init__(self, workbench: Workbench, kit: Kit, number: int = 0) -> None:
        """``number``: the checkpoint to show first; 0 for the last step."""
        super().__init__()
        self._workbench = workbench
        self._kit = kit
        self._number = number
        self._plan: UndoPlan | None = None
        self._entries: Sequence[Checkpoint] = ()
        self._shown_at = 0.0
        self._doing = False

    def compose(self) -> ComposeResult:
        """The difference, and what the keys do."""
        with Vertical(classes="sheet", id="undo") as sheet:
            sheet.border_title = Content("Undo")
            yield TextView(self._kit, id="undo-text")
            yield Static("", id="undo-hint", markup=False)

    def on_mount(self) -> None:
        """Look."""
        self._say(LOOKING)
        self._look(self._number)

    @property
    def plan(self) -> UndoPlan | None:
        """What is shown; None while nothing is."""
        return self._plan

    def action_restore(self) -> None:
        """Bring back what is shown."""
        if self._plan is None or self._plan.difference.same or self._doing or self._resting:
            return
        self._doing = True
        self._say("Bringing it back…")
        self._restore(self._plan)

    def action_step(self, step: int) -> None:
        """Show the checkpoint before or after."""
        numbers = [entry.number for entry in self._entries]
        if self._plan is None or self._doing or self._plan.checkpoint.number not in numbers:
            return
        at = numbers.index(self._plan.checkpoint.number) + step
        if 0 <= at < len(numbers):
            self._say(LOOKING)
            self._look(numbers[at])

    def action_read(self, step: int) -> None:
        """Almost a page of the difference."""
        view = self.query_one("#undo-text", TextView)
        page = max(view.size.height - 1, 1)
        view.scroll_to(y=view.scroll_y + step * page, animate=False, immediate=True)

    def action_line(self, step: int) -> None:
        """One line of it."""
        view = self.query_one("#undo-text", TextView)
        view.scroll_to(y=view.scroll_y + step, animate=False, immediate=True)

    def action_back(self) -> None:
        """Close it; what was begun goes on."""
        self.dismiss("")

    @work(group="undo look", exclusive=True, exit_on_error=False)
    async def _look(self, number: int, first: str = "") -> None:
        try:
            self._entries = await self._workbench.checkpoints.entries()
            self._plan = await self._workbench.checkpoints.plan(number)
        except PocketCoderError as error:
            self._plan = None
            self._draw([[Piece(sentence_of(error), Ink.NOTE)]], "Undo")
            self._say("Esc back")
            return
        self._show(self._plan, first)

    @work(group="undo", exit_on_error=False)
    async def _restore(self, plan: UndoPlan) -> None:
        number = plan.checkpoint.number
        try:
            restored = await self._workbench.checkpoints.undo(plan)
        except PlanStale as stale:
            self._doing = False
            self._look(number, sentence_of(stale))
            return
        except PocketCoderError as error:
            self._doing = False
            self._draw([[Piece(sentence_of(error), Ink.NOTE)]], "Undo")
            self._say("Esc back")
            return
        said = f"The workspace is as it was before {one_line(plan.checkpoint.label)}."
        if restored.left:
            said += f" {len(restored.left)} things are not as they were; the conversation has them."
        if self.is_current:
            self.dismiss(said)

    def _show(self, plan: UndoPlan, first: str) -> None:
        entry, kit = plan.checkpoint, self._kit
        lines = [[Piece(first, Ink.NOTE)]] if first else []
        place = self._place(entry)
        lines.append([Piece(f"back to before {one_line(entry.label)}")])
        lines.append([Piece(f"checkpoint {entry.number}{place}", Ink.DIM)])
        if self._runs:
            lines.append([Piece(f"! {RUNNING}", Ink.NOTE)])
        if plan.difference.same:
            lines.append([Piece(SAME, Ink.NOTE)])
        else:
            lines.append([Piece(f"{difference_words(plan.difference, kit)}", Ink.DIM)])
            lines += [[Piece(f"  {file}")] for file in listed(plan.difference, kit, FILES)]
            lines.append([Piece("")])
            lines += preview_lines(
                Preview(PreviewKind.DIFF, "undo", "", plan.text, 0, 0, plan.notes)
            )
        self._draw(lines, f"Undo {kit.pick('·', '-')} checkpoint {entry.number}")
        self._shown_at = kit.clock.steady()
        self._hint()
        self.set_timer(kit.grace + 0.01, self._hint)

    @property
    def _resting(self) -> bool:
        """True in the first moment, while a key that was typed before must do nothing."""
        return self._kit.clock.steady() - self._shown_at < self._kit.grace

    def _hint(self) -> None:
        """What the keys would do now."""
        if self._plan is None or self._doing:
            return
        arrows = self._kit.pick("←→", "left right")
        keys = f"{arrows} other checkpoints   Space reads on   Esc back"
        if self.size.width < 60:
            keys = f"{arrows} others   Esc"
        useless = self._plan.difference.same or self._resting
        self._say(keys if useless else f"y brings it back   {keys}")

    def _place(self, entry: Checkpoint) -> str:
        numbers = [known.number for known in self._entries]
        if entry.number not in numbers:
            return ""
        return f", {numbers.index(entry.number) + 1} of {len(numbers)}"

    @property
    def _runs(self) -> bool:
        deeds = (e for e in self._workbench.transcript.entries.values() if isinstance(e, Deed))
        return any(deed.state is ActionState.DISPATCHED for deed in deeds)

    def _draw(self, lines: list[list[Piece]], title: str) -> None:
        self.query_one("#undo", Vertical).border_title = Content(title)
        self.query_one("#undo-text", TextView).show(lines)

    def _say(self, text: str) -> None:
        self.query_one("#undo-hint", Static).update(Content.styled(text, "$text-muted"))
