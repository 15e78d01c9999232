"""What a terminal would be told, and the texts that try to tell it something."""

import re
import unicodedata

PAYLOADS = {
    "OSC 0": "\x1b]0;EVIL\x07",
    "OSC 8": "\x1b]8;;https://evil.example\x1b\\EVIL\x1b]8;;\x1b\\",
    "OSC 52": "\x1b]52;c;RVZJTA==\x07",
    "CSI": "\x1b[31mEVIL\x1b[2J\x1b[1;1H\x1b[6n",
    "C1": "\x9b31mEVIL\x9d0;EVIL\x9c\x90EVIL\x9c\x85",
    "reset": "\x1bcEVIL",
    "DCS": "\x1bP$qEVIL\x1b\\\x1b_EVIL\x1b\\\x1b^EVIL\x1b\\",
    "bidi": "\u202eEVIL\u2066\u2069\u200f\u061c",
    "zero width": "E\u200bV\u200dI\ufeffL\u2060\u00ad\u034f",
    "tags": "".join(chr(0xE0000 + ord(c)) for c in "EVIL"),
    "variation": "E\ufe0fV\U000e0101",
    "returns": "harmless\rEVIL\x08\x08\x0b\x0c\x7f",
    "separators": "EVIL\u2028EVIL\u2029\u3000\u3164\u2800",
    "markup": "[bold red]EVIL[/] [@click=app.bell]x[/] [link=https://evil.example]y[/link]",
    "controls": "".join(map(chr, (*range(1, 9), *range(0x0E, 0x20)))),
    "surrogate": "\udc9b31m",
    "private": "\ue000\U000f0000\U0010fffd",
}
OWN = re.compile(
    r"\x1b\[[0-9;:]*m"  # colours
    r"|\x1b\[[0-9;]*[HJKABCDfGd]"  # the cursor, and clearing
    r"|\x1b\[\?[0-9;]*[hl]"  # modes
    r"|\x1b\[\?[0-9;]*\$p"  # asking for a mode
    r"|\x1b\[[<>=]?[0-9;]*[u]"  # the keyboard's protocol
    r"|\x1b\[[0-9;]*[ ]q"  # the cursor's shape
    r"|\x1b\]22;[a-z-]+\x07"  # the pointer's shape
)
"""Sequences that Textual writes by itself."""


class Tape:
    """What the driver was told to write."""

    def __init__(self) -> None:
        self.text = ""

    def stray(self) -> list[str]:
        """What is left that a terminal would obey, hide or reorder."""
        left = OWN.sub("", self.text)
        found = {c for c in left if not c.isprintable() and c not in "\n\r"}
        found |= {c for c in left if unicodedata.category(c) in ("Cf", "Cs", "Co", "Cn")}
        return sorted(ascii(left[max(left.index(c) - 20, 0) : left.index(c) + 20]) for c in found)
