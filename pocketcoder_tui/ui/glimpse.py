"""A session in a few lines, to recognise it by: its facts, what was found in it, how it ended."""

import textwrap
import time
from collections.abc import Iterator, Sequence

from textual.content import Content

from pocketcoder_tui.core.shelf import Hit
from pocketcoder_tui.core.transcript import (
    Answer,
    Deed,
    Entry,
    Remark,
    Said,
    Thought,
    Typed,
    Undone,
)
from pocketcoder_tui.engine.catalogue import Glimpse
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.looks import look_of, verb_of
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.shelfstate import UNTITLED, WORDS
from pocketcoder_tui.ui.words import clip, count

_LINES = 3
"""Lines of one message or answer."""
_FOUND = 4
"""Finds that are shown."""


def glimpse_lines(
    glimpse: Glimpse, hits: Sequence[Hit], kit: Kit, size: tuple[int, int]
) -> list[Content]:
    """Lines for a place of so many columns and rows: the facts, then as much of the end as fits."""
    width, height = size
    head = [*_facts(glimpse, width, kit), *_found(hits, width, kit)]
    told = [line for entry in glimpse.transcript.entries.values()
            for line in _entry(entry, width, kit)]  # fmt: skip
    room = height - len(head) - 1
    if room <= 0:
        return head[:height]
    cut = len(told) > room or not glimpse.whole
    end = told[-(room - 1) or len(told) :] if cut and room > 1 else told[-room:]
    sign = [Content.styled(kit.pick("…", "..."), "$text-muted")] if cut and room > 1 else []
    return [*head, Content(""), *sign, *end]


def moment(at: float) -> str:
    """A moment (Unix seconds) in the person's own time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _facts(glimpse: Glimpse, width: int, kit: Kit) -> list[Content]:
    session, dots = glimpse.summary, kit.pick("…", "...")
    counts = [count(session.turns, "turn"), count(session.actions, "action")]
    if session.open_actions:
        counts.append(f"{session.open_actions} open")
    title = clip(one_line(session.title) or UNTITLED, width, dots)
    return [
        Content.styled(title, "bold"),
        _dim(f"{moment(session.started)} to {moment(session.changed)}", width, kit),
        _dim(", ".join(counts), width, kit),
    ]


def _found(hits: Sequence[Hit], width: int, kit: Kit) -> Iterator[Content]:
    if hits:
        yield Content("")
    for hit in hits[:_FOUND]:
        text = f"{WORDS[hit.place]}: {one_line(hit.snippet)}"
        yield Content.styled(clip(text, width, kit.pick("…", "...")), "$warning")
    if len(hits) > _FOUND:
        yield _dim(f"and {count(len(hits) - _FOUND, 'more find')}", width, kit)


def _entry(entry: Entry, width: int, kit: Kit) -> Iterator[Content]:
    match entry:
        case Said():
            lines = _wrapped(entry.text, width - 6)
            for n, line in enumerate(lines):
                yield Content.assemble(("you   " if not n else " " * 6, "bold $primary"), line)
        case Answer():
            yield from (Content(line) for line in _wrapped(entry.text, width))
        case Deed():
            look = look_of(entry)
            glyph = kit.pick(look.glyph, look.fallback)
            title = clip(one_line(entry.preview.title), width - 12, kit.pick("…", "..."))
            yield Content.assemble((glyph, look.style), f" {one_line(verb_of(entry)):<8} ", title)
        case Typed():
            yield _dim(f"$ {one_line(entry.line.command)}", width, kit)
        case Remark():
            yield _dim(one_line(entry.sentence), width, kit)
        case Undone():
            yield _dim(f"you undid {one_line(entry.label)}", width, kit)
        case Thought():
            return


def _wrapped(text: str, width: int) -> list[str]:
    """The first lines of a text, folded at words, each safe and within the width."""
    # Enough for the lines that are shown, so that a long text costs no more than a short one.
    lines = textwrap.wrap(one_line(text[: (width + 1) * (_LINES + 2)]), max(width, 10))
    return [clip(line, width) for line in lines[:_LINES]]


def _dim(text: str, width: int, kit: Kit) -> Content:
    return Content.styled(clip(text, width, kit.pick("…", "...")), "$text-muted")
