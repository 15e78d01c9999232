"""What is done to a session from the list: gone to, renamed, forked, put away, exported, deleted.

Comes back with the id of the session to go to, an empty one for a new session, None for none.
"""

import asyncio
import os
from pathlib import Path

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.engine.catalogue import Catalogue
from pocketcoder_tui.engine.exports import Format, Story, format_of, write_new
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.asking import Asked, AskLine, Question, export_question
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.rows import ListRow
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.shelf import ShelfScreen
from pocketcoder_tui.ui.turns import NONE_OVER, TurnsScreen


class SessionsScreen(ShelfScreen):
    """The keys that change something."""

    BINDINGS = bindings_for("sessions")

    def __init__(self, library: Catalogue, kit: Kit, *, workspace: str = "") -> None:
        super().__init__(library, kit)
        self._workspace = workspace

    def action_archive(self) -> None:
        """Put the marked session away, or take it out again."""
        row = self.listed.marked
        session = self.state.session(row.id) if row else None
        if session is not None:
            self.do(self._archive(session.id, not session.archived), "change", exclusive=False)

    async def _archive(self, session_id: str, away: bool) -> None:
        await self.library.archive(session_id, away)
        await self.load()
        self.say("It is put away: A shows it." if away else "It is in the list again.")

    def action_fork(self) -> None:
        """Choose the turn at whose end a new session begins."""
        row = self.listed.marked
        if row is not None:
            self.say("Reading the turns…", "$text-muted")
            self.do(self._choose_turn(row.id), "change", exclusive=False)

    async def _choose_turn(self, session_id: str) -> None:
        story: Story = await self.library.story(session_id)
        if not any(turn.outcome is not None for turn in story.turns):
            self.say(NONE_OVER)
            return
        self.say("")

        def chosen(turn_id: str | None) -> None:
            if turn_id:
                self.do(self._fork(session_id, turn_id), "change", exclusive=False)

        self.app.push_screen(TurnsScreen(story, self.kit), chosen)

    async def _fork(self, session_id: str, turn_id: str) -> None:
        made = await self.library.fork(session_id, turn_id)
        self.clear_search()
        await self.load(made)
        self.say("The fork is marked: Enter goes there.", "$success")

    # --- what is asked for first

    def _ask(self, question: Question, row: ListRow | None, value: str = "") -> None:
        if row is not None:
            self.asking.ask(question, row.id, value)
            self.tell()

    def action_rename(self) -> None:
        """Ask for another title."""
        row = self.listed.marked
        session = self.state.session(row.id) if row else None
        self._ask(Question.RENAME, row, one_line(session.title) if session else "")

    def action_delete(self) -> None:
        """Ask for the word that deletes."""
        row = self.listed.marked
        if row is not None and row.id == self.library.open_id:
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
        self.set_focus(self.listed)
        self.tell()
        if event.answer is not None:
            self.do(self._answered(event.answer), "change", exclusive=False)
        elif event.refused:
            self.say("That is not the word. Nothing was deleted.")

    async def _answered(self, answer: Asked) -> None:
        match answer.question:
            case Question.RENAME:
                await self.library.rename(answer.session_id, answer.text)
                await self.load(answer.session_id)
            case Question.DELETE:
                await self.library.delete(answer.session_id)
                await self.load()
                self.say("It is deleted. The audit chain keeps its hashes, and no content.")
            case Question.EXPORT:
                await self._export(answer.session_id, answer.text)

    async def _export(self, session_id: str, name: str) -> None:
        self.say("Writing…", "$text-muted")
        form = format_of(name)
        if form is None:
            endings = ", ".join(f".{form.value}" for form in Format)
            raise LedgerError(f"The name says no form: end it in {endings}.")
        text = await self.library.export(session_id, form)
        place = await asyncio.to_thread(_write, name, text, self._workspace)
        self.say(f"It is in {one_line(place)}. Read it before you hand it on.", "$success")


def _write(name: str, text: str, workspace: str) -> str:
    """Write a new file; returns its whole name. Raises FileRefused."""
    place = os.path.abspath(os.path.expanduser(name))
    write_new(Path(place), text, workspace=Path(workspace) if workspace else None)
    return place
