"""Where a text that is not in a file nearly is: the lines that are most like it. Pure, bounded.

Lines are compared without their white space at both ends first, because that is what most often
differs; then the line that says most is looked for by its likeness (difflib's ratio).
"""

import difflib
from collections.abc import Sequence

__all__ = ["nearest"]

LINES = 20_000
"""Lines of a file that are looked at."""
WANTED = 200
"""Lines of the text that are looked for."""
SHOWN = 40
"""Lines that are shown."""
COLUMNS = 300
"""Characters of a line that are compared and shown."""
LIKE = 0.6
"""How much a line must be like another one: 1 is the same, 0 nothing in common."""


def nearest(text: str, wanted: str) -> str:
    """A sentence with the nearest lines and their numbers; empty when nothing is like it."""
    have = [line[:COLUMNS] for line in text.split("\n")[:LINES]]
    lines = [line[:COLUMNS] for line in wanted.strip("\n").split("\n")[:WANTED]]
    if not wanted.strip() or not have:
        return ""
    bare, sought = [line.strip() for line in have], [line.strip() for line in lines]
    start, same = _most_alike(bare, sought)
    if same == len(sought):
        return _told(have, start, len(lines), "It differs in white space only")
    if not same:
        start = _like(bare, sought)
        if start < 0:
            return ""
    return _told(have, start, len(lines), "The nearest")


def _most_alike(have: Sequence[str], sought: Sequence[str]) -> tuple[int, int]:
    """Where most of the lines are the same, each in its place; and how many."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(have):
        if line:
            places.setdefault(line, []).append(number)
    counts: dict[int, int] = {}
    for offset, line in enumerate(sought):
        for number in places.get(line, ()):
            if number >= offset:
                counts[number - offset] = counts.get(number - offset, 0) + 1
    if not counts:
        return 0, 0
    start = min(counts, key=lambda at: (-counts[at], at))
    empty = sum(
        not line and start + offset < len(have) and not have[start + offset]
        for offset, line in enumerate(sought)
    )
    return start, counts[start] + empty


def _like(have: Sequence[str], sought: Sequence[str]) -> int:
    """Where the text would begin if its longest line were the one that is most like it; or -1."""
    longest = max(range(len(sought)), key=lambda n: len(sought[n]))
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(sought[longest])
    best, at = LIKE, -1
    for number, line in enumerate(have):
        matcher.set_seq1(line)
        quick = matcher.real_quick_ratio() > best and matcher.quick_ratio() > best
        if quick and (ratio := matcher.ratio()) > best:
            best, at = ratio, number
    return max(at - longest, 0) if at >= 0 else -1


def _told(have: Sequence[str], start: int, count: int, words: str) -> str:
    """Lines with what stands before each in the file shown exactly."""
    end = min(start + min(count, SHOWN), len(have))
    which = f"line {start + 1}" if end == start + 1 else f"lines {start + 1} to {end}"
    verb = ", at" if words.startswith("It") else " is" if end == start + 1 else " are"
    head = f"{words}{verb} {which}:"
    return "\n".join([head, *have[start:end]])
