"""Fixed programs of the file tools, run in the box with the action's id as their claim.

A script claims its id by making a directory, which is atomic; whoever comes second is refused.
Its output and status stay beside the claim for an hour, so that a host that died can read them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pocketcoder_tui.core.ports import Box, ExecResult

ROOT = "/run/pocketcoder/files"
"""Where the claims are: memory of the container, gone when it restarts."""
CLAIMED = 75
"""Exit status of a script whose id was claimed before (EX_TEMPFAIL of sysexits.h)."""
OUTPUT_LIMIT = 400_000
"""Bytes that a file tool brings back at most."""

_CLAIM = r"""
root=$1 id=$2; shift 2
exec 3>&2
mkdir -p -m 0700 -- "$root" || exit 74
find "$root" -mindepth 2 -name out -mmin +60 -delete
mkdir -- "$root/$id" 2>/dev/null || exit 75
here=$root/$id
work "$@" >"$here/out" 2>"$here/err"
status=$?
printf %s "$status" >"$here/.status" && mv -T -- "$here/.status" "$here/status"
cat -- "$here/out"; cat -- "$here/err" >&2
exit "$status"
"""

_RECALL = r"""
root=$1 here=$1/$2
mkdir -p -m 0700 -- "$root" || exit 74
if mkdir -- "$here" 2>/dev/null; then exit 3; fi
[ -f "$here/status" ] || exit 4
cat -- "$here/out"; cat -- "$here/err" >&2
exit "$((100 + $(cat -- "$here/status")))"
"""
_NEVER, _UNFINISHED, _DONE = 3, 4, 100


@dataclass(frozen=True, slots=True)
class Recall:
    """What the box remembers of a file tool's action."""

    started: bool
    result: ExecResult | None
    """None when it started and no end was written."""


async def run_claimed(
    box: Box,
    action_id: str,
    work: str,
    *arguments: str,
    stdin: bytes = b"",
    heard: Callable[[bytes], None] | None = None,
) -> ExecResult:
    """Run ``work`` (the body of a bash function) once for this id.

    What it writes to its descriptor 3 is ``heard`` while it runs. Raises ContainerGone. A status
    of CLAIMED means that nothing was done now.
    """
    program = f"work() {{\n{work}\n}}\n{_CLAIM}"
    argv = ["bash", "-c", program, "pocketcoder", ROOT, action_id, *arguments]
    return await box.exec(argv, stdin=stdin, limit=OUTPUT_LIMIT * 2, heard=heard)


async def recall(box: Box, action_id: str) -> Recall:
    """Ask the box what became of an id; one that never started is claimed now, for good."""
    found = await box.exec(
        ["bash", "-c", _RECALL, "pocketcoder", ROOT, action_id], limit=OUTPUT_LIMIT * 2
    )
    if found.status == _NEVER:
        return Recall(False, None)
    if found.status < _DONE:
        return Recall(True, None)
    result = ExecResult(found.status - _DONE, found.stdout, found.stderr, found.truncated)
    return Recall(True, result)


def first_line(stderr: bytes, otherwise: str) -> str:
    """The first line that a program wrote to its standard error, or another sentence."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else otherwise
