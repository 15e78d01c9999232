"""The forms in which a session can be exported."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import PurePath

from pocketcoder_tui.core.events import Durable
from pocketcoder_tui.engine.exports.markdown import to_markdown
from pocketcoder_tui.engine.exports.page import to_page
from pocketcoder_tui.engine.exports.story import tell


class Format(StrEnum):
    """A form; its value is what files of it end in."""

    MARKDOWN = "md"
    """For a person, and for a program that draws Markdown."""
    LINES = "jsonl"
    """The events as they are stored, to be imported again."""
    PAGE = "html"
    """One page for a browser, with the terminal's colours."""


def format_of(name: str) -> Format | None:
    """The form that a file's name asks for; None when it asks for none."""
    ending = PurePath(name).suffix.removeprefix(".").lower()
    endings = {**{form.value: form for form in Format}, "markdown": Format.MARKDOWN,
               "htm": Format.PAGE}  # fmt: skip
    return endings.get(ending)


def render(form: Format, events: Sequence[Durable], lines: Sequence[str]) -> str:
    """The text of an export: of the events, or for LINES of the lines that hold them."""
    match form:
        case Format.LINES:
            return "".join(f"{line}\n" for line in lines)
        case Format.PAGE:
            return to_page(tell(events))
        case Format.MARKDOWN:
            return to_markdown(tell(events))
