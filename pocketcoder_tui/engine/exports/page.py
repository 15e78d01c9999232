"""A session as one HTML page: no script, nothing loaded from anywhere, dark or light as wished."""

from collections.abc import Iterator

from pocketcoder_tui.core.events import PersonRan
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
from pocketcoder_tui.engine.exports.colours import coloured, escaped
from pocketcoder_tui.engine.exports.story import Chapter, Story
from pocketcoder_tui.engine.exports.words import (
    MARK,
    MASKED,
    UNTITLED,
    changed_words,
    decision_words,
    edited_words,
    end_words,
    moment,
    omitted_words,
    origin_words,
    undone_words,
)

_DARK = (
    "#3a4352",
    "#ef7a7a",
    "#8bc58b",
    "#e5b567",
    "#6ca8e8",
    "#c792ea",
    "#6fc3c3",
    "#d5d8de",
    "#8c95a5",
    "#ff9b9b",
    "#a9e0a9",
    "#ffd589",
    "#93c3f7",
    "#ddb0f7",
    "#93e0e0",
    "#ffffff",
)
_LIGHT = (
    "#22262c",
    "#b3261e",
    "#2b6e2f",
    "#8a5a00",
    "#1f5fa8",
    "#7a3fa0",
    "#0b6a6a",
    "#6b7078",
    "#59616e",
    "#cc3a31",
    "#36863b",
    "#a06a00",
    "#2d74c4",
    "#9354bd",
    "#178080",
    "#101214",
)
"""The sixteen colours of a terminal, readable on the page's own ground."""

_RULES = """
:root{--ground:#f7f7f5;--ink:#22262c;--dim:#59616e;--line:#d3d7dd;--box:#fff;--warn:#8a5a00LIGHT}
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--ink:#d5d8de;--dim:#8c95a5;
--line:#2b323d;--box:#1a1e25;--warn:#e5b567DARK}}
:root{color-scheme:light dark}
body{background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif;
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;border-top:1px solid var(--line);padding-top:1rem}
pre,.said,.answer{white-space:pre-wrap;overflow-wrap:anywhere}
pre{background:var(--box);border:1px solid var(--line);border-radius:4px;padding:.5rem .75rem;
font:14px/1.4 ui-monospace,monospace;margin:.5rem 0}
.said{border-left:3px solid var(--c4);padding-left:.75rem;margin:1rem 0}
.answer{margin:1rem 0}
.deed{margin:1rem 0}.deed>b{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.dim,summary,header{color:var(--dim);font-size:.875rem}
.warn{color:var(--warn)}
.b{font-weight:bold}.d{opacity:.7}.i{font-style:italic}
.u{text-decoration:underline}.s{text-decoration:line-through}
.u.s{text-decoration:underline line-through}
.fn{color:var(--box)}.gn{background:var(--ink)}
"""

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style></head><body>
"""


def to_page(story: Story) -> str:
    """Return the whole session."""
    title = _line(story.title) or UNTITLED
    return "".join([_HEAD.format(title=title, style=_style()), *_body(story), "</body></html>\n"])


def _style() -> str:
    def named(colours: tuple[str, ...]) -> str:
        return "".join(f";--c{n}:{colour}" for n, colour in enumerate(colours))

    own = "".join(
        f".f{n}{{color:var(--c{n})}}.g{n}{{background:var(--c{n})}}" for n in range(len(_DARK))
    )
    return _RULES.replace("LIGHT", named(_LIGHT)).replace("DARK", named(_DARK)) + own


def _line(text: str) -> str:
    """Untrusted text as one line."""
    return escaped(" ".join(text.split("\n"))).strip()


def _body(story: Story) -> Iterator[str]:
    yield f"<header><h1>{_line(story.title) or UNTITLED}</h1>\n<p>"
    yield f"session {_line(story.session_id)} · folder {_line(story.workspace)}"
    if story.started:
        yield f" · begun {moment(story.started)}"
    if story.inherited is not None:
        yield f"<br>{_line(origin_words(story.inherited))}"
    yield f"<br>{escaped(MASKED)}</p></header>\n<main>\n"
    for chapter in story.chapters:
        yield from _chapter(chapter)
        if story.inherited is not None and chapter.number == story.inherited_turns:
            yield f"<p class=warn>{MARK[story.inherited.origin]}</p>\n"
    yield "</main>\n"


def _chapter(chapter: Chapter) -> Iterator[str]:
    if chapter.turn_id:
        at = f" <span class=dim>{moment(chapter.at)}</span>" if chapter.at else ""
        yield f'<h2 id="turn-{chapter.number}">Turn {chapter.number}{at}</h2>\n'
    for entry in chapter.entries:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    match entry:
        case Said():
            dim = " · ".join(["you", *(["queued, not sent"] if entry.queued else []),
                              *([moment(entry.at)] if entry.at else [])])  # fmt: skip
            yield f"<div class=said><span class=dim>{dim}</span>\n{escaped(entry.text)}</div>\n"
        case Answer():
            yield f"<div class=answer>{escaped(entry.text.strip())}</div>\n"
        case Thought():
            words = len(entry.text.split())
            yield f"<details><summary>thought, {words:,} words</summary>"
            yield f"<pre>{escaped(entry.text.strip())}</pre></details>\n"
        case Deed():
            yield from _deed(entry)
        case Typed():
            yield from _typed(entry.line)
        case Remark():
            kind = "dim" if entry.level == "info" else "warn"
            yield f"<p class={kind}>{_line(f'{entry.sentence} {entry.hint}')}</p>\n"
        case Undone():
            yield f"<p class=dim>{_line(undone_words(entry))}</p>\n"


def _deed(deed: Deed) -> Iterator[str]:
    preview = deed.preview
    yield f"<div class=deed><b>{_line(preview.verb)}: {_line(preview.title)}</b>\n"
    yield f"<pre>{escaped(preview.text)}</pre>\n"
    for note in filter(None, (*preview.notes, edited_words(deed))):
        yield f"<div class=warn>{_line(note)}</div>\n"
    if deed.decision is not None:
        yield f"<div class=dim>{_line(decision_words(deed.decision))}</div>\n"
    for fact in filter(None, (end_words(deed), changed_words(deed))):
        yield f"<div class=dim>{_line(fact)}</div>\n"
    done = deed.execution
    if done is not None:
        if done.error:
            yield f"<div class=warn>{_line(done.error)}</div>\n"
        if done.omitted:
            yield f"<div class=warn>{omitted_words(done.omitted)}</div>\n"
        if done.output:
            yield f"<pre>{coloured(done.coloured or done.output)}</pre>\n"
    yield "</div>\n"


def _typed(line: PersonRan) -> Iterator[str]:
    yield f"<div class=deed><b>you typed in the window {_line(line.window)}</b>\n"
    what = escaped(line.command) or "(the shell did not keep the line)"
    yield f"<pre>{what}</pre>\n"
    yield f"<div class=dim>exit {line.status}, after {line.seconds:.1f} s"
    yield f", directory {_line(line.cwd)}</div>\n"
    if line.omitted:
        yield f"<div class=warn>{omitted_words(line.omitted)}</div>\n"
    if line.output:
        yield f"<pre>{escaped(line.output)}</pre>\n"
    yield "</div>\n"
