"""A text of which head and tail are kept, in bounded memory; the whole can go to a spool."""

from collections.abc import Callable

Spool = Callable[[str], None]
"""Takes the whole text of an output that is too long to be kept, piece by piece."""


class HeadAndTail:
    """The first and the last characters of a text, and how many were left out between.

    Holds twice the tail at most, so that a flood is cut now and then and not at every line.
    """

    def __init__(self, head: int, tail: int, spool: Spool | None = None) -> None:
        """``spool`` gets the whole text once some of it has to be left out; None: it is lost."""
        self._spool = spool
        self._head_room = head
        self._tail_limit = tail
        self._head: list[str] = []
        self._tail: list[str] = []
        self._tail_size = 0
        self._dropped = 0

    @property
    def omitted(self) -> int:
        """Characters left out so far."""
        return self._dropped + max(self._tail_size - self._tail_limit, 0)

    def add(self, text: str) -> None:
        """Append."""
        before = self.omitted
        if self._head_room:
            taken = text[: self._head_room]
            self._head.append(taken)
            self._head_room -= len(taken)
            rest = text[len(taken) :]
        else:
            rest = text
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
        if self._spool is not None and self.omitted:
            self._spool(text if before else "".join((*self._head, *self._tail)))
        if self._tail_size > 2 * self._tail_limit:
            self._cut()

    def _cut(self) -> None:
        """Let go of what is too far from the end."""
        tail = self._newest()
        self._dropped += self._tail_size - len(tail)
        self._tail, self._tail_size = [tail], len(tail)

    def _newest(self) -> str:
        tail = "".join(self._tail)
        return tail[len(tail) - self._tail_limit :] if len(tail) > self._tail_limit else tail

    @property
    def ends(self) -> tuple[str, str]:
        """The head and the tail."""
        return "".join(self._head), self._newest()

    @property
    def text(self) -> str:
        """Everything that was kept, with a line that says what is missing."""
        head, tail = self.ends
        if not self.omitted:
            return head + tail
        return f"{head}\n[… {self.omitted} characters left out …]\n{tail}"
