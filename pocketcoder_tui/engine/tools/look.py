"""The tools that only look: read, list and search. Links resolve in the box."""

import json
import shlex

from pydantic import Field

from pocketcoder_tui.core.actions import Action, Ended, Execution, Json, Preview, PreviewKind
from pocketcoder_tui.core.hiding import MARK
from pocketcoder_tui.core.ports import Box, ExecResult
from pocketcoder_tui.engine.tools.base import Arguments, Sketch, complaint_of, spec_of
from pocketcoder_tui.engine.tools.boxscript import CLAIMED, OUTPUT_LIMIT, first_line, run_claimed
from pocketcoder_tui.gatekeeper.paths import SECRET_GLOBS, searches_openly

HIDDEN = rf"""
hidden() {{
    IFS= read -r line 2>/dev/null <"$1" && [ "$line" = {shlex.quote(MARK)} ] || return
    echo "This file is hidden from you: the person keeps it to themselves. Go on without it." >&2
}}
"""
"""For bash, a function: is a file hidden? It says so. A mask has one line, and it is this one."""

LINES = 2_000
"""Lines that one read brings at most."""
ENTRIES = 1_000
"""Entries that one listing brings at most."""

_READ = rf"""
{HIDDEN}
file=$1 from=$2 to=$3
[ -e "$file" ] || {{ echo "There is no such file." >&2; return 20; }}
[ -f "$file" ] || {{ echo "This is not a file; use list_files for a folder." >&2; return 21; }}
hidden "$file" && return 29
if head -c 8000 -- "$file" | LC_ALL=C grep -qaP '\x00'; then
    echo "This is a binary file of $(stat -Lc %s -- "$file") bytes." >&2; return 22
fi
wc -l <"$file"
sed -n "${{from}},${{to}}p;${{to}}q" -- "$file" | head -c {OUTPUT_LIMIT}
"""

_LIST = rf"""
[ -e "$1" ] || {{ echo "There is no such folder." >&2; return 20; }}
[ -d "$1" ] || {{ echo "This is not a folder; use read_file for a file." >&2; return 21; }}
find -H "$1" -mindepth 1 -maxdepth "$2" -name .git -prune -printf 'd 0 %P\0' \
    -o -printf '%y %s %P\0' | sort -z -k 3 | head -z -n {ENTRIES + 1}
"""

_SEARCH = rf"""
[ -e "$2" ] || {{ echo "There is no such file or folder." >&2; return 20; }}
pattern=$1 place=$2 glob=$3; shift 3
if [ -n "$glob" ]; then set -- --glob "$glob" "$@"; fi
rg --no-config --line-number --with-filename --no-heading --color=never --max-columns=400 \
    --sort=path "$@" --regexp "$pattern" -- "$place" | head -c {OUTPUT_LIMIT}
return "${{PIPESTATUS[0]}}"
"""


def executed(action: Action, result: ExecResult, output: str, **data: object) -> Execution:
    """Make an execution of a file tool's result."""
    error = "" if result.status == 0 else first_line(result.stderr, "It failed without a word.")
    if result.status == CLAIMED:
        error = "This action was claimed before; it was not done a second time."
    return Execution(
        action.id, Ended.FINISHED, result.status, "" if error else output, error=error, data=data
    )


class ReadArguments(Arguments):
    """What read_file is asked."""

    path: str = Field(min_length=1, description="File, relative to /workspace or absolute.")
    start_line: int = Field(default=1, ge=1, description="First line, from 1.")
    line_count: int = Field(default=LINES, ge=1, le=LINES, description="How many lines.")


class ReadFile:
    """Reads lines of a text file."""

    spec = spec_of("read_file", "Read a text file, whole or by lines.", ReadArguments)

    def complaint(self, arguments: Json) -> str:
        """See Tool."""
        return complaint_of(arguments, ReadArguments)

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """See Tool."""
        asked = ReadArguments.model_validate(dict(arguments))
        text = f"Read {asked.path}"
        if asked.start_line > 1 or asked.line_count < LINES:
            text += f"\nlines {asked.start_line} to {asked.start_line + asked.line_count - 1}"
        return Sketch(Preview(PreviewKind.TEXT, "read", asked.path, text))

    async def perform(self, action: Action, box: Box) -> Execution:
        """See FileTool."""
        asked = ReadArguments.model_validate(dict(action.call.arguments))
        last = asked.start_line + asked.line_count - 1
        arguments = (rooted(asked.path), str(asked.start_line), str(last))
        result = await run_claimed(box, action.id, _READ, *arguments)
        return self.finish(action, result)

    def finish(self, action: Action, result: ExecResult) -> Execution:
        """Turn what the script printed into an execution."""
        count, _, body = result.stdout.partition(b"\n")
        text = body.decode("utf-8", "replace")
        total = int(count) if count.strip().isdigit() else 0
        return executed(action, result, text, total_lines=total, lines=len(text.splitlines()))


class ListArguments(Arguments):
    """What list_files is asked."""

    path: str = Field(default=".", description="Folder, relative to /workspace or absolute.")
    depth: int = Field(default=2, ge=1, le=10, description="How many levels down.")


class ListFiles:
    """Lists a folder."""

    spec = spec_of("list_files", "List files and folders below a folder.", ListArguments)

    def complaint(self, arguments: Json) -> str:
        """See Tool."""
        return complaint_of(arguments, ListArguments)

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """See Tool."""
        asked = ListArguments.model_validate(dict(arguments))
        text = f"List {asked.path}\n{_levels(asked.depth)}"
        return Sketch(Preview(PreviewKind.TEXT, "list", asked.path, text))

    async def perform(self, action: Action, box: Box) -> Execution:
        """See FileTool."""
        asked = ListArguments.model_validate(dict(action.call.arguments))
        result = await run_claimed(box, action.id, _LIST, rooted(asked.path), str(asked.depth))
        return self.finish(action, result)

    def finish(self, action: Action, result: ExecResult) -> Execution:
        """Turn what the script printed into an execution."""
        entries = [e for e in result.stdout.decode("utf-8", "replace").split("\0") if e]
        more = len(entries) > ENTRIES
        lines = [_entry(e) for e in entries[:ENTRIES]]
        if more:
            lines.append(f"(more than {ENTRIES} entries; list a folder further down)")
        return executed(action, result, "\n".join(lines), entries=len(entries[:ENTRIES]))


class SearchArguments(Arguments):
    """What search_files is asked."""

    pattern: str = Field(min_length=1, description="Regular expression (ripgrep's syntax).")
    path: str = Field(default=".", description="File or folder to search in.")
    glob: str = Field(default="", description="Only files that match, for example *.py.")


class SearchFiles:
    """Searches file contents."""

    spec = spec_of(
        "search_files",
        "Search the contents of files with ripgrep. Files that often hold secrets are left out, "
        "unless path or glob names one.",
        SearchArguments,
    )

    def complaint(self, arguments: Json) -> str:
        """See Tool."""
        return complaint_of(arguments, SearchArguments)

    async def sketch(self, arguments: Json, box: Box) -> Sketch:
        """See Tool."""
        asked = SearchArguments.model_validate(dict(arguments))
        text = f"Search for  {asked.pattern}\nin          {asked.path}"
        if asked.glob:
            text += f"\nonly        {asked.glob}"
        title = f"{asked.pattern}  in {asked.path}"
        return Sketch(Preview(PreviewKind.TEXT, "search", title, text))

    async def perform(self, action: Action, box: Box) -> Execution:
        """See FileTool."""
        asked = SearchArguments.model_validate(dict(action.call.arguments))
        left_out = SECRET_GLOBS if searches_openly(asked.glob) else ()
        without = [word for glob in left_out for word in ("--iglob", f"!{glob}")]
        arguments = (asked.pattern, rooted(asked.path), asked.glob, *without)
        return self.finish(action, await run_claimed(box, action.id, _SEARCH, *arguments))

    def finish(self, action: Action, result: ExecResult) -> Execution:
        """Turn what ripgrep printed into an execution; its status 1 means no match."""
        if result.status == 1 and not result.stderr:
            result = ExecResult(0, b"", b"")
        text = result.stdout.decode("utf-8", "replace")
        return executed(action, result, text or "(no match)", matches=len(text.splitlines()))


def rooted(path: str) -> str:
    """Give a relative path a form that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def _levels(depth: int) -> str:
    return "this folder alone" if depth == 1 else f"{depth} levels down"


def _entry(raw: str) -> str:
    """One line for one entry; a name that would break the line is quoted as JSON."""
    kind, _, rest = raw.partition(" ")
    size, _, name = rest.partition(" ")
    if not name.isprintable():
        name = json.dumps(name)
    if kind == "d":
        return f"{name}/"
    return f"{name}  ({size} bytes)" if kind == "f" else f"{name}  (link or special file)"
