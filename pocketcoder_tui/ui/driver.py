"""Textual's driver for a terminal that may go away: a closed window, or a line that dropped."""

import os
from typing import Any, TextIO

from textual.drivers.linux_driver import LinuxDriver

HIDDEN = "TEXTUAL_DRIVER"
"""The environment variable by which textual-serve chooses its own driver."""


class Output:
    """A terminal's output whose loss is no error: what nobody can see is dropped.

    Textual's writer is a thread behind a queue of 30 pieces. An error ends it, and whoever writes
    the 31st piece then waits for ever, with the ledger in hand.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.gone = False
        """True once a write failed."""

    def write(self, text: str) -> int:
        """Write, or drop."""
        return self._unless_gone(self._file.write, text)

    def flush(self) -> None:
        """Flush, or drop."""
        self._unless_gone(self._file.flush)

    def fileno(self) -> int:
        """The terminal's own."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """What it was."""
        return self._file.isatty()

    def _unless_gone(self, write: Any, *text: str) -> int:
        if self.gone:
            return 0
        try:
            return write(*text) or 0
        except (OSError, ValueError):
            self.gone = True
            return 0


class ToughDriver(LinuxDriver):
    """Goes on without a terminal until the app has ended in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file: Any = Output(self._file)


def driver_class() -> type[LinuxDriver] | None:
    """The driver for this process; None where the environment chooses another."""
    return None if os.environ.get(HIDDEN) else ToughDriver
