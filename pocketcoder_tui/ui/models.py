"""The providers' models, found by typing; the marked one is asked from now on.

What is typed can be chosen as it is, so a list that cannot be read keeps nobody from a model.
"""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pocketcoder_tui.core.model import Offer, OfferedModel
from pocketcoder_tui.engine.workbench import Models
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.guarded import guarded
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.rows import ListRow, RowList
from pocketcoder_tui.ui.safe import one_line

READING = "Asking the providers for their models…"
EMPTY = "No model's name fits. Type a whole name, and Enter chooses it."
SETTINGS = "The one of the settings"
TYPED = "As typed"


class ModelsScreen(ModalScreen[None]):
    """Asks the providers once, when it opens."""

    BINDINGS = bindings_for("models")

    def __init__(self, models: Models, kit: Kit) -> None:
        super().__init__()
        self._models = models
        self._kit = kit
        self._offer = Offer((), ())
        self._said = (READING, "$text-muted")
        # Kept by name: a worker may come to its end when the screen's own tree is gone.
        self._search = Input(placeholder="type a part of a name", id="models-search", compact=True)
        self._search.cursor_blink = False
        self._listed = RowList(kit, id="models-list")
        self._hint = Static("", id="models-hint", markup=False)

    def compose(self) -> ComposeResult:
        """What is typed, the list, a line that tells."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = Content("Models")
            sheet.border_subtitle = Content("Enter chooses   ↑ ↓ mark   Esc back")
            yield self._search
            yield self._listed
            yield self._hint

    def on_mount(self) -> None:
        """Ask."""
        self.set_focus(self._search)
        self._draw()
        self.run_worker(guarded(self._ask(), self._say), group="models", exclusive=True)

    def action_move(self, step: int) -> None:
        """Mark another model."""
        self._listed.mark(self._listed.index + step)

    def action_page(self, step: int) -> None:
        """Mark one a page away."""
        self.action_move(step * self._listed.page)

    def action_choose(self) -> None:
        """Ask the marked model from now on."""
        row = self._listed.marked
        if row is not None:
            self.run_worker(guarded(self._choose(row.id), self._say), group="choice")

    def action_back(self) -> None:
        """Choose nothing."""
        self.dismiss()

    def on_input_changed(self) -> None:
        """Show what fits."""
        self._draw()

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A click marks."""
        self._listed.mark(event.index)
        self.set_focus(self._search)

    async def _ask(self) -> None:
        self._offer = await self._models.offered()
        troubles = "\n".join(one_line(trouble) for trouble in self._offer.troubles)
        self._say(troubles, "$warning")
        self._draw()

    async def _choose(self, name: str) -> None:
        await self._models.choose(name)
        self.dismiss()

    def _say(self, sentence: str, style: str) -> None:
        self._said = (sentence, style)
        self._tell()

    def _tell(self) -> None:
        sentence, style = self._said
        if not sentence and not self._listed.rows:
            sentence, style = EMPTY, "$text-muted"
        self._hint.update(Content.styled(sentence, style))

    def _draw(self) -> None:
        self._listed.put(rows_of(self._models, self._offer.models, self._search.value))
        self._listed.mark(0)  # what fits best, whatever was marked in another list
        self._tell()


def rows_of(models: Models, offered: Sequence[OfferedModel], typed: str) -> list[ListRow]:
    """The models of which every typed word is a part, the one that is asked now first.

    What was typed and is nobody's name comes last, as it is; without anything typed there is the
    model of the settings.
    """
    words = typed.lower().split()
    fitting = [m for m in offered if all(w in f"{m.name} {m.title}".lower() for w in words)]
    fitting.sort(key=lambda model: model.name != models.name)
    rows = [_row(model, asked=model.name == models.name) for model in fitting]
    name = typed.strip()
    if name and name not in {model.name for model in offered}:
        rows.append(ListRow(name, one_line(name), (TYPED,), quiet=True))
    if not name:
        rows.append(ListRow("", SETTINGS, (one_line(models.default),), quiet=True))
    return rows


def _row(model: OfferedModel, *, asked: bool) -> ListRow:
    title = one_line(model.title)
    context = f"{model.context:,} tokens" if model.context else ""
    facts = (title if title != model.name else "", context, one_line(model.price))
    now = ("asked now",) if asked else ()
    return ListRow(model.name, one_line(model.name), (*filter(None, facts), *now))
