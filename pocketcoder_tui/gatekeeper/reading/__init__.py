"""Reading bash without running it: simple commands, their words, and what is led where."""

from pocketcoder_tui.gatekeeper.reading.commands import read
from pocketcoder_tui.gatekeeper.reading.model import (
    Assignment,
    Definition,
    Document,
    Reading,
    Redirect,
    Simple,
)
from pocketcoder_tui.gatekeeper.reading.nested import Doubt, Whole, read_whole
from pocketcoder_tui.gatekeeper.reading.words import Word

__all__ = [
    "Assignment",
    "Definition",
    "Document",
    "Doubt",
    "Reading",
    "Redirect",
    "Simple",
    "Whole",
    "Word",
    "read",
    "read_whole",
]
