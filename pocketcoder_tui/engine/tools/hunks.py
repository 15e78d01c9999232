"""A change taken in part: the hunks of the diff that a person saw, and those they chose. Pure."""

import difflib
from collections.abc import Collection

from pocketcoder_tui.engine.tools.edit import diff_text_lines

CONTEXT = 3
"""Lines around a change in a hunk, as in the diff that is shown."""
_NO_NEWLINE = "\n\\ no newline at the end"


def hunk_count(old: str, new: str) -> int:
    """How many hunks the diff of two texts has."""
    return len(_groups(diff_text_lines(old), diff_text_lines(new)))


def with_hunks(old: str, new: str, chosen: Collection[int]) -> str:
    """Return the old text with only the chosen hunks of its diff to the new one, counted from 0.

    Raises ValueError for a hunk that the diff does not have.
    """
    before, after = diff_text_lines(old), diff_text_lines(new)
    groups = _groups(before, after)
    if not set(chosen) <= set(range(len(groups))):
        raise ValueError("the diff has no such hunk")
    kept: list[str] = []
    reached = 0
    for number, group in enumerate(groups):
        first, last = group[0], group[-1]
        kept += before[reached : first[1]]
        reached = last[2]
        kept += after[first[3] : last[4]] if number in chosen else before[first[1] : reached]
    kept += before[reached:]
    return "".join(_as_in_file(line) for line in kept)


def _groups(before: list[str], after: list[str]) -> list[list[tuple[str, int, int, int, int]]]:
    matcher = difflib.SequenceMatcher(None, before, after)
    groups = [list(group) for group in matcher.get_grouped_opcodes(CONTEXT)]
    return [group for group in groups if any(step[0] != "equal" for step in group)]


def _as_in_file(line: str) -> str:
    """A line of the diff with its newline, if it has one."""
    return line.removesuffix(_NO_NEWLINE) if line.endswith(_NO_NEWLINE) else f"{line}\n"
