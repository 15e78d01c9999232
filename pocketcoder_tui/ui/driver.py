"""Textual's driver for a terminal that may go away: a closed window, or a line that dropped."""

import codecs
import os
import selectors
from typing import Any, TextIO

from textual import constants
from textual._xterm_parser import XTermParser
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


IDLE = 0.1
"""Seconds after which the input is looked at again, as in Textual's own driver."""
LONE = 0.04
"""Seconds after which an Esc is one and not the beginning of another key, unless ESCDELAY says."""


class ToughDriver(LinuxDriver):
    """Goes on without a terminal until the app has ended in order; Esc is heard at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file: Any = Output(self._file)

    def run_input_thread(self) -> None:
        """Read keys until the app ends.

        Textual's own asks every 100 ms whether an Esc stood alone, so stopping the model took
        that long; this one asks as soon as it can be known.
        """
        lone = constants.ESCAPE_DELAY if "ESCDELAY" in os.environ else LONE
        vars(constants)["ESCAPE_DELAY"] = lone  # the parser reads it anew for each key
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")().decode
        wait = IDLE
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                data = os.read(self.fileno, 4096) if selector.select(wait) else None
                if data == b"":
                    return  # nobody types any more
                text = decode(data or b"")
                wait = lone + 0.001 if text.endswith("\x1b") else IDLE
                if text:
                    for event in parser.feed(text):
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)


def driver_class() -> type[LinuxDriver] | None:
    """The driver for this process; None where the environment chooses another."""
    return None if os.environ.get(HIDDEN) else ToughDriver
