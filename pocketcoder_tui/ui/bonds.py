"""What waits and depends on what else waits: said, so that the order of answers is no accident."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.toolset import SHELL, file_of


@dataclass(frozen=True, slots=True)
class Bond:
    """How a row depends on others; safe text."""

    short: str
    """A few words for the row."""
    sentence: str
    """For the text that is read."""


_SHELL = Bond(
    "same shell as {}",
    "Runs in the same shell as row {}: in the order in which you allow them.",
)
_FILE = Bond(
    "same file as {}",
    "Changes the same file as row {}: when one is written, the others are shown anew.",
)


def bonds(deeds: Sequence[Deed]) -> dict[str, Bond]:
    """Say which rows depend on each other, by the actions' ids. Rows count from 1."""
    found: dict[str, Bond] = {}
    for key_of, bond in _KINDS:
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for row, deed in enumerate(deeds):
            groups[key_of(deed)].append(row)
        groups.pop("", None)
        for rows in groups.values():
            for row in rows if len(rows) > 1 else ():
                others = _numbers([other + 1 for other in rows if other != row])
                found[deeds[row].id] = Bond(bond.short.format(others), bond.sentence.format(others))
    return found


def _shell_of(deed: Deed) -> str:
    return deed.window if deed.action.call.tool == SHELL else ""


def _file_of(deed: Deed) -> str:
    return file_of(deed.action)


_KINDS: tuple[tuple[Callable[[Deed], str], Bond], ...] = ((_shell_of, _SHELL), (_file_of, _FILE))


def _numbers(rows: Sequence[int]) -> str:
    """Row numbers as a person writes them: 1, 2 and 3."""
    *most, last = map(str, rows)
    return f"{', '.join(most)} and {last}" if most else last
