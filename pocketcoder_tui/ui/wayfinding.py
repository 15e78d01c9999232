"""Where the focus goes: the keys that lead to a pane and back, and what Esc means where."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.message import Message
from textual.widget import Widget

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.ui import asked
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.guarded import GuardedScreen
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import MakeWorkbench, sentence_of

if TYPE_CHECKING:  # loaded with the panes, after the first frame
    from pocketcoder_tui.ui.checklist import Checklist
    from pocketcoder_tui.ui.conversation import Story


class WayfindingScreen(GuardedScreen):
    """Remembers where the person came from."""

    class SessionAsked(Message):
        """The person wants to go to another session; an empty id is a new one."""

        def __init__(self, session_id: str) -> None:
            super().__init__()
            self.session_id = session_id

    def __init__(self, make: MakeWorkbench, kit: Kit) -> None:
        super().__init__(make, kit)
        self._came_from: Widget | None = None

    def _go(self, target: Widget) -> None:
        """Go to a pane, or back to where the person came from when already there."""
        if target.has_focus or target.has_focus_within:
            self._go_back()
            return
        self._came_from = self.focused
        target.focus()

    def _go_back(self) -> None:
        came_from, self._came_from = self._came_from, None
        if came_from is None or not came_from.is_attached or not came_from.display:
            self.go_to_draft()
        else:
            self.remove_class("-zoom", "-terminal")
            came_from.focus()

    def go_to_draft(self) -> None:
        """To the message that is being written."""
        self.remove_class("-zoom", "-terminal")
        self.query_one(Draft).focus()

    def action_approvals(self) -> None:
        """To what waits, and back."""
        if self.link.transcript.waiting or self.panes.approvals.has_focus_within:
            self._go(self.panes.approvals)
        else:
            self.say("Nothing waits for you.")

    def action_terminal(self) -> None:
        """To the live terminal, and back; in a small window it takes the room."""
        pane = self.panes.terminal
        if not pane.has_focus:
            self.add_class("-terminal")
        self._go(pane)

    async def action_attach(self) -> None:
        """Step aside and hand the terminal over, at the window that calls for the person.

        Blocks the main thread, as the engine asks.
        """
        window = self.link.calling_window
        if window:
            try:
                await self.link.workbench.show_window(window)
            except PocketCoderError as error:
                self.say(sentence_of(error), "$error")
                return
        try:
            with self.app.batch_update(), self.app.suspend():
                trouble = self.link.attach()
        except SuspendNotSupported:
            trouble = "This screen cannot step aside. In another terminal: pocketcoder attach"
        if trouble:
            self.say(trouble, "$error")
        self.refresh(repaint=True, layout=True)

    def action_clear_line(self) -> None:
        """Remove the half-typed line that holds a command."""
        held = self.link.held
        if held is None:
            self.say("No half-typed line is in the way.")
        else:
            self.run_safely(self.link.workbench.clear_line(held.window), "clear line")

    def action_jobs(self) -> None:
        """What runs in the box."""
        from pocketcoder_tui.ui.jobs import JobsScreen

        if self.link.opened and not isinstance(self.app.screen, JobsScreen):
            self.app.push_screen(JobsScreen(self.link.workbench, self.kit))

    def action_undo(self, number: int = 0) -> None:
        """What an undo would do, and the key that does it."""
        from pocketcoder_tui.ui.undo import UndoScreen

        if self.link.opened and not isinstance(self.app.screen, UndoScreen):
            screen = UndoScreen(self.link.workbench, self.kit, number)
            self.app.push_screen(screen, lambda said: self.say(said) if said else None)

    def on_story_undo_asked(self, event: "Story.UndoAsked") -> None:
        """The undo of one action."""
        self.action_undo(event.number)

    def on_approvals_pane_try_asked(self, event: asked.TryAsked) -> None:
        """A try of one command; the pane stays as it is."""
        from pocketcoder_tui.ui.trial import TrialScreen

        self.app.push_screen(TrialScreen(self.link.workbench, self.kit, event.deed))

    def action_sessions(self) -> None:
        """All sessions of the workspace."""
        from pocketcoder_tui.ui.sessions import SessionsScreen

        if not self.link.opened:
            self.say("The session is not open yet.")
        elif not isinstance(self.app.screen, SessionsScreen):
            library, place = self.link.workbench.library, self.link.transcript.workspace
            self.app.push_screen(
                SessionsScreen(library, self.kit, workspace=place), self._leave_for
            )

    def action_new_session(self) -> None:
        """Begin another session."""
        self._leave_for("")

    def _leave_for(self, session_id: str | None) -> None:
        if session_id is None:
            return
        if not session_id and self.link.opened and not self.link.transcript.entries:
            self.say("This session is new: nothing was said in it yet.")
        else:
            self.post_message(self.SessionAsked(session_id))

    def action_back(self) -> None:
        """Go back one step; while writing, stop the model. Destroys no text."""
        steps: tuple[Callable[[], bool], ...] = (
            self.panes.approvals.close_box,
            self._leave_zoom,
            self.panes.checklist.leave,
            self.leave_change,
        )
        if any(step() for step in steps):
            return
        if not self.query_one(Draft).has_focus:
            self._came_from = None
            self.go_to_draft()
        elif self.link.transcript.turn_id:
            self.run_safely(self.stop_turn(), "stop")

    def leave_change(self) -> bool:
        """Leave the message that is being changed; says whether there was one."""
        return False

    async def stop_turn(self) -> None:
        """End the reply and the turn at once."""
        await self.link.workbench.stop()

    def _leave_zoom(self) -> bool:
        zoomed = self.has_class("-zoom")
        self.remove_class("-zoom")
        return zoomed

    def action_checklist(self) -> None:
        """Show what is missing, or put it away."""
        self.panes.checklist.toggle()

    def on_first_run_left(self) -> None:
        """The checklist gave the focus back."""
        self.go_to_draft()

    def on_checklist_typed(self, event: "Checklist.Typed") -> None:
        """What was typed or pasted belongs to the message."""
        draft = self.query_one(Draft)
        draft.focus()
        draft.insert(event.text)
