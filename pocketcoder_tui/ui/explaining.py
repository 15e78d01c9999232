"""Why an action was asked about: by which mode or rule, where it happens, and what it touches."""

from collections.abc import Iterator

from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.effects import Kind
from pocketcoder_tui.ui.effects import WARNED, report_of
from pocketcoder_tui.ui.folding import Ink, Piece
from pocketcoder_tui.ui.safe import one_line

NOTHING = "Its text tells of nothing beside the command itself."
NO_PROMISE = (
    "Told from the text alone, and not by the agent. What a program does by itself cannot be read."
)


def explanation(deed: Deed, *, mode: str, bond: str) -> list[list[Piece]]:
    """Everything that is known about why a row waits, as safe lines."""
    return list(_lines(deed, mode, bond))


def _lines(deed: Deed, mode: str, bond: str) -> Iterator[list[Piece]]:
    action = deed.action
    yield _title("Why")
    yield _line(deed.why or "It waits for you.")
    yield _line(f"The mode is {mode}.")
    if deed.edited:
        yield _line(f"{deed.edited} changed what the agent had asked for; the agent is told.")
    if bond:
        yield _line(bond)
    yield [Piece("")]
    yield _title("What it will do")
    effects = [e for e in report_of(action).effects if e.kind is not Kind.RUNS]
    for effect in effects:
        told = effect.certain or "only when it runs" in effect.sentence
        unsure = "" if told else " What exactly is known only when it runs."
        word = f"{WARNED[effect.kind]}: " if effect.kind in WARNED else ""
        ink = Ink.NOTE if word else Ink.TEXT
        yield [Piece(f"{'!' if word else '-'} {word}{one_line(effect.sentence)}{unsure}", ink)]
    yield from ([_plain(f"- {e.sentence}")] for e in report_of(action).of(Kind.RUNS))
    if not report_of(action).effects:
        yield _line(NOTHING)
    yield [Piece(NO_PROMISE, Ink.DIM)]
    yield [Piece("")]
    yield _title("Where, and exactly what")
    yield _line(f"tool {action.call.tool}, window {deed.window}, in {action.cwd or 'no folder'}")
    yield _line(f"box {action.container[:12] or 'none'}, action {action.id}")
    yield _line(f"sha256 of tool, arguments, folder, box and file: {action.digest}")
    yield [Piece("A decision holds for exactly this, once.", Ink.DIM)]


def _title(text: str) -> list[Piece]:
    return [Piece(text, Ink.HUNK)]


def _plain(text: str) -> Piece:
    return Piece(one_line(text))


def _line(text: str) -> list[Piece]:
    return [_plain(text)]
