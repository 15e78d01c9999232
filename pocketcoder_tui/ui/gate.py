"""When a key may decide: after the whole text was on screen, and not in the first moment."""

from collections.abc import Iterable

from pocketcoder_tui.ui.kit import Clock

SCROLL = "Scroll to the end to decide."


class Reading:
    """How far one text has been on screen, from its first line on without a gap."""

    def __init__(self) -> None:
        self._reached = 0
        self._total = -1
        self.whole = False
        """True once every line was on screen; it stays true."""

    def restart(self, total: int) -> None:
        """The text has other lines now, because the width changed."""
        if total != self._total:
            self._total, self._reached = total, 0

    def see(self, top: int, bottom: int) -> None:
        """Lines ``top`` to ``bottom`` (exclusive) are on screen."""
        if top <= self._reached < bottom:
            self._reached = bottom
        if 0 <= self._total <= self._reached:
            self.whole = True

    @property
    def left(self) -> int:
        """Lines that were not on screen yet."""
        return 0 if self.whole else max(self._total - self._reached, 0)


class Gate:
    """Says whether a key may decide about the row that is selected."""

    def __init__(self, clock: Clock, grace: float) -> None:
        self._clock = clock
        self.grace = grace
        self._readings: dict[str, Reading] = {}
        self._since = 0.0
        self.row = ""
        """The id of the selected row; empty when none is."""

    def select(self, row: str) -> None:
        """A row came up; its moment of grace begins."""
        self.row = row
        self._since = self._clock.steady()

    @property
    def resting(self) -> bool:
        """True in the first moment of a row, while no key decides."""
        return self._clock.steady() < self._since + self.grace

    @property
    def reading(self) -> Reading:
        """How far the selected row was read."""
        return self._readings.setdefault(self.row, Reading())

    def was_read(self, row: str) -> bool:
        """Whether a row's whole text was on screen."""
        return row in self._readings and self._readings[row].whole

    def keep(self, rows: Iterable[str]) -> None:
        """Forget how far rows were read that do not wait any more."""
        kept = set(rows)
        self._readings = {row: read for row, read in self._readings.items() if row in kept}

    def refusal(self, key_time: float) -> str:
        """Why a key pressed at ``key_time`` (steady seconds) may not decide; empty if it may."""
        if not self.row:
            return "Nothing is selected."
        if not self.reading.whole:
            return SCROLL
        return self.too_soon(key_time)

    def too_soon(self, key_time: float) -> str:
        """Why a key pressed at ``key_time`` was not meant for this row; empty if it may be."""
        if not self.row:
            return "Nothing is selected."
        if key_time < self._since + self.grace:
            return "This row has just come up. Look at it, then press the key again."
        return ""
