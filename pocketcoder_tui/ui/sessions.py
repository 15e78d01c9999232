"""All sessions of the workspace: found as one types, looked into, gone to, changed, handed on.

Comes back with the id of the session to go to, an empty one for a new session, None for none.
"""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.shelf import Hit
from pocketcoder_tui.engine.catalogue import Catalogue, Glimpse
from pocketcoder_tui.engine.exports import Format, Story, format_of, write_new
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.asking import Asked, AskLine, Question, export_question
from pocketcoder_tui.ui.glimpse import glimpse_lines
from pocketcoder_tui.ui.guarded import guarded
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.rows import ListRow, RowList
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.shelfstate import ShelfState
from pocketcoder_tui.ui.turns import NONE_OVER, TurnsScreen

PAUSE = 0.12
"""Seconds without a key after which what was typed is searched for."""
GLANCE = 0.05
"""Seconds for which a row is marked before one looks into it."""
EMPTY = "No sessions yet. A session is kept as soon as you send a message in it."
NO_MATCH = "Nothing matches. All words must stand in one message, answer, command or output."
KEYS = (("Enter", "go there"), ("n", "new"), ("/", "search"), ("r", "rename"), ("f", "fork"),
        ("a", "put away"), ("e", "export"), ("d", "delete"))  # fmt: skip


class GlimpseView(Widget):
    """A session in a few lines."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(id="shelf-glimpse")
        self._kit = kit
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
        return Content("\n").join(glimpse_lines(self._shown, self._hits, self._kit, size))


class SessionsScreen(ModalScreen[str | None]):
    """The list with what is typed above it, and a glimpse of the marked session."""

    BINDINGS = bindings_for("sessions")

    def __init__(self, library: Catalogue, kit: Kit, *, workspace: str = "") -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (110, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]
        self._library = library
        self._kit = kit
        self._workspace = workspace
        self.state = ShelfState(library.open_id)
        self._loaded = False
        self._said = ("", "")
        self._pause: Timer | None = None
        self._glance: Timer | None = None

    def compose(self) -> ComposeResult:
        """What is typed, the list, the glimpse, a line that asks, a line that tells."""
        with Vertical(classes="whole") as sheet:
            sheet.border_title = Content("Sessions")
            search = Input(placeholder="/ finds in titles and all that was said and done",
                           id="shelf-search", compact=True)  # fmt: skip
            search.cursor_blink = False
            yield search
            with Horizontal(id="shelf"):
                yield RowList(self._kit, id="shelf-list")
                yield GlimpseView(self._kit)
            yield AskLine()
            yield Static("", id="shelf-hint", markup=False)

    def on_mount(self) -> None:
        """Read the list."""
        self.listed.focus()
        self._draw()
        self._do(self._load(), "load")

    @property
    def listed(self) -> RowList:
        """The list."""
        return self.query_one("#shelf-list", RowList)

    @property
    def asking(self) -> AskLine:
        """The line that asks."""
        return self.query_one(AskLine)

    # --- what is shown

    def _draw(self) -> None:
        """Bring list and hint in step with what is known."""
        before = self.listed.marked
        self.listed.put(self.state.rows(self._kit.clock.wall()))
        after = self.listed.marked
        if (before and before.id) != (after and after.id) or self.state.query:
            self._look_soon()
        self._tell()

    def _tell(self) -> None:
        sentence, style = self._said
        hint = self.query_one("#shelf-hint", Static)
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
        parts: list[str | tuple[str, str]] = []
        for key, word in KEYS:
            out = key == "a" and session is not None and session.archived
            parts += [(key, "bold"), f" {'take out' if out else word}   "]
        if self.state.hidden:
            parts += [("A", "bold"), f" shows {self.state.hidden} put away   "]
        elif self.state.away:
            parts += [("A", "bold"), " hides those put away   "]
        return Content.assemble(*parts, ("Esc", "bold"), " back")

    def say(self, sentence: str, style: str = "$warning") -> None:
        """Tell a safe sentence until the next key that does something."""
        self._said = (sentence, style)
        self._tell()

    def on_key(self, event: events.Key) -> None:
        """What was told is read by now."""
        self._said = ("", "")
        self._tell()

    # --- work

    def _do(self, work: Coroutine[Any, Any, None], group: str) -> None:
        self.run_worker(guarded(work, self.say), group=group, exclusive=True)

    async def _load(self, mark: str = "") -> None:
        """Read the list anew, and mark a session in it."""
        self.state.sessions = await self._library.sessions(archived=True)
        self._loaded = True
        self._draw()
        places = [i for i, row in enumerate(self.listed.rows) if row.id == mark]
        if places:
            self._mark(places[0])

    async def _search(self, query: str) -> None:
        hits = await self._library.search(query) if query else []
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
        view = self.query_one(GlimpseView)
        if row is None:
            view.put(None)
        elif view.is_on_screen:
            self._do(self._look(row.id), "glimpse")

    async def _look(self, session_id: str) -> None:
        glimpse = await self._library.glimpse(session_id)
        self.query_one(GlimpseView).put(glimpse, tuple(self.state.hits(session_id)))

    # --- typing

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
        self._do(self._search(self.state.query), "search")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the marked session, also from what is typed."""
        if event.input.id == "shelf-search":
            self.action_open()

    # --- keys

    def _mark(self, index: int) -> None:
        self.listed.mark(index)
        self._look_soon()
        self._tell()

    def on_row_list_picked(self, event: RowList.Picked) -> None:
        """A click marks; a second one on the same row goes there."""
        if event.index == self.listed.index and self.listed.has_focus:
            self.action_open()
        self._mark(event.index)

    def on_resize(self) -> None:
        """The glimpse may have come into sight."""
        self._look_soon()

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
            self.dismiss(None if row.id == self._library.open_id else row.id)

    def action_new(self) -> None:
        """Begin another session."""
        self.dismiss("")

    def action_search(self) -> None:
        """Type what to find."""
        self.query_one("#shelf-search", Input).focus()

    def action_show_away(self) -> None:
        """List those put away too, or no longer."""
        self.state.away = not self.state.away
        self._draw()

    def action_archive(self) -> None:
        """Put the marked session away, or take it out again."""
        row = self.listed.marked
        session = self.state.session(row.id) if row else None
        if session is not None:
            self._do(self._archive(session.id, not session.archived), "change")

    async def _archive(self, session_id: str, away: bool) -> None:
        await self._library.archive(session_id, away)
        await self._load()
        self.say("It is put away: A shows it." if away else "It is in the list again.")

    def action_fork(self) -> None:
        """Choose the turn at whose end a new session begins."""
        row = self.listed.marked
        if row is not None:
            self.say("Reading the turns…", "$text-muted")
            self._do(self._choose_turn(row.id), "change")

    async def _choose_turn(self, session_id: str) -> None:
        story: Story = await self._library.story(session_id)
        if not any(turn.outcome is not None for turn in story.turns):
            self.say(NONE_OVER)
            return
        self.say("")

        def chosen(turn_id: str | None) -> None:
            if turn_id:
                self._do(self._fork(session_id, turn_id), "change")

        self.app.push_screen(TurnsScreen(story, self._kit), chosen)

    async def _fork(self, session_id: str, turn_id: str) -> None:
        made = await self._library.fork(session_id, turn_id)
        self.query_one("#shelf-search", Input).value = self.state.query = ""
        await self._load(made)
        self.say("The fork is marked: Enter goes there.", "$success")

    # --- what is asked for first

    def _ask(self, question: Question, row: ListRow | None, value: str = "") -> None:
        if row is not None:
            self.asking.ask(question, row.id, value)
            self._tell()

    def action_rename(self) -> None:
        """Ask for another title."""
        row = self.listed.marked
        session = self.state.session(row.id) if row else None
        self._ask(Question.RENAME, row, one_line(session.title) if session else "")

    def action_delete(self) -> None:
        """Ask for the word that deletes."""
        row = self.listed.marked
        if row is not None and row.id == self._library.open_id:
            self.say("This session is open. Go to another one first, or begin a new one: n.")
        else:
            self._ask(Question.DELETE, row)

    def action_export(self) -> None:
        """Ask for the file."""
        row = self.listed.marked
        if row is not None:
            self._ask(Question.EXPORT, row, export_question(row.title, row.id))

    def on_ask_line_answered(self, event: AskLine.Answered) -> None:
        """Do what was asked for."""
        self.listed.focus()
        self._tell()
        answer = event.answer
        if answer is not None:
            self._do(self._answered(answer), "change")

    async def _answered(self, answer: Asked) -> None:
        match answer.question:
            case Question.RENAME:
                await self._library.rename(answer.session_id, answer.text)
                await self._load(answer.session_id)
            case Question.DELETE:
                await self._library.delete(answer.session_id)
                await self._load()
                self.say("It is deleted. The audit chain keeps its hashes, and no content.")
            case Question.EXPORT:
                await self._export(answer.session_id, answer.text)

    async def _export(self, session_id: str, name: str) -> None:
        self.say("Writing…", "$text-muted")
        form = format_of(name)
        if form is None:
            endings = ", ".join(f".{form.value}" for form in Format)
            raise LedgerError(f"The name says no form: end it in {endings}.")
        text = await self._library.export(session_id, form)
        place = await asyncio.to_thread(_write, name, text, self._workspace)
        self.say(f"It is in {one_line(place)}. Read it before you hand it on.", "$success")

    def action_back(self) -> None:
        """One step back: the question, what is typed, the list."""
        search = self.query_one("#shelf-search", Input)
        if self.asking.display:
            self.asking.cancel()
        elif search.has_focus or search.value:
            search.value = ""
            self.listed.focus()
        else:
            self.dismiss(None)


def _write(name: str, text: str, workspace: str) -> str:
    """Write a new file; returns its whole name. Raises FileRefused."""
    place = os.path.expanduser(name)
    write_new(Path(place), text, workspace=Path(workspace) if workspace else None)
    return place
