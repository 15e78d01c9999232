"""The workspace's sessions on a screen: listed, found as one types, looked into."""

from collections.abc import Coroutine, Sequence
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from pocketcoder_tui.core.shelf import Hit
from pocketcoder_tui.engine.catalogue import Catalogue, Glimpse
from pocketcoder_tui.ui.asking import AskLine
from pocketcoder_tui.ui.glimpse import glimpse_lines
from pocketcoder_tui.ui.guarded import guarded
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.rows import RowList
from pocketcoder_tui.ui.shelfstate import ShelfState

PAUSE = 0.12
"""Seconds without a key after which what was typed is searched for."""
GLANCE = 0.05
"""Seconds for which a row is marked before one looks into it."""
EMPTY = "No sessions yet. A session is kept as soon as you send a message in it."
NO_MATCH = "Nothing matches. All words must stand in one message, answer, command or output."
TO_WRITE = ("search", "rename", "export", "delete")
"""The actions after which what is typed is text. They act before the next key is looked at: a word
that is typed at once must not be taken for keys."""
KEYS = (("Enter", "go there"), ("n", "new"), ("/", "search"), ("r", "rename"), ("f", "fork"),
        ("a", "put away"), ("e", "export"), ("d", "delete"))  # fmt: skip


class GlimpseView(Widget):
    """A session in a few lines."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="shelf-glimpse")
        self.kit = kit
        self._shown: Glimpse | None = None
        self._hits: tuple[Hit, ...] = ()

    def put(self, glimpse: Glimpse | None, hits: tuple[Hit, ...] = ()) -> None:
        """Show another one, or none."""
        self._shown, self._hits = glimpse, hits
        self.refresh()

    def render(self) -> Content:
        """Lay it out for the room there is."""
        if self._shown is None:
            return Content()
        size = (self.size.width, self.size.height)
        return Content("\n").join(glimpse_lines(self._shown, self._hits, self.kit, size))


class ShelfScreen(ModalScreen[str | None]):
    """The list with what is typed above it, and a glimpse of the marked session."""

    def __init__(self, library: Catalogue, kit: Kit) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (110, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]
        self.library = library
        self.kit = kit
        self.state = ShelfState(library.open_id)
        self._loaded = False
        self._said = ("", "")
        # Kept by name: a worker may come to its end when the screen's own tree is gone.
        self.search = Input(
            placeholder="/ searches all that was said and done", id="shelf-search", compact=True
        )
        self.search.cursor_blink = False
        self.listed = RowList(kit, id="shelf-list")
        self.glimpsed = GlimpseView(kit)
        self.asking = AskLine()
        self.hint = Static("", id="shelf-hint", markup=False)
        self._pause: Timer | None = None
        self._glance: Timer | None = None

    def compose(self) -> ComposeResult:
        """What is typed, the list, the glimpse, a line that asks, a line that tells."""
        with Vertical(classes="whole") as sheet:
            sheet.border_title = Content("Sessions")
            yield self.search
            with Horizontal(id="shelf"):
                yield self.listed
                yield self.glimpsed
            yield self.asking
            yield self.hint

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that begin to write come before all others, but are letters while one writes."""
        return action not in TO_WRITE or not isinstance(self.focused, Input)

    def on_mount(self) -> None:
        """Read the list."""
        self.set_focus(self.listed)
        self._draw()
        self.do(self.load(), "load")

    # --- what is shown

    def _draw(self) -> None:
        """Bring list and hint in step with what is known."""
        before = self.listed.marked
        self.listed.put(self.state.rows(self.kit.clock.wall()))
        after = self.listed.marked
        if (before and before.id) != (after and after.id) or self.state.query:
            self._look_soon()
        self.tell()

    def tell(self) -> None:
        """Bring the line that tells in step: what was said, or the keys."""
        sentence, style = self._said
        hint = self.hint
        if self.asking.display:
            hint.update(Content.styled(sentence or self.asking.hint, style or "$warning"))
        elif sentence:
            hint.update(Content.styled(sentence, style))
        elif not self._loaded:
            hint.update(Content.styled("Reading…", "$text-muted"))
        elif not self.listed.rows and not self.state.hidden:
            hint.update(Content.styled(NO_MATCH if self.state.query else EMPTY, "$text-muted"))
        else:
            hint.update(self._keys())

    def _keys(self) -> Content:
        row = self.listed.marked
        session = self.state.session(row.id) if row else None
        away = session is not None and session.archived
        keys = [(key, "take out" if key == "a" and away else word) for key, word in KEYS]
        if self.state.hidden:
            keys.append(("A", f"shows {self.state.hidden} put away"))
        elif self.state.away:
            keys.append(("A", "hides those put away"))
        width = self.query_one("#shelf-hint").size.width or self.size.width
        return _laid_out([*keys, ("Esc", "back")], width)

    def say(self, sentence: str, style: str = "$warning") -> None:
        """Tell a safe sentence until the next key that does something."""
        self._said = (sentence, style)
        self.tell()

    def on_key(self, event: events.Key) -> None:
        """What was told is read by now."""
        self._said = ("", "")
        self.tell()

    # --- work

    def do(self, work: Coroutine[Any, Any, None], group: str, *, exclusive: bool = True) -> None:
        """Run what may fail; its failure becomes a sentence on this screen."""
        self.run_worker(guarded(work, self.say), group=group, exclusive=exclusive)

    async def load(self, mark: str = "") -> None:
        """Read the list anew, and mark a session in it."""
        self.state.sessions = await self.library.sessions(archived=True)
        self._loaded = True
        self._draw()
        places = [i for i, row in enumerate(self.listed.rows) if row.id == mark]
        if places:
            self._mark(places[0])

    async def _search(self, query: str) -> None:
        hits = await self.library.search(query) if query else []
        if query == self.state.query:
            self.state.found(query, hits)
            self._draw()

    def _look_soon(self) -> None:
        if self._glance is not None:
            self._glance.stop()
        self._glance = self.set_timer(GLANCE, self._look_now)

    def _look_now(self) -> None:
        self._glance = None
        row = self.listed.marked
        if row is None:
            self.glimpsed.put(None)
        elif self.glimpsed.is_on_screen:
            self.do(self._look(row.id), "glimpse")

    async def _look(self, session_id: str) -> None:
        glimpse = await self.library.glimpse(session_id)
        self.glimpsed.put(glimpse, tuple(self.state.hits(session_id)))

    # --- typing

    def clear_search(self) -> None:
        """Everything is listed again."""
        self.search.value = self.state.query = ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """The titles are looked through at once, everything else a moment later."""
        if event.input.id != "shelf-search":
            return
        self.state.query = event.value.strip()
        self._draw()
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._search_now)

    def _search_now(self) -> None:
        self._pause = None
        self.do(self._search(self.state.query), "search")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the marked session, also from what is typed."""
        if event.input.id == "shelf-search":
            self.action_open()

    # --- keys

    def _mark(self, index: int) -> None:
        self.listed.mark(index)
        self._look_soon()
        self.tell()

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A click marks; a second one on the same row goes there."""
        if event.index == self.listed.index and self.listed.has_focus:
            self.action_open()
        self._mark(event.index)

    def on_resize(self) -> None:
        """The glimpse may have come into sight; the keys are laid out for the width."""
        self._look_soon()
        self.call_after_refresh(self.tell)

    def action_move(self, step: int) -> None:
        """Mark another session."""
        self._mark(self.listed.index + step)

    def action_page(self, step: int) -> None:
        """Mark one a page away."""
        self._mark(self.listed.index + step * max(self.listed.page - 1, 1))

    def action_open(self) -> None:
        """Go to the marked session."""
        row = self.listed.marked
        if row is not None:
            self.dismiss(None if row.id == self.library.open_id else row.id)

    def action_new(self) -> None:
        """Begin another session."""
        self.dismiss("")

    def action_search(self) -> None:
        """Type what to find."""
        self.set_focus(self.search)

    def action_show_away(self) -> None:
        """List those put away too, or no longer."""
        self.state.away = not self.state.away
        self._draw()

    def action_back(self) -> None:
        """One step back: the question, what is typed, the list."""
        if self.asking.display:
            self.asking.cancel()
        elif self.search.has_focus or self.search.value:
            self.search.value = ""
            self.set_focus(self.listed)
        else:
            self.dismiss(None)


def _laid_out(keys: Sequence[tuple[str, str]], width: int) -> Content:
    """Keys and what they do, as many on a line as fit; a key and its words stay together."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for key, word in keys:
        cells = len(key) + 1 + len(word)
        if used and used + 3 + cells > width:
            lines.append([])
            used = 0
        used += cells + (3 if used else 0)
        lines[-1].append((key, word))
    drawn = [
        Content("   ").join(Content.assemble((key, "bold"), f" {word}") for key, word in line)
        for line in lines
    ]
    return Content("\n").join(drawn)
