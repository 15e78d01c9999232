"""The main screen: where the panes are, and what each event and each request leads to."""

import asyncio
import os
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.worker import Worker

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.bars import Bar
from pocketcoder_tui.ui.composer import Composer, Draft
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import LOG, OWN_FAULT, MakeWorkbench, sentence_of
from pocketcoder_tui.ui.notice import Notice
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.status import activity_words, header_words, network_words, status_words
from pocketcoder_tui.ui.watching import WatchingScreen
from pocketcoder_tui.ui.welcome import Welcome

if TYPE_CHECKING:  # loaded with the panes, after the first frame
    from pocketcoder_tui.ui.conversation import Earlier, Story
    from pocketcoder_tui.ui.terminal import TerminalPane

FRAME = 1 / 30
"""Seconds between two drawings of what streams in, at least."""


class MainScreen(WatchingScreen):
    """Conversation, approvals, terminal, composer."""

    BINDINGS = bindings_for("everywhere")

    def __init__(
        self,
        make: MakeWorkbench,
        kit: Kit,
        *,
        workspace: str = "",
        draft: str = "",
        mirror: Mirror | None = None,
    ) -> None:
        super().__init__(make, kit, mirror)
        self._first_draft = draft
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (110, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high")]
        self._workspace = workspace
        self._flush_timer: Timer | None = None
        self._ticker: Timer | None = None
        self._watching: Worker[None] | None = None
        self._opening = False

    def compose(self) -> ComposeResult:
        """The first frame: where, what to try, where to write, and the keys."""
        yield Bar(id="header")
        with Horizontal(id="panes"):
            yield Vertical(Welcome(), id="talk")
            yield Vertical(id="side")
        yield Notice()
        yield Bar(id="activity")
        yield Composer(self.kit)
        yield Bar(id="status")

    def on_mount(self) -> None:
        """Draw the first words; what is slow begins after the first frame."""
        self.query_one("#activity").display = False
        self.query_one(Composer).give_back([self._first_draft] if self._first_draft else [])
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

    # --- opening

    def action_retry(self) -> None:
        """Open the session, now or again."""
        if not self.take_over() and not self.link.opened and not self._opening:
            self._opening = True
            self.link.standing.trouble = False
            self.panes.trouble.display = False
            self._draw_lines()
            self.run_safely(self._open(), "open")

    async def _open(self) -> None:
        trouble, watch = "", False
        try:
            await self.link.open()
        except PocketCoderError as error:
            trouble, watch = sentence_of(error), await self.offers_watching(error)
        except Exception:  # noqa: BLE001 - boundary: the top of the worker that opens
            LOG.exception("opening the session")
            trouble = OWN_FAULT
        finally:
            self._opening = False
        if trouble:
            self._show_trouble(trouble, watch)
            return
        self._watch_terminal(self.panes.terminal.is_on_screen)
        if not self.link.watching:
            self.panes.checklist.appear(not self.query_one(Draft).text)
            await self.look_at_offer()

    def _show_trouble(self, sentence: str, watch: bool) -> None:
        offer = (("\nF5", "bold $warning"), " watches it, read-only") if watch else ()
        panel = self.panes.trouble
        panel.update(
            Content.assemble(
                (f"{self.kit.pick('✗', 'x')} ", "bold $error"), sentence, *offer,
                ("\n^R", "bold $warning"), " tries again   ", ("^Q", "bold $warning"), " quits",
            )
        )  # fmt: skip
        panel.display = True
        self.link.standing.trouble = True
        self._draw_lines()

    # --- leaving

    @property
    def draft(self) -> str:
        """What is being written."""
        return self.query_one(Draft).text

    async def leave(self) -> None:
        """Let go of the session in order: what waits goes on waiting, what runs on running."""
        workers = self.app.workers.cancel_node(self)
        await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        self._watching = None
        await self.link.aclose()

    # --- events

    def changed(self) -> None:
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
        self.show_waiting()
        self.follow_changing()
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
                mode=self.mode_word,
                model=link.model_label,
            )
        )
        self.query_one(Welcome).tour = link.model_label.startswith("tour")
        self.query_one(Notice).last(link.standing.box_trouble)
        self.show_offer()
        on = link.standing.watching or (link.opened and link.workbench.network.on)
        network = network_words(link.transcript, on=on)
        self.query_one("#status", Bar).put(
            *status_words(link.standing, self.kit, link.mode, network)
        )
        activity = self.query_one("#activity", Bar)
        words = activity_words(link.transcript, link.standing, self.kit)
        activity.put(words, ())
        activity.display = bool(words)

    # --- writing

    def on_draft_page_asked(self, event: Draft.PageAsked) -> None:
        """Scroll the conversation from the composer."""
        story = self.panes.conversation.story
        story.scroll_relative(y=event.step * max(story.size.height - 2, 1), animate=False)

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

    def on_terminal_pane_window_asked(self, event: "TerminalPane.WindowAsked") -> None:
        """Show another window of the box's terminal."""
        if not self.link.opened:
            return
        names = [window.name for window in self.link.workbench.windows()]
        if len(names) < 2:
            self.say("The terminal has one window. The agent may open others.")
            return
        at = names.index(event.window) if event.window in names else 0
        window = names[(at + event.step) % len(names)]
        self.run_safely(self.link.workbench.show_window(window), "window", exclusive=True)

    def on_terminal_pane_interrupt_asked(self) -> None:
        """Ctrl+C for the running command."""
        if self.link.opened:
            self.run_safely(self.link.workbench.interrupt(), "interrupt")

    def on_first_run_changed(self) -> None:
        """The model may have another name now."""
        self._draw_lines()

    # --- reading

    def on_earlier_asked(self, event: "Earlier.Asked") -> None:
        """Older entries are mounted with the next drawing."""
        self.changed()

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
