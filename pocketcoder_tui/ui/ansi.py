"""Terminal text with its colours: SGR is kept, every other escape sequence is dropped.

Sequences after ECMA-48 (CSI, OSC, DCS); SGR parameters after xterm's ctlseqs. Linear in the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.color import Color
from rich.style import Style

from pocketcoder_tui.gatekeeper.faithful import plain

_SEQUENCE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\|$)?"
    r"|\x1b[ -/]*[0-Z\\`-~]?"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]{0,4096}\x1b?|[ -/]*)?\Z")
_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style, safe to draw, without newlines."""

    text: str
    style: Style


class Pen:
    """The style that SGR sequences have built so far."""

    def __init__(self) -> None:
        self._flags: set[str] = set()
        self._fg: Color | None = None
        self._bg: Color | None = None
        self.style = Style.null()

    def feed(self, parameters: str) -> None:
        """Take the parameters of one SGR sequence; what is not known changes nothing."""
        codes = [int(p) if p and len(p) < 6 else 0 for p in re.split("[;:]", parameters)]
        index = 0
        while index < len(codes):
            index += self._take(codes, index)
        on = self._flags
        self.style = Style(
            color=self._fg,
            bgcolor=self._bg,
            bold="bold" in on or None,
            dim="dim" in on or None,
            italic="italic" in on or None,
            underline="underline" in on or None,
            reverse="reverse" in on or None,
            strike="strike" in on or None,
        )

    def _take(self, codes: list[int], at: int) -> int:
        """Apply the code at ``at``; returns how many codes it used."""
        code = codes[at]
        if code == 0:
            self._flags.clear()
            self._fg = self._bg = None
        elif code in _FLAGS:
            self._flags.add(_FLAGS[code])
        elif code in _OFF:
            self._flags.difference_update(_OFF[code])
        elif code in (38, 48):
            return self._extended(codes, at)
        else:
            self._colour(code)
        return 1

    def _colour(self, code: int) -> None:
        if 30 <= code <= 37:
            self._fg = Color.from_ansi(code - 30)
        elif 90 <= code <= 97:
            self._fg = Color.from_ansi(code - 82)
        elif 40 <= code <= 47:
            self._bg = Color.from_ansi(code - 40)
        elif 100 <= code <= 107:
            self._bg = Color.from_ansi(code - 92)
        elif code == 39:
            self._fg = None
        elif code == 49:
            self._bg = None

    def _extended(self, codes: list[int], at: int) -> int:
        """38/48;5;N and 38/48;2;R;G;B."""
        kind = codes[at + 1] if at + 1 < len(codes) else -1
        colour: Color | None = None
        used = 2
        if kind == 5 and at + 2 < len(codes):
            colour, used = Color.from_ansi(codes[at + 2] & 255), 3
        elif kind == 2 and at + 4 < len(codes):
            red, green, blue = (c & 255 for c in codes[at + 2 : at + 5])
            colour, used = Color.from_rgb(red, green, blue), 5
        if colour is not None and codes[at] == 38:
            self._fg = colour
        elif colour is not None:
            self._bg = colour
        return used


def parse_line(line: str, pen: Pen | None = None) -> tuple[Run, ...]:
    """Split one terminal line into runs; ``pen`` carries the style from line to line."""
    pen = pen or Pen()
    runs: list[Run] = []
    position = 0
    for found in _SEQUENCE.finditer(line):
        _add(runs, line[position : found.start()], pen)
        if found["sgr"] is not None:
            pen.feed(found["sgr"])
        position = found.end()
    _add(runs, line[position:], pen)
    return tuple(runs)


def _add(runs: list[Run], text: str, pen: Pen) -> None:
    if text:
        runs.append(Run(plain(text, keep_newlines=False), pen.style))


def tail_lines(output: str, lines: int, characters: int = 8_000) -> list[tuple[Run, ...]]:
    """Return the last lines of raw output as a terminal would leave them.

    Looks at no more than ``characters`` of it. A carriage return starts its line again; an escape
    sequence that is not finished yet is held back.
    """
    text = _UNFINISHED.sub("", output[-characters:])
    text = text.replace("\r\n", "\n").rstrip("\r\n")
    pen = Pen()
    rows = [parse_line(_overwritten(line), pen) for line in text.split("\n")]
    return rows[-lines:] if text else []


def _overwritten(line: str) -> str:
    """What a line shows after its carriage returns: the last piece that has text."""
    pieces = [p for p in line.split("\r") if p]
    return pieces[-1] if pieces else ""


def cells(runs: Iterable[Run]) -> str:
    """The text of the runs, without style."""
    return "".join(run.text for run in runs)
