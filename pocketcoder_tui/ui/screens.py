"""The small screens above the main one: help, a question, and a text on the whole screen."""

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pocketcoder_tui.ui.actions import groups, keys_of
from pocketcoder_tui.ui.folding import Piece
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.textview import TextView


class HelpScreen(ModalScreen[None]):
    """Every key, by where it works."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "Back", show=False)
    ]

    def compose(self) -> ComposeResult:
        """One list."""
        with VerticalScroll(classes="sheet") as sheet:
            sheet.border_title = Content("Keys")
            sheet.border_subtitle = Content("Esc back")
            yield KeyList(markup=False)


class KeyList(Static):
    """All keys by where they work, laid out so that words never run below the keys."""

    def on_resize(self) -> None:
        """Lay them out for the width."""
        self.update(_help_text(self.content_size.width))


def _help_text(width: int) -> Content:
    column = min(26, max(width // 4, 10))
    parts: list[str | Content | tuple[str, str]] = []
    for group, actions in groups():
        parts.append((f"{group.capitalize()}\n", "bold $primary"))
        for known in actions:
            if not known.key:
                continue
            keys = f"  {keys_of(known)}"
            words = wrap(f"{known.description}. {known.tooltip}", max(width - column, 10))
            if len(keys) < column:
                first, *words = words
                parts.append((f"{keys:<{column}}", "bold"))
                parts.append(f"{first}\n")
            else:
                parts.append((f"{keys}\n", "bold"))
            parts += [f"{' ' * column}{line}\n" for line in words]
        parts.append("\n")
    return Content.assemble(*parts)


class AskScreen(ModalScreen[bool]):
    """A question with yes and no; anything else is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes", show=False),
        Binding("n,escape", "dismiss(False)", "No", show=False),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The question and the two keys."""
        with Vertical(classes="question"):
            yield Static(
                Content.assemble(one_line(self._question), ("\n\ny yes   n no", "bold $warning")),
                markup=False,
            )


class TextScreen(ModalScreen[None]):
    """A long text on the whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f", "dismiss", "Back", show=False),
        Binding("space,pagedown", "scroll(1)", "Read on", show=False),
        Binding("b,pageup", "scroll(-1)", "Read back", show=False),
        Binding("down,j", "line(1)", "Down", show=False),
        Binding("up,k", "line(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[list[Piece]], kit: Kit) -> None:
        super().__init__()
        self._title = one_line(title)
        self._lines = lines
        self._kit = kit

    def compose(self) -> ComposeResult:
        """The text."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = Content(self._title)
            sheet.border_subtitle = Content("Esc back   Space reads on")
            yield TextView(self._kit)

    def on_mount(self) -> None:
        """Show it."""
        self.query_one(TextView).show(self._lines)

    def action_scroll(self, step: int) -> None:
        """Almost a page."""
        view = self.query_one(TextView)
        self.action_line(step * max(view.size.height - 1, 1))

    def action_line(self, step: int) -> None:
        """Some lines."""
        view = self.query_one(TextView)
        view.scroll_to(y=view.scroll_y + step, animate=False, immediate=True)
