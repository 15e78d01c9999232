"""What an action will do, in words: warnings that must be read, and the rest at a fixed place."""

from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from pocketcoder_tui.core.actions import Action
from pocketcoder_tui.gatekeeper.effects import Effect, Kind, Report, effects_of
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip

WARNED = {
    Kind.DANGER: "danger",
    Kind.GUARDED: "your machine runs it later",
    Kind.PRIVILEGE: "more rights",
}
"""Kinds that are part of the text that must have been on screen, and the word for each."""
CAUTION = frozenset({Kind.UNREAD, Kind.NETWORK, Kind.SECRET, Kind.DELETES, Kind.OUTSIDE})
"""Kinds that are told in amber."""
NOTHING = "Its text tells of no change."
KEPT = 64
"""Reports that are kept, so that drawing a row again costs nothing."""

_reports: dict[str, tuple[Action, Report]] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """One line about what an action will do; safe text."""

    sentence: str
    caution: bool = False


def report_of(action: Action) -> Report:
    """What an action will do; computed once for each."""
    kept = _reports.get(action.id)
    if kept is None or kept[0] != action:
        while len(_reports) >= KEPT:
            del _reports[next(iter(_reports))]
        kept = _reports[action.id] = (action, effects_of(action))
    return kept[1]


def warnings(report: Report) -> list[str]:
    """The sentences that must have been read, each with its word."""
    return [f"{WARNED[e.kind]}: {one_line(e.sentence)}" for e in report.of(*WARNED)]


def told(report: Report, dot: str = "·") -> list[Told]:
    """Everything else, the most important first; the simple commands are one line."""
    rest = [e for e in report.effects if e.kind not in WARNED and e.kind is not Kind.RUNS]
    lines = [Told(_sentence(e), e.kind in CAUTION) for e in rest]
    commands = [one_line(e.sentence).removeprefix("Runs: ") for e in report.of(Kind.RUNS)]
    if len(commands) > 1:
        lines.append(Told(f"{len(commands)} commands: {f' {dot} '.join(commands)}"))
    elif commands:
        lines.append(Told(f"Runs: {commands[0]}"))
    return list(dict.fromkeys(lines))


def _sentence(effect: Effect) -> str:
    return one_line(effect.sentence)


class EffectStrip(Static):
    """The fixed place: a few lines under the text, the same number whatever is scrolled."""

    def __init__(self, kit: Kit) -> None:
        super().__init__("", id="effects", markup=False)
        self._kit = kit
        self._lines: list[Told] = []
        self._most = 0

    def tell(self, action: Action | None, most: int) -> None:
        """Show what an action will do in at most ``most`` lines; x tells the rest."""
        dot = self._kit.pick("·", "-")
        self._lines = told(report_of(action), dot) if action is not None else []
        self._most = most
        self.display = action is not None and most > 0
        self._draw()

    def on_resize(self) -> None:
        """The lines are cut for the width."""
        self._draw()

    def _draw(self) -> None:
        width, dots = self.content_size.width, self._kit.pick("…", "...")
        shown = self._lines or [Told(NOTHING)]
        hidden = len(shown) - self._most
        if hidden > 0:
            shown = [*shown[: max(self._most - 1, 0)], Told(f"{hidden + 1} more: x tells all")]
        sign = self._kit.pick("·", "-")
        self.update(Content("\n").join(_line(line, sign, width, dots) for line in shown))


def _line(line: Told, sign: str, width: int, dots: str) -> Content:
    mark, style = ("!", "$warning") if line.caution else (sign, "$text-muted")
    return Content.styled(f"{mark} {clip(line.sentence, width - 2, dots)}", style)
