"""The last door before the terminal: no segment that a widget drew holds what a terminal obeys.

Untrusted text is cleaned where it is made (``gatekeeper/faithful.py``); there it is named. This
holds for every widget, also Textual's own and those that show what the person typed or pasted.
"""

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from pocketcoder_tui.gatekeeper.faithful import unseen

STAND_IN = "\N{REPLACEMENT CHARACTER}"


@lru_cache(maxsize=4_096)
def harmless(text: str) -> str:
    """Return text of the same width without any character that cannot be seen."""
    bad = unseen(text)
    return text.translate({ord(c): STAND_IN * cell_len(c) for c in bad}) if bad else text


class LastDoor(LineFilter):
    """Applied by Textual to every line of every widget."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Clean what holds anything unseen, and take links out: a terminal would open them."""
        if all(_is_harmless(segment) for segment in segments):
            return segments
        return [
            segment
            if _is_harmless(segment)
            else Segment(harmless(segment.text), _without_link(segment.style))
            for segment in segments
        ]


def _is_harmless(segment: Segment) -> bool:
    text, style, control = segment
    linked = style is not None and style.link is not None
    return control is None and not linked and text.isascii() and text.isprintable()


def _without_link(style: Style | None) -> Style | None:
    return style.update_link(None) if style is not None and style.link else style
