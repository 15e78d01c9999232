"""The tools that change files. What is written is what the shown diff led to, or nothing."""

import asyncio
import difflib
import hashlib
from dataclasses import dataclass

from pydantic import Field

from pocketcoder_tui.core.actions import (
    Action,
    Ended,
    Execution,
    Json,
    Preview,
    PreviewKind,
    canonical,
)
from pocketcoder_tui.core.ports import Box, ExecResult
from pocketcoder_tui.engine.tools.base import Arguments, Sketch, complaint_of, spec_of
from pocketcoder_tui.engine.tools.boxscript import first_line, run_claimed
from pocketcoder_tui.engine.tools.look import HIDDEN, executed, rooted
from pocketcoder_tui.engine.tools.nearest import nearest

ABSENT = "absent"
"""Stands for the content of a file that does not exist."""
LIMIT = 2_000_000
"""Bytes of a file that can be shown as a diff."""

_PEEK = rf"""
{HIDDEN}
file=$(readlink -m -- "$1") || exit 20
if [ ! -e "$file" ]; then printf '%s\0absent\0' "$file"; exit 0; fi
[ -f "$file" ] || {{ echo "This is not a regular file." >&2; exit 21; }}
[ -r "$file" ] || {{ echo "The file cannot be read." >&2; exit 22; }}
hidden "$file" && exit 29
sum=$(sha256sum <"$file"); printf '%s\0%s\0' "$file" "${{sum%% *}}"; cat <"$file"
"""

_WRITE = r"""
file=$1 shown=$2 wanted=$3
[ "$(readlink -m -- "$4")" = "$file" ] || { echo "The path leads elsewhere now." >&2; return 23; }
if [ -e "$file" ]; then now=$(sha256sum <"$file"); now=${now%% *}; else now=absent; fi
[ "$now" = "$shown" ] || { echo "The file changed since it was shown." >&2; return 24; }
folder=$(dirname -- "$file")
mkdir -p -- "$folder" || return 25
new=$(mktemp -- "$folder/.pocketcoder.XXXXXXXX") || return 26
cat >"$new"; sum=$(sha256sum <"$new")
if [ "${sum%% *}" != "$wanted" ]; then
    rm -f -- "$new"; echo "The text did not arrive whole." >&2; return 27
fi
if [ "$now" = absent ]; then chmod "$(printf %o "$((0666 & ~$(umask)))")" -- "$new"
else chmod --reference="$file" -- "$new"; fi
mv -T -- "$new" "$file" || { rm -f -- "$new"; return 28; }
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was when we looked."""

    path: str
    """Resolved, absolute, in the box."""
    sha256: str
    """Of the content, hex; ABSENT when there is no file."""
    text: str | None
    """None when it is no UTF-8 text or larger than LIMIT."""
    problem: str = ""

    @property
    def base(self) -> str:
        """Binds a decision to this very file with this very content."""
        return hashlib.sha256(canonical([self.path, self.sha256])).hexdigest()


async def look_at(box: Box, path: str) -> Seen:
    """Read a file for the person's eyes. Raises ContainerGone."""
    argv = ["bash", "-c", _PEEK, "pocketcoder", rooted(path)]
    found = await box.exec(argv, limit=LIMIT + 8_192)
    if found.status != 0:
        return Seen(path, "", None, first_line(found.stderr, "The file cannot be read."))
    name, _, rest = found.stdout.partition(b"\0")
    sha256, _, content = rest.partition(b"\0")
    text: str | None = None
    if not found.truncated:
        sha256 = sha256 if sha256 == b"absent" else _sha(content).encode()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = None
    return Seen(name.decode("utf-8", "surrogateescape"), sha256.decode(), text)


@dataclass(frozen=True, slots=True)
class Change:
    """What a call would do to a file."""

    seen: Seen
    text: str | None
    """The new content; None when the change does not fit."""
    problem: str = ""
    near: str = ""
    """Lines of the file that are like those which are not in it."""


class WriteArguments(Arguments):
    """What write_file is asked."""

    path: str = Field(min_length=1, description="File, relative to /workspace or absolute.")
    content: str = Field(description="The whole new content.")


class Piece(Arguments):
    """One replacement."""

    old_text: str = Field(min_length=1, description="Text to replace, exactly as in the file.")
    new_text: str = Field(description="What takes its place.")
    replace_all: bool = Field(default=False, description="Replace every occurrence.")


class EditArguments(Piece):
    """What edit_file is asked."""

    path: str = Field(min_length=1, description="File, relative to /workspace or absolute.")
    more_edits: list[Piece] = Field(
        default_factory=list,
        max_length=100,
        description="Further replacements in the same file, done after this one in their order. "
        "All of them are done, or none.",
    )


class _Changer:
    """What both tools share: look, show the difference, write only onto what was shown."""

    verb = ""
    arguments: type[Arguments] = Arguments

    async def change(self, arguments: Json, box: Box) -> Change:
        """Work out the new content. Raises ContainerGone."""
        raise NotImplementedError

    def complaint(self, arguments: Json) -> str:
        """See Tool."""
        return complaint_of(arguments, self.arguments)

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """See Tool: the diff against the file as it is now."""
        change = await self.change(arguments, box)
        return await asyncio.to_thread(self._draw, str(arguments["path"]), change)

    async def perform(self, action: Action, box: Box) -> Execution:
        """See FileTool: refuses when the file is not the one that was shown."""
        change = await self.change(action.call.arguments, box)
        if change.seen.base != action.base:
            return _refused(action, "The file changed since it was shown. Nothing was written.")
        if change.text is None:
            return _refused(action, "\n".join(filter(None, (change.problem, change.near))))
        data = change.text.encode("utf-8")
        seen, path = change.seen, str(action.call.arguments["path"])
        arguments = (seen.path, seen.sha256, _sha(data), rooted(path))
        result = await run_claimed(box, action.id, _WRITE, *arguments, stdin=data)
        return self.finish(action, result)

    def finish(self, action: Action, result: ExecResult) -> Execution:
        """Turn the script's status into an execution."""
        return executed(action, result, "Written.")

    def _draw(self, path: str, change: Change) -> Sketch:
        notes = [change.problem] if change.problem else []
        if not change.seen.path.startswith("/workspace/") and not change.seen.problem:
            notes.append(f"This is outside the workspace, in the box: {change.seen.path}")
        elif change.seen.path != f"/workspace/{path.removeprefix('/workspace/')}":
            notes.append(f"The path leads to {change.seen.path}")
        if change.text is None:
            text = change.near or change.problem
            preview = Preview(PreviewKind.TEXT, self.verb, path, text, notes=tuple(notes))
            return Sketch(preview, change.seen.base)
        if change.seen.text is None:
            notes.append("It replaces a file that is no text, or too long to be compared.")
        lines = diff_lines(change.seen.text or "", change.text)
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        text = "\n".join(lines) or _no_lines(change)
        preview = Preview(PreviewKind.DIFF, self.verb, path, text, added, removed, tuple(notes))
        return Sketch(preview, change.seen.base)


class WriteFile(_Changer):
    """Writes a whole file."""

    spec = spec_of(
        "write_file",
        "Create a file, or replace its whole content. Folders on the way are made.",
        WriteArguments,
    )
    verb = "write"
    arguments = WriteArguments

    async def change(self, arguments: Json, box: Box) -> Change:
        """See _Changer."""
        seen = await look_at(box, str(arguments["path"]))
        if seen.problem:
            return Change(seen, None, seen.problem)
        return Change(seen, str(arguments["content"]))


class EditFile(_Changer):
    """Replaces exact pieces of a file."""

    spec = spec_of(
        "edit_file",
        "Replace exact pieces of text in a file, several at once with more_edits. Each old text "
        "must occur exactly once, unless replace_all is set; else nothing is done and you are told "
        "the lines that are most like it.",
        EditArguments,
    )
    verb = "edit"
    arguments = EditArguments

    async def change(self, arguments: Json, box: Box) -> Change:
        """See _Changer."""
        asked = EditArguments.model_validate(dict(arguments))
        seen = await look_at(box, asked.path)
        if seen.problem:
            return Change(seen, None, seen.problem)
        if seen.sha256 == ABSENT:
            return Change(seen, None, "There is no such file, so this edit would fail.")
        if seen.text is None:
            return Change(seen, None, "The file is no text, or too long, so this edit would fail.")
        return await asyncio.to_thread(_replaced, seen, seen.text, asked)


def _replaced(seen: Seen, text: str, asked: EditArguments) -> Change:
    """All replacements, one after the other, or why there are none."""
    pieces = (asked, *asked.more_edits)
    for number, piece in enumerate(pieces, 1):
        which = f" of edit {number}" if len(pieces) > 1 else ""
        count = text.count(piece.old_text)
        if count == 0:
            problem = f"The text to replace{which} is not in the file; it would fail."
            return Change(seen, None, problem, nearest(text, piece.old_text))
        if count > 1 and not piece.replace_all:
            problem = f"The text to replace{which} occurs {count} times, not once; it would fail."
            return Change(seen, None, problem)
        text = text.replace(piece.old_text, piece.new_text)
        if len(text) > LIMIT:
            return Change(seen, None, "The file would become too long, so this edit would fail.")
    return Change(seen, text)


def diff_lines(old: str, new: str) -> list[str]:
    """Unified diff of two texts, without file headers; a missing last newline is said."""
    before, after = diff_text_lines(old), diff_text_lines(new)
    lines = list(difflib.unified_diff(before, after, n=3, lineterm=""))[2:]
    return [part for line in lines for part in line.split("\n") if part]


def diff_text_lines(text: str) -> list[str]:
    """Lines by newline alone, so that a carriage return stays part of its line."""
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], lines[-1] + "\n\\ no newline at the end"]


def _no_lines(change: Change) -> str:
    """What a difference without lines means."""
    made = change.seen.sha256 == ABSENT
    return "(an empty file)" if made else "(the file stays as it is)"


def _refused(action: Action, why: str) -> Execution:
    return Execution(action.id, Ended.FINISHED, None, error=why)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


CHANGERS: dict[str, _Changer] = {tool.spec.name: tool for tool in (WriteFile(), EditFile())}
"""The tools that change a file, by name."""
