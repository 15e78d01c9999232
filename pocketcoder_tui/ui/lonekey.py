"""A key that was pressed alone, told from one of a paste that the terminal did not mark as one."""

from collections.abc import Callable

from textual.timer import Timer

from pocketcoder_tui.ui.kit import Kit


class LoneKey:
    """Knows when the last key was pressed, and holds a deciding one back for a moment."""

    def __init__(self, kit: Kit, set_timer: Callable[[float, Callable[[], None]], Timer]) -> None:
        self._kit = kit
        self._set_timer = set_timer
        self._pending: Timer | None = None
        self.pressed_at = 0.0
        """Of the last key, steady seconds."""
        self.character = ""
        """What the last key types; empty when it types nothing."""
        self.in_burst = False
        """True when the last key came right behind another one."""

    def note(self, event_time: float, character: str = "") -> bool:
        """A key was pressed; True when it came while another one was held back."""
        self.character = character
        pressed = self._kit.clock.of_key(event_time)
        self.in_burst = pressed - self.pressed_at < self._kit.settle
        self.pressed_at = pressed
        broken = self._pending is not None
        self.forget()
        return broken

    def alone(self, act: Callable[[], None]) -> None:
        """Act once no other key has come for a moment."""
        self.forget()
        if self._kit.settle == 0:
            act()
            return

        def settled() -> None:
            self._pending = None
            act()

        self._pending = self._set_timer(self._kit.settle, settled)

    def forget(self) -> None:
        """Do not act."""
        if self._pending is not None:
            self._pending.stop()
        self._pending = None
