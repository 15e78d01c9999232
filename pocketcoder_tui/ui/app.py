"""The Textual application: themes, commands, and the ways in and out."""

import asyncio
import gc
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from rich.text import Text
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.reactive import Reactive
from textual.screen import Screen
from textual.theme import Theme

from pocketcoder_tui.ui.actions import ACTIONS
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.lastdoor import LastDoor
from pocketcoder_tui.ui.link import LOG, OWN_FAULT, MakeWorkbench
from pocketcoder_tui.ui.main import MainScreen
from pocketcoder_tui.ui.theme import DARK, LIGHT

LAST_DOOR = LastDoor()
TERMINATED = 143
"""Exit status after SIGTERM, as a shell reports it."""
QUIT = "The agent is at work. Quit? What runs in the box goes on."
LEAVE = (
    "The agent is at work. Leave this session? Its reply ends here; what waits goes on waiting, "
    "and what runs goes on running."
)


class PocketCoderApp(App[None]):
    """The workbench on a terminal."""

    TITLE = "PocketCoder"
    CSS_PATH = "style.tcss"
    DEFAULT_MODE = "session-0"
    theme: Reactive[str] = Reactive(DARK.name)

    def __init__(
        self,
        make_workbench: MakeWorkbench,
        *,
        make_other: Callable[[str], MakeWorkbench] | None = None,
        mirror: Mirror | None = None,
        workspace: str = "",
        kit: Kit | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.kit = kit or Kit()
        self._make = make_workbench
        self._make_other = make_other
        self._mirror = mirror
        self._switching = False
        self._sessions = 0
        """Those that were gone to; the screens of each are a mode of Textual's."""
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        self._workspace = workspace
        self._main: MainScreen | None = None
        self._signals: list[signal.Signals] = []
        self.set_class(self.kit.ascii, "-ascii")

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Our own colours and Textual's; known before the style sheet is read the first time."""
        return {theme.name: theme for theme in (DARK, LIGHT)} | super().available_themes

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and the last door."""
        return [*super().get_line_filters(), LAST_DOOR]

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        self._main = self._screen_for(self._make)
        return self._main

    def _screen_for(self, make: MakeWorkbench, draft: str = "") -> MainScreen:
        return MainScreen(
            make, self.kit, workspace=self._workspace, draft=draft, mirror=self._mirror
        )

    @property
    def main(self) -> MainScreen:
        """The main screen. Raises RuntimeError before the app runs."""
        if self._main is None:
            raise RuntimeError("the app does not run")
        return self._main

    def on_mount(self) -> None:
        """Leave in order when the system asks for it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError):  # not the main thread: nothing to catch there
                loop.add_signal_handler(number, self._terminated)
                self._signals.append(number)
        self.call_after_refresh(self._first_frame_is_drawn)

    def _first_frame_is_drawn(self) -> None:
        """Keep what is loaded out of the collector's way for good, and let it work again."""
        gc.freeze()
        gc.enable()

    def on_unmount(self) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.remove_signal_handler(number)
        self._signals.clear()

    def _terminated(self) -> None:
        self.exit(return_code=TERMINATED)

    async def aclose(self) -> None:
        """Let go of the workbench, after the terminal was given back."""
        if self._main is not None:
            await self._main.link.aclose()

    # --- another session

    def on_wayfinding_screen_session_asked(self, event: MainScreen.SessionAsked) -> None:
        """Go to another session; asks while the agent works."""
        if self._make_other is None:
            self.main.say("Another session cannot be opened from here.")
        elif not self._switching:
            make = self._make_other(event.session_id)
            self._ask_at_work(LEAVE, lambda: self._start_switch(make))

    def on_watching_screen_watch_asked(self) -> None:
        """Go to the session of the other process."""
        if self._mirror is not None and not self._switching:
            self._start_switch(self._mirror.make)

    def _start_switch(self, make: MakeWorkbench) -> None:
        self._switching = True
        self.run_worker(self._go_over(make), group="switch")

    async def _go_over(self, make: MakeWorkbench) -> None:
        from pocketcoder_tui.ui.leftover import drop_leftovers

        await self._switch(make)
        drop_leftovers(self)

    async def _switch(self, make: MakeWorkbench) -> None:
        """Close the session that is open in order, then open the other; the draft comes along."""
        old = self.main
        try:
            old.say("Closing this session…", "$text-muted")
            await old.leave()
            new = self._screen_for(make, old.draft)
            self._main = new
            mode, self._sessions = self.current_mode, self._sessions + 1
            self.add_mode(f"session-{self._sessions}", lambda: new)
            await self.switch_mode(f"session-{self._sessions}")
            await self.remove_mode(mode)
        finally:
            self._switching = False

    def _ask_at_work(self, question: str, go: Callable[[], None]) -> None:
        """Go on at once while the agent rests, and with a yes while it works."""
        if self.main.link.watching or not self.main.link.transcript.turn_id:
            go()
            return
        from pocketcoder_tui.ui.screens import AskScreen

        if not isinstance(self.screen, AskScreen):
            self.push_screen(AskScreen(question), lambda yes: go() if yes else None)

    def action_help(self) -> None:
        """Show all keys."""
        from pocketcoder_tui.ui.screens import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def action_help_quit(self) -> None:
        """Ctrl+C with nothing selected."""
        self.main.say("Ctrl+C copies what is selected. ^Q quits.")

    def action_leave(self) -> None:
        """Quit; asks while the agent works."""
        self._ask_at_work(QUIT, self.exit)

    async def action_quit(self) -> None:
        """Textual's own ctrl+q and palette entry come here too."""
        self.action_leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette lists the registered actions."""
        for known in ACTIONS:
            if known.palette and known.id != "palette":
                yield SystemCommand(
                    known.description, known.tooltip, partial(self._command, known.action)
                )

    async def _command(self, action: str) -> None:
        """Run an action that was chosen in the palette."""
        where, _, name = action.partition(".")
        await self.run_action(name, self.main if where == "screen" else self)

    def _fatal_error(self) -> None:
        """An error that nothing caught: the details go to the log, a sentence to the person.

        Textual would print a traceback with local values, which may hold what nobody should see.
        """
        LOG.exception("the screen ended")
        self.panic(Text(f"{OWN_FAULT} Start it again with: pocketcoder --continue"))
