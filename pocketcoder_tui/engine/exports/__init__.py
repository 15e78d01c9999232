"""A session as a text that can be handed on: Markdown, one HTML page, or the events themselves."""

from pocketcoder_tui.engine.exports.files import lines_of, write_new
from pocketcoder_tui.engine.exports.formats import Format, format_of, render
from pocketcoder_tui.engine.exports.story import Chapter, Story, tell

__all__ = [
    "Chapter",
    "Format",
    "Story",
    "format_of",
    "lines_of",
    "render",
    "tell",
    "write_new",
]
