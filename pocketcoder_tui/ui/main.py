"""The main screen: where the panes are, who has the focus, and what each request leads to."""

import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult, SuspendNotSupported
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.bars import Bar
from pocketcoder_tui.ui.composer import Composer, Draft
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import LOG, OWN_FAULT, Link, MakeWorkbench, sentence_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.status import activity_words, header_words, status_words
from pocketcoder_tui.ui.welcome import Welcome

if TYPE_CHECKING:  # loaded with the panes, after the first frame
    from pocketcoder_tui.ui.approvals import ApprovalsPane
    from pocketcoder_tui.ui.checklist import Checklist
    from pocketcoder_tui.ui.conversation import Earlier, Story
    from pocketcoder_tui.ui.panes import Panes
    from pocketcoder_tui.ui.terminal import TerminalPane

FRAME = 1 / 30
"""Seconds between two drawings of what streams in, at least."""


class MainScreen(Screen[None]):
    """Conversation, approvals, terminal, composer."""

    BINDINGS = bindings_for("everywhere")

    def __init__(self, make: MakeWorkbench, kit: Kit, *, workspace: str = "") -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (110, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]
        self.kit = kit
        self.link = Link(make, self._changed)
        self._workspace = workspace
        self._flush_timer: Timer | None = None
        self._ticker: Timer | None = None
        self._came_from: Widget | None = None
        self._watching: Worker[None] | None = None
        self._panes: Panes | None = None
        self._opening = False
        self._sending = False
        self._unsay: Timer | None = None

    def compose(self) -> ComposeResult:
        """The first frame: where, what to try, where to write, and the keys."""
        yield Bar(id="header")
        with Horizontal(id="panes"):
            yield Vertical(Welcome(), id="talk")
            yield Vertical(id="side")
        yield Bar(id="activity")
        yield Composer(self.kit)
        yield Bar(id="status")

    def on_mount(self) -> None:
        """Draw the first words; what is slow begins after the first frame."""
        self.query_one("#activity").display = False
        self.query_one(Draft).focus()
        self._ticker = self.set_interval(1, self._tick, pause=True)
        self._draw_lines()
        self.call_after_refresh(self._build)

    async def _build(self) -> None:
        """Put up the panes, then open the session."""
        from pocketcoder_tui.ui.panes import make_panes

        panes = make_panes(self.kit, self.link, self.run_safely)
        with self.app.batch_update():
            talk = self.query_one("#talk")
            await talk.mount(panes.checklist, panes.trouble, before=0)
            await talk.mount(panes.conversation)
            await self.query_one("#side").mount(panes.approvals, panes.terminal)
        self._panes = panes
        self.action_retry()

    @property
    def panes(self) -> "Panes":
        """The panes. Raises RuntimeError before they are put up."""
        if self._panes is None:
            raise RuntimeError("the panes are not up yet")
        return self._panes

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Until the panes are up, no key reaches for them."""
        return self._panes is not None

    # --- work that may fail

    def run_safely(
        self, work: Coroutine[Any, Any, None], group: str, *, exclusive: bool = False
    ) -> Worker[None]:
        """Run a coroutine of the workbench; its failure becomes a sentence on the screen."""
        return self.run_worker(
            self._guard(work), group=group, exclusive=exclusive, exit_on_error=True
        )

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PocketCoderError as error:
            self.say(sentence_of(error), "$error")
        except Exception:  # noqa: BLE001 - boundary: the top of a worker
            LOG.exception("in a worker of the screen")
            self.say(OWN_FAULT, "$error")

    def say(self, sentence: str, style: str = "$warning") -> None:
        """Put a safe sentence into the status line for a while."""
        self.link.standing.said, self.link.standing.said_style = sentence, style
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(10, self._say_nothing)
        self._draw_lines()

    def _say_nothing(self) -> None:
        self.link.standing.said = ""
        self._draw_lines()

    # --- opening

    def action_retry(self) -> None:
        """Open the session, now or again."""
        if not self.link.opened and not self._opening:
            self._opening = True
            self.panes.trouble.display = False
            self.run_safely(self._open(), "open")

    async def _open(self) -> None:
        trouble = ""
        try:
            await self.link.open()
        except PocketCoderError as error:
            trouble = sentence_of(error)
        except Exception:  # noqa: BLE001 - boundary: the top of the worker that opens
            LOG.exception("opening the session")
            trouble = OWN_FAULT
        finally:
            self._opening = False
        if trouble:
            self._show_trouble(trouble)
            return
        self._watch_terminal(self.panes.terminal.is_on_screen)
        self.panes.checklist.appear(not self.query_one(Draft).text)

    def _show_trouble(self, sentence: str) -> None:
        panel = self.panes.trouble
        panel.update(
            Content.assemble(
                (f"{self.kit.pick('✗', 'x')} ", "bold $error"), sentence,
                ("\n^R", "bold $warning"), " tries again   ", ("^Q", "bold $warning"), " quits",
            )
        )  # fmt: skip
        panel.display = True

    # --- events

    def _changed(self) -> None:
        """Something happened: draw soon, and no more than thirty times a second."""
        if self._flush_timer is None and self.is_attached:
            self._flush_timer = self.set_timer(FRAME, self._flush)

    async def _flush(self) -> None:
        self._flush_timer = None
        dirty, self.link.dirty = self.link.dirty, set()
        transcript = self.link.transcript
        self.query_one(Welcome).display = not transcript.entries
        self.panes.conversation.display = bool(transcript.entries)
        await self.panes.conversation.sync(transcript, dirty, live=self.link.opened)
        waiting = transcript.waiting
        self.set_class(bool(waiting), "-waiting")
        pane = self.panes.approvals
        had_focus = pane.has_focus_within
        pane.update_waiting(waiting)
        if not waiting and had_focus:
            self._go_back_to_draft()
        assert self._ticker is not None  # made in on_mount
        if transcript.turn_id:
            self._ticker.resume()
        else:
            self._ticker.pause()
        self._draw_lines()

    def _tick(self) -> None:
        """A second has passed while the agent works."""
        self.panes.conversation.tick()
        self._draw_lines()

    def _draw_lines(self) -> None:
        link = self.link
        self.query_one("#header", Bar).put(
            *header_words(
                link.transcript,
                workspace=self._workspace,
                home=os.path.expanduser("~"),
                mode=link.mode,
                model=link.model_label,
            )
        )
        self.query_one("#status", Bar).put(*status_words(link.standing, self.kit))
        activity = self.query_one("#activity", Bar)
        words = activity_words(link.transcript, link.standing, self.kit)
        activity.put(words, ())
        activity.display = bool(words)

    # --- writing

    def on_draft_sent(self, event: Draft.Sent) -> None:
        """Send what was written; the draft is cleared once it is kept."""
        if not self._sending:
            self._sending = True
            self.run_safely(self._send(event.text), "send")

    async def _send(self, text: str) -> None:
        try:
            await self.link.send(text)
            self.query_one(Composer).taken(text)
            self.panes.conversation.story.anchor()
        finally:
            self._sending = False

    def on_draft_page_asked(self, event: Draft.PageAsked) -> None:
        """Scroll the conversation from the composer."""
        story = self.panes.conversation.story
        story.scroll_relative(y=event.step * max(story.size.height - 2, 1), animate=False)

    # --- deciding

    def on_approvals_pane_decided(self, event: "ApprovalsPane.Decided") -> None:
        """Record the decision; a refusal is said, and the row follows the transcript."""
        self.run_safely(self._decide(event), "decide")

    async def _decide(self, event: "ApprovalsPane.Decided") -> None:
        try:
            await self.link.decide(event.action_id, event.outcome, event.reason)
        finally:
            self._changed()

    def on_approvals_pane_zoom_asked(self) -> None:
        """The whole screen for one row, and back."""
        self.toggle_class("-zoom")

    # --- terminal

    def on_terminal_pane_visibility(self, event: "TerminalPane.Visibility") -> None:
        """Follow the terminal only while it can be seen."""
        self._watch_terminal(event.visible)

    def _watch_terminal(self, visible: bool) -> None:
        if not visible and self._watching is not None:
            self._watching.cancel()
            self._watching = None
        elif visible and self._watching is None and self.link.opened:
            self._watching = self.run_safely(self._watch(), "watch")

    async def _watch(self) -> None:
        from asyncio import get_running_loop

        pane = self.panes.terminal
        for_ever = get_running_loop().create_future()
        async with self.link.workbench.watch(pane.show_frame):
            await for_ever

    def on_terminal_pane_resized(self, event: "TerminalPane.Resized") -> None:
        """Give the box's pane the size of ours."""
        if self.link.opened:
            self.run_safely(
                self.link.workbench.resize(event.columns, event.rows), "resize", exclusive=True
            )

    def on_terminal_pane_interrupt_asked(self) -> None:
        """Ctrl+C for the running command."""
        if self.link.opened:
            self.run_safely(self.link.workbench.interrupt(), "interrupt")

    def action_attach(self) -> None:
        """Step aside and hand the terminal over. Blocks the main thread, as the engine asks."""
        try:
            with self.app.batch_update(), self.app.suspend():
                trouble = self.link.attach()
        except SuspendNotSupported:
            trouble = "This screen cannot step aside. In another terminal: pocketcoder attach"
        if trouble:
            self.say(trouble, "$error")
        self.refresh(repaint=True, layout=True)

    # --- where the focus goes

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
            self._go_back_to_draft()
        else:
            self.remove_class("-zoom", "-terminal")
            came_from.focus()

    def _go_back_to_draft(self) -> None:
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

    def action_back(self) -> None:
        """Go back one step; while writing, stop the model. Destroys no text."""
        steps: tuple[Callable[[], bool], ...] = (
            self.panes.approvals.close_reason,
            self._leave_zoom,
            self.panes.checklist.leave,
        )
        if any(step() for step in steps):
            return
        if not self.query_one(Draft).has_focus:
            self._came_from = None
            self._go_back_to_draft()
        elif self.link.transcript.turn_id:
            self.run_safely(self.link.workbench.stop(), "stop")

    def _leave_zoom(self) -> bool:
        zoomed = self.has_class("-zoom")
        self.remove_class("-zoom")
        return zoomed

    # --- checklist

    def action_checklist(self) -> None:
        """Show what is missing, or put it away."""
        self.panes.checklist.toggle()

    def on_first_run_left(self) -> None:
        """The checklist gave the focus back."""
        self._go_back_to_draft()

    def on_first_run_changed(self) -> None:
        """The model may have another name now."""
        self._draw_lines()

    def on_checklist_typed(self, event: "Checklist.Typed") -> None:
        """What was typed belongs to the message."""
        draft = self.query_one(Draft)
        draft.focus()
        draft.insert(event.character)

    # --- reading

    def on_earlier_asked(self, event: "Earlier.Asked") -> None:
        """Older entries are mounted with the next drawing."""
        self._changed()

    def on_story_view_asked(self, event: "Story.ViewAsked") -> None:
        """An action's text and output on the whole screen."""
        from pocketcoder_tui.ui.deeds import whole_text
        from pocketcoder_tui.ui.screens import TextScreen

        deed = event.deed
        self.app.push_screen(TextScreen(deed.preview.title, whole_text(deed), self.kit))

    def on_answer_view_link_shown(self, event: Any) -> None:
        """A link is shown, and never opened."""
        self.say(one_line(event.href), "$primary")

    def on_resize(self, event: events.Resize) -> None:
        """The lines are laid out for the width."""
        self._draw_lines()
