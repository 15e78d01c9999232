"""The colours of an output: SGR sequences kept beside the plain text, everything else gone.

A cell remembers the sequences that were in force when it was printed, so that a line drawn over
again by carriage returns has the colours that a terminal would show. Source: ECMA-48, SGR.
"""

import re
from collections.abc import Sequence

from pocketcoder_tui.relay.keep import HeadAndTail

RESET = "\x1b[0m"
PEN_LIMIT = 120
"""Characters of the sequences in force: more than a program sets, a bound for one that tries."""

_SGR = re.compile(r"\x1b\[([0-9;:]*)m\Z")
_RESETS = re.compile(r"0*(?:;|\Z)")


class Colours:
    """Follows the pen, and keeps a coloured copy of what was printed once there is colour."""

    def __init__(self, head: int, tail: int) -> None:
        self._limits = head, tail
        self._kept: HeadAndTail | None = None
        self.pen = ""
        """The sequences in force; empty for none."""

    @property
    def seen(self) -> bool:
        """True once a colour was set."""
        return self._kept is not None

    def take(self, sequence: str, before: HeadAndTail) -> None:
        """A sequence came; one that is no SGR changes nothing. ``before``: what is kept so far."""
        found = _SGR.match(sequence)
        if found is None:
            return
        if _RESETS.match(found[1]):
            # What follows a reset in the same sequence is the whole pen.
            rest = found[1].partition(";")[2]
            self.pen = f"\x1b[{rest}m" if rest else ""
        else:
            self.pen = self.pen + sequence if len(self.pen) < PEN_LIMIT else sequence[:PEN_LIMIT]
        if self._kept is None:
            self._kept = HeadAndTail(*self._limits)
            self._kept.add(before.text)

    def add(self, text: str) -> None:
        """Whole lines were printed in the pen that is in force."""
        if self._kept is not None:
            self._kept.add(f"{self.pen}{text}{RESET}" if self.pen else text)

    def add_line(self, characters: Sequence[str], pens: Sequence[str], newline: str) -> None:
        """A line is complete; ``pens`` has the pen of each character, as far as it goes."""
        if self._kept is None:
            return
        parts: list[str] = []
        pen = ""
        for at, character in enumerate(characters):
            own = pens[at] if at < len(pens) else ""
            if own != pen:
                parts += [RESET if pen else "", own]
                pen = own
            parts.append(character)
        self._kept.add("".join(parts) + (RESET if pen else "") + newline)

    def text(self, omitted: int) -> str:
        """The coloured text; empty when there was no colour. ``omitted`` is the plain text's."""
        if self._kept is None:
            return ""
        if not self._kept.omitted:
            return self._kept.text
        head, tail = self._kept.ends
        # A cut may have gone through a sequence: whole lines are left on both sides.
        head, tail = head[: head.rfind("\n") + 1], tail[tail.find("\n") + 1 :]
        return f"{head}{RESET}[… {omitted} characters left out …]\n{tail}"
