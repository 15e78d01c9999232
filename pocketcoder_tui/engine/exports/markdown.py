"""A session as Markdown. What is not ours stands where it cannot become a part of the page.

A command, an output or a diff is in a fence that is longer than any run of backticks in it
(CommonMark 0.31, 4.5). What was said and answered is quoted, where Markdown of its own can only be
a quotation; a text that could bring HTML, or a picture from somewhere, is in a fence instead.
"""

import re
from collections.abc import Iterable, Iterator

from pocketcoder_tui.core.actions import PreviewKind
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
from pocketcoder_tui.gatekeeper.faithful import plain

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
"""What a backslash makes literal: CommonMark 0.31, 2.4."""
_BACKTICKS = re.compile(r"`+")
_INFO = {PreviewKind.COMMAND: "sh", PreviewKind.DIFF: "diff", PreviewKind.TEXT: "text"}


def to_markdown(story: Story) -> str:
    """Return the whole session."""
    return "\n\n".join(_blocks(story)) + "\n"


def fence(text: str, info: str = "text") -> str:
    """A block of literal text that nothing in the text can end."""
    text = plain(text).rstrip("\n")
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{info}\n{text}\n{ticks}"


def inline(text: str) -> str:
    """Untrusted text as literal words of one line."""
    return _PUNCTUATION.sub(r"\\\1", plain(text, keep_newlines=False).strip())


def quote(text: str) -> str:
    """Markdown that is not ours, as a quotation; in a fence when it could be more than that."""
    text = plain(text).strip("\n")
    if "<" in text or "![" in text:
        return fence(text, "markdown")
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _blocks(story: Story) -> Iterator[str]:
    yield f"# {inline(story.title) or UNTITLED}"
    facts = [f"- session {inline(story.session_id)}", f"- folder {inline(story.workspace)}"]
    if story.started:
        facts.append(f"- begun {moment(story.started)}")
    if story.inherited is not None:
        facts.append(f"- {inline(origin_words(story.inherited))}")
    yield "\n".join([*facts, f"- {MASKED}"])
    for chapter in story.chapters:
        yield from _chapter(chapter)
        if story.inherited is not None and chapter.number == story.inherited_turns:
            yield f"---\n\n*{MARK[story.inherited.origin]}*"


def _chapter(chapter: Chapter) -> Iterator[str]:
    if chapter.turn_id:
        at = f", {moment(chapter.at)}" if chapter.at else ""
        yield f"## Turn {chapter.number}{at}"
    for entry in chapter.entries:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterable[str]:
    match entry:
        case Said():
            queued = " (queued, not sent)" if entry.queued else ""
            at = f", {moment(entry.at)}" if entry.at else ""
            return (f"**You**{queued}{at}", quote(entry.text))
        case Answer():
            return ("**Agent**", quote(entry.text))
        case Thought():
            words = len(entry.text.split())
            summary = f"<details><summary>Thought, {words:,} words</summary>"
            return (summary, fence(entry.text), "</details>")
        case Deed():
            return _deed(entry)
        case Typed():
            return _typed(entry.line)
        case Remark():
            said = inline(f"{entry.sentence} {entry.hint}")
            return (f"*PocketCoder ({entry.level})*: {said}",)
        case Undone():
            return (f"*{inline(undone_words(entry))}*",)


def _deed(deed: Deed) -> Iterator[str]:
    preview = deed.preview
    yield f"### {inline(preview.verb).capitalize()}: {inline(preview.title)}"
    yield fence(preview.text, _INFO[preview.kind])
    facts = [inline(note) for note in (*preview.notes, edited_words(deed)) if note]
    if deed.decision is not None:
        facts.append(inline(decision_words(deed.decision)))
    facts += [inline(fact) for fact in (end_words(deed), changed_words(deed)) if fact]
    done = deed.execution
    if done is not None and done.error:
        facts.append(inline(done.error))
    if done is not None and done.omitted:
        facts.append(omitted_words(done.omitted))
    yield "\n".join(f"- {fact}" for fact in facts)
    if done is not None and done.output:
        yield fence(done.output)


def _typed(line: PersonRan) -> Iterator[str]:
    yield f"### You typed in the window {inline(line.window)}"
    if line.command:
        yield fence(line.command, "sh")
    facts = [f"exit {line.status}, after {line.seconds:.1f} s", f"directory {inline(line.cwd)}"]
    if not line.command:
        facts.insert(0, "the shell did not keep the line")
    if line.omitted:
        facts.append(omitted_words(line.omitted))
    yield "\n".join(f"- {fact}" for fact in facts)
    if line.output:
        yield fence(line.output)
