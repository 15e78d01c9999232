"""The rows that are marked to be decided together. Pure."""

from collections.abc import Callable, Iterable, Sequence


class Marks:
    """Ids of marked rows, in the order of the queue when they are asked for."""

    def __init__(self) -> None:
        self._marked: set[str] = set()

    def __contains__(self, row: str) -> bool:
        return row in self._marked

    def __len__(self) -> int:
        return len(self._marked)

    def toggle(self, row: str) -> None:
        """Mark a row, or no longer."""
        self._marked ^= {row}

    def toggle_all(self, rows: Sequence[str]) -> None:
        """Mark all rows; none when all are marked."""
        self._marked = set() if self._marked >= set(rows) else set(rows)

    def keep(self, rows: Iterable[str]) -> None:
        """Forget what does not wait any more."""
        self._marked &= set(rows)

    def clear(self) -> None:
        """Mark nothing."""
        self._marked.clear()

    def of(self, rows: Sequence[str]) -> list[str]:
        """The marked ones of some rows, in their order."""
        return [row for row in rows if row in self._marked]

    def unread(self, rows: Sequence[str], was_read: Callable[[str], bool]) -> list[int]:
        """The numbers, from 1, of marked rows whose text was not wholly on screen."""
        return [n for n, row in enumerate(rows, 1) if row in self._marked and not was_read(row)]
