"""A session's turns, to choose the one at whose end a fork begins."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.engine.exports import Chapter, Story
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.rows import ListRow, RowList
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import age, count

NONE_OVER = "No turn of this session is over yet, so there is nothing to fork from."


class TurnsScreen(ModalScreen[str]):
    """Comes back with the id of a turn; without one when the person went back."""

    BINDINGS = bindings_for("turns")

    def __init__(self, story: Story, kit: Kit) -> None:
        super().__init__()
        self._story = story
        self._kit = kit

    def compose(self) -> ComposeResult:
        """The turns that are over."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = Content("Fork after which turn?")
            sheet.border_subtitle = Content("Enter forks   Esc back")
            yield Static("The new session begins with all up to the end of the turn.", markup=False)
            yield RowList(self._kit, id="turns")

    def on_mount(self) -> None:
        """The last one is marked."""
        over = [turn for turn in self._story.turns if turn.outcome is not None]
        listed = self.query_one(RowList)
        listed.put([self._row(turn) for turn in over])
        listed.mark(len(over) - 1)
        listed.focus()

    def _row(self, turn: Chapter) -> ListRow:
        said = one_line(turn.said) or "(nothing was said)"
        ago = age(self._kit.clock.wall() - turn.at)
        return ListRow(
            turn.turn_id, f"{turn.number}  {said}", (count(len(turn.entries), "line"), ago)
        )

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A click marks."""
        self.query_one(RowList).mark(event.index)

    def action_move(self, step: int) -> None:
        """Mark another turn."""
        listed = self.query_one(RowList)
        listed.mark(listed.index + step)

    def action_fork(self) -> None:
        """Fork at the marked one."""
        marked = self.query_one(RowList).marked
        if marked is not None:
            self.dismiss(marked.id)

    def action_back(self) -> None:
        """Fork nothing."""
        self.dismiss("")
