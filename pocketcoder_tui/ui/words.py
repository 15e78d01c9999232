"""How numbers and long words are put on a line: durations, counts, and cutting to a width."""

from pathlib import PurePath

from rich.cells import cell_len, get_character_cell_size


def duration(seconds: float) -> str:
    """Return seconds as a person says them: ``0.1 s``, ``12 s``, ``3 min 5 s``, ``2 h 4 min``."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def age(seconds: float) -> str:
    """Return how long ago something was, roughly: ``now``, ``5 min``, ``3 h``, ``2 days``."""
    whole = int(max(seconds, 0))
    for length, word in ((60, "min"), (3600, "h"), (86_400, "day"), (604_800, "week")):
        number = whole // length
        if word == "min" and not number:
            return "now"
        limit = {"min": 60, "h": 24, "day": 14, "week": 100}[word]
        if number < limit:
            return count(number, word) if word in ("day", "week") else f"{number} {word}"
    return count(whole // 31_557_600, "year")


def count(number: int, word: str) -> str:
    """Return ``1 line``, ``1,234 lines``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def clip(text: str, width: int, dots: str = "…") -> str:
    """Cut one line to ``width`` terminal cells; a cut shows itself by ``dots``."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    room = width - len(dots)
    if room < 0:
        return dots[:width]
    used = 0
    for index, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > room:
            return text[:index] + dots
    return text


def short_path(path: str, home: str) -> str:
    """Write the home folder as ``~``."""
    if home and path == home:
        return "~"
    if home and PurePath(path).is_relative_to(home):
        return f"~/{PurePath(path).relative_to(home)}"
    return path
