"""The line of keys under a row: what each does now, or why they rest; a click chooses as well.

A click is held to what a key is held to, and decides only where it was also pressed, on a pane
that had the focus before: one that brings the window or the pane to the front is no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

GAP = 3
"""Columns between two choices."""
_META = "choice"


@dataclass(frozen=True, slots=True)
class Choice:
    """A key, what it does, and the action's name."""

    key: str
    words: str
    action: str
    """Textual's action string."""
    style: str = "bold"

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.key) + 1 + len(self.words)


class Choices(Static):
    """Draws choices in as many lines as it may, the first ones first."""

    class Clicked(Message):
        """A choice was clicked."""

        def __init__(self, action: str, time: float) -> None:
            super().__init__()
            self.action = action
            self.pressed_at = time
            """The event's moment."""

    def __init__(self) -> None:
        super().__init__("", id="decision-hint", markup=False)
        self._choices: Sequence[Choice] = ()
        self._most = 1
        self._instead: Content | None = None
        self._pressed: tuple[str, float] = ("", 0.0)

    def say(self, words: Content) -> None:
        """Show a sentence and no choices."""
        self.offer((), 1, words)

    def offer(self, choices: Sequence[Choice], most: int, instead: Content | None = None) -> None:
        """Show choices in at most ``most`` lines, or a sentence in their place while they rest.

        The sentence takes the room of the choices, so that nothing moves when they wake.
        """
        self._choices, self._most, self._instead = choices, most, instead
        self._draw()

    def on_resize(self) -> None:
        """The lines are filled for the width."""
        self._draw()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember what was pressed, and when."""
        self._pressed = (str(event.style.meta.get(_META, "")), event.time)

    def on_click(self, event: events.Click) -> None:
        """A choice was clicked when it was pressed and let go."""
        action, pressed_at = self._pressed
        self._pressed = ("", 0.0)
        if action and event.style.meta.get(_META) == action:
            event.stop()
            self.post_message(self.Clicked(action, pressed_at))

    def _draw(self) -> None:
        lines = self._lines()
        gap = Content(" " * GAP)
        drawn = [gap.join(map(_drawn, line)) for line in lines]
        self.styles.min_height = len(lines)
        self.update(Content("\n").join(drawn) if self._instead is None else self._instead)

    def _lines(self) -> list[list[Choice]]:
        """The choices that there is room for."""
        width = self.content_size.width
        lines: list[list[Choice]] = [[]]
        room = width
        for choice in self._choices:
            if lines[-1] and choice.width > room:
                if len(lines) == self._most:
                    break
                lines.append([])
                room = width
            lines[-1].append(choice)
            room -= choice.width + GAP
        return lines


def _drawn(choice: Choice) -> Content:
    text = Content.assemble((choice.key, choice.style), f" {choice.words}")
    return text.stylize(Style.from_meta({_META: choice.action}))
