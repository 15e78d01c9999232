"""A terminal's colours as HTML: SGR sequences become spans, everything else becomes text.

SGR after ECMA-48, its colours after xterm's ctlseqs. Of what a program printed only numbers get
into an attribute, so that it cannot write markup.
"""

import html
import re
from collections.abc import Iterator

from pocketcoder_tui.gatekeeper.faithful import plain

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_SWITCHES = {1: "b", 2: "d", 3: "i", 4: "u", 7: "r", 9: "s"}
_OFF = {22: "bd", 23: "i", 24: "u", 27: "r", 29: "s"}
_STEPS = (0, 95, 135, 175, 215, 255)
"""The levels of the colour cube of 256 colours."""


def escaped(text: str) -> str:
    """Untrusted text as HTML that shows it, in an element or in an attribute's quotes."""
    return html.escape(plain(text), quote=True)


def coloured(text: str) -> str:
    """Terminal text as HTML, with the colours that it had."""
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    pen = _Pen()
    position = 0
    for found in _SGR.finditer(text):
        yield pen.draw(text[position : found.start()])
        pen.feed(found[1])
        position = found.end()
    yield pen.draw(text[position:])


class _Pen:
    """What the sequences so far have set. A colour is 0 to 255, or #RRGGBB, or empty."""

    def __init__(self) -> None:
        self._on: set[str] = set()
        self._front = ""
        self._back = ""

    def draw(self, text: str) -> str:
        """The text in a span, or as it is when nothing is set."""
        if not text:
            return ""
        classes = sorted(self._on - {"r"})
        styles: list[str] = []
        front, back = self._front, self._back
        if "r" in self._on:
            front, back = back or "n", front or "n"
        for letter, property_, colour in (("f", "color", front), ("g", "background", back)):
            if colour.startswith("#"):
                styles.append(f"{property_}:{colour}")
            elif colour:
                classes.append(f"{letter}{colour}")
        if not classes and not styles:
            return escaped(text)
        named = f' class="{" ".join(classes)}"' if classes else ""
        styled = f' style="{";".join(styles)}"' if styles else ""
        return f"<span{named}{styled}>{escaped(text)}</span>"

    def feed(self, parameters: str) -> None:
        """Take one sequence; what is not known changes nothing."""
        words = re.split("[;:]", parameters)
        codes = [int(word) if word and len(word) < 6 else 0 for word in words]
        at = 0
        while at < len(codes):
            at += self._take(codes[at:])

    def _take(self, codes: list[int]) -> int:
        """Apply the first code; returns how many were used."""
        code = codes[0]
        if code == 0:
            self._on.clear()
            self._front = self._back = ""
        elif code in _SWITCHES:
            self._on.add(_SWITCHES[code])
        elif code in _OFF:
            self._on -= set(_OFF[code])
        elif code in (38, 48):
            colour, used = _extended(codes)
            if colour:
                self._set(code == 38, colour)
            return used
        else:
            self._name(code)
        return 1

    def _name(self, code: int) -> None:
        """One of the sixteen colours, or none."""
        front, number = (code % 60) // 10 == 3, code % 10
        if code in (39, 49):
            self._set(code == 39, "")
        elif (30 <= code <= 37) or (40 <= code <= 47):
            self._set(front, str(number))
        elif (90 <= code <= 97) or (100 <= code <= 107):
            self._set(front, str(number + 8))

    def _set(self, front: bool, colour: str) -> None:
        if front:
            self._front = colour
        else:
            self._back = colour


def _extended(codes: list[int]) -> tuple[str, int]:
    """38 or 48, then 5;N or 2;R;G;B: the colour, empty for none, and how many codes it took."""
    match codes[1:]:
        case [5, number, *_]:
            return _indexed(number & 255), 3
        case [2, red, green, blue, *_]:
            return f"#{red & 255:02x}{green & 255:02x}{blue & 255:02x}", 5
    return "", 2


def _indexed(number: int) -> str:
    """One of 256 colours: the first sixteen are the page's, the others have values of their own."""
    if number < 16:
        return str(number)
    if number >= 232:
        grey = 8 + (number - 232) * 10
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    cube = number - 16
    red, green, blue = _STEPS[cube // 36], _STEPS[cube // 6 % 6], _STEPS[cube % 6]
    return f"#{red:02x}{green:02x}{blue:02x}"
