"""Traces of typing ahead and of pasting: none answers a row that nobody had seen."""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from pocketcoder_tui import ui
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.transcript import Transcript
from pocketcoder_tui.ui.approvals import ApprovalsPane
from pocketcoder_tui.ui.asked import Decided, DecidedTogether, Edited
from pocketcoder_tui.ui.kit import Clock, Kit
from tests.ui.bench import NOON, began, command, decided, waits

TRACES = int(os.environ.get("POCKETCODER_TRACES", "150"))
"""How many; the whole thousand takes some minutes (CONTRIBUTING.md)."""
GRACE, SETTLE = 0.5, 0.01
STYLE = Path(ui.__file__).parent / "style.tcss"
KEYS = [*"yyyyyynNecxmMuafdhb]", "enter", "space", "tab", "escape", "down", "ctrl+y", *"etaoin "]
"""What fingers do, y above all."""


@dataclass
class Times:
    """A clock of the test's: events carry their own moments."""

    now: float = 100.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: NOON, lambda: self.now, lambda moment: moment)


def key(name: str, at: float) -> events.Key:
    """A key that was pressed at a moment."""
    character = {"space": " ", "enter": "\r", "tab": "\t"}.get(name, name)
    event = events.Key(name, character if len(character) == 1 else None)
    event.time = at
    return event


def paste(chance: random.Random, at: float) -> list[events.Event]:
    """A paste that the terminal marks, or one that it does not: keys right behind each other."""
    words = chance.choices(KEYS, k=chance.randrange(2, 12))
    if chance.random() < 0.3:
        whole = events.Paste("".join(word if len(word) == 1 else "\n" for word in words))
        whole.time = at
        return [whole]
    step = chance.uniform(0, SETTLE * 0.9)
    return [key(word, at + step * place) for place, word in enumerate(words)]


def typing(chance: random.Random, begin: float, end: float) -> list[events.Event]:
    """Keys at the pace of fingers, all of them pressed between two moments."""
    moments = sorted(chance.uniform(begin, end) for _ in range(chance.randrange(1, 9)))
    return [key(chance.choice(KEYS), moment) for moment in moments]


class PaneApp(App[None]):
    """The pane, and something else to write in."""

    CSS_PATH = STYLE

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.pane = ApprovalsPane(kit)
        self.transcript = Transcript()
        self.transcript.apply_all(began())
        self.answers: list[Decided | DecidedTogether | Edited] = []

    def compose(self) -> ComposeResult:
        """Both."""
        yield Input(id="elsewhere")
        yield self.pane

    def show(self, *happened: ev.Event) -> None:
        """Let things happen."""
        self.transcript.apply_all(happened)
        self.pane.update_waiting(self.transcript.waiting)

    def on_approvals_pane_decided(self, event: Decided) -> None:
        """An answer."""
        self.answers.append(event)

    def on_approvals_pane_decided_together(self, event: DecidedTogether) -> None:
        """Several."""
        self.answers.append(event)

    def on_approvals_pane_edited(self, event: Edited) -> None:
        """No answer, and nothing that a paste should lead to either."""
        self.answers.append(event)


async def play(app: PaneApp, pilot: Pilot[None], times: Times, chance: random.Random) -> None:
    """One trace: something is typed or pasted around the moment in which a row comes up."""
    app.set_focus(app.pane if chance.random() < 0.7 else app.query_one(Input))
    rows = [f"{times.now}-{n}" for n in range(chance.choice((1, 1, 2)))]
    events_before = typing(chance, times.now - 2, times.now)
    for event in events_before:
        app.post_message(event)
    if chance.random() < 0.5:
        await pilot.pause()
    app.show(*[event for row in rows for event in waits(command(row, f"rm -rf {row}"))])
    if not app.pane.has_focus_within and chance.random() < 0.7:
        app.set_focus(app.pane)
    await pilot.pause()
    shown = times.now
    if chance.random() < 0.5:
        trace: list[events.Event] = list(typing(chance, shown - 1, shown + GRACE - 0.01))
    else:
        times.now += 2
        trace = paste(chance, shown + 1.5)
    for event in trace:
        app.post_message(event)
    await pilot.pause(SETTLE * 2)
    assert app.answers == [], [ascii(event) for event in (*events_before, *trace)]
    acts = [app.transcript.deed(row).action for row in rows]
    app.show(*[decided(act, Outcome.DENY) for act in acts])  # another terminal was asked
    times.now += 5


async def test_no_trace_of_typing_ahead_or_pasting_decides() -> None:
    times, chance = Times(), random.Random(7)
    app = PaneApp(Kit(times.clock, grace=GRACE, settle=SETTLE))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(TRACES):
            await play(app, pilot, times, chance)


async def test_the_same_keys_decide_once_the_row_was_seen() -> None:
    times = Times()
    app = PaneApp(Kit(times.clock, grace=GRACE, settle=SETTLE))
    async with app.run_test(size=(80, 24)) as pilot:
        app.show(*waits(command("a1", "ls")))
        app.set_focus(app.pane)
        await pilot.pause()
        times.now += 1
        app.post_message(key("y", times.now))
        await pilot.pause(SETTLE * 2)
        assert [type(answer) for answer in app.answers] == [Decided]
