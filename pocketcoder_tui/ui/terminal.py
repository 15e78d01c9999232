"""The live terminal: tmux's own frames, drawn line by line, only while someone can see them."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from pocketcoder_tui.core.terminal import MAIN_WINDOW
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.ui.actions import bindings_for
from pocketcoder_tui.ui.ansi import parse_line
from pocketcoder_tui.ui.safe import one_line

RESIZE_QUIET = 0.15
"""Seconds without another change of size before the box is told."""


class TerminalPane(Widget, can_focus=True):
    """Shows frames; keys are not sent to the box from here."""

    BINDINGS = bindings_for("terminal")
    HELP = "The agent's terminal, live. **ctrl+t** gives it to you."

    class Resized(Message):
        """The pane has this size now, and has kept it for a moment."""

        def __init__(self, columns: int, rows: int) -> None:
            super().__init__()
            self.columns = columns
            self.rows = rows

    class Visibility(Message):
        """The pane came into sight or went out of it."""

        def __init__(self, visible: bool) -> None:
            super().__init__()
            self.visible = visible

    class WindowAsked(Message):
        """The person wants to see another window."""

        def __init__(self, window: str, step: int) -> None:
            super().__init__()
            self.window = window
            """The one that is shown."""
            self.step = step

    class InterruptAsked(Message):
        """The person wants Ctrl+C sent to the running command."""

    def __init__(self) -> None:
        super().__init__(id="terminal")
        self._lines: tuple[str, ...] = ()
        self._cursor = (0, -1)
        self._first = 0
        self._window = MAIN_WINDOW
        self._quiet: Timer | None = None

    def on_mount(self) -> None:
        """Name the pane."""
        self._name_it()

    def _name_it(self) -> None:
        self.border_title = Content(f"Terminal · {one_line(self._window)}")

    def show_frame(self, frame: ScreenChanged) -> None:
        """Draw a frame; only lines that differ are drawn again."""
        if frame.window != self._window:
            self._window = frame.window
            self._name_it()
        height = self.content_size.height
        first = max(min(len(frame.lines) - height, frame.cursor[1] - height + 1), 0)
        before, cursor_before = self._visible(self._lines, self._first), self._cursor[1]
        moved = self._first != first
        self._lines, self._cursor, self._first = frame.lines, frame.cursor, first
        after = self._visible(frame.lines, first)
        width = self.content_size.width
        for y in range(height):
            touched = y + first in (cursor_before, frame.cursor[1])
            if moved or touched or before[y] != after[y]:
                self.refresh(Region(0, y, width, 1))

    def _visible(self, lines: tuple[str, ...], first: int) -> list[str]:
        height = self.content_size.height
        shown = list(lines[first : first + height])
        return shown + [""] * (height - len(shown))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the newest frame."""
        width = self.content_size.width
        base = self.rich_style
        index = y + self._first
        if not self._lines:
            text = "The terminal appears here when the box runs." if y == 0 else ""
            dim = base + Style(dim=True)
            return Strip([Segment(text, dim)]).adjust_cell_length(width, base)
        if index >= len(self._lines):
            return Strip.blank(width, base)
        runs = parse_line(self._lines[index])
        strip = Strip([Segment(run.text, base + run.style) for run in runs])
        strip = strip.adjust_cell_length(width, base)
        column, row = self._cursor
        if row != index or not 0 <= column < width:
            return strip
        before, cell, after = (
            strip.crop(0, column),
            strip.crop(column, column + 1),
            strip.crop(column + 1),
        )
        return Strip.join([before, cell.apply_style(Style(reverse=True)), after])

    def render(self) -> Content:
        """Everything is drawn by ``render_line``."""
        return Content()

    def on_show(self, event: events.Show) -> None:
        """Someone can see the terminal."""
        self.post_message(self.Visibility(True))

    def on_hide(self, event: events.Hide) -> None:
        """Nobody can see it."""
        self.post_message(self.Visibility(False))

    def on_resize(self, event: events.Resize) -> None:
        """Tell the size once it rests."""
        if self._quiet is not None:
            self._quiet.stop()
        self._quiet = self.set_timer(RESIZE_QUIET, self._tell_size)

    def _tell_size(self) -> None:
        self._quiet = None
        size = self.content_size
        if size.width > 0 and size.height > 0:
            self.post_message(self.Resized(size.width, size.height))

    def action_window(self, step: int) -> None:
        """Ask for the next window, or the one before."""
        self.post_message(self.WindowAsked(self._window, step))

    def action_interrupt(self) -> None:
        """Ask for Ctrl+C."""
        self.post_message(self.InterruptAsked())
