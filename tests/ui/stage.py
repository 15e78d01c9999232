"""A workbench on a screen in memory, with hands on its clock, for tests of what a person sees."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from pocketcoder_tui.core.events import Event
from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Clock, Kit
from tests.ui.bench import NOON, ScriptedWorkbench, factory


@dataclass
class Hands:
    """The hands of a test's clock."""

    wall: float = NOON + 4
    steady: float = 1000.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(lambda: self.wall, lambda: self.steady, lambda _: self.steady)


@dataclass
class Stage:
    """The app, its pilot and its workbench."""

    app: PocketCoderApp
    pilot: Pilot[None]
    bench: ScriptedWorkbench
    hands: Hands

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait for a fact; a test fails after ten seconds without it."""
        async with asyncio.timeout(10):
            while not fact():
                await self.pilot.pause()
        await self.pilot.pause()

    async def happen(self, *events: Event) -> None:
        """Let the engine emit events, and wait until they are drawn."""
        self.bench.emit(*events)
        await self.drawn()

    async def drawn(self) -> None:
        """Wait until everything that happened is on the screen."""
        main = self.app.main
        await self.until(lambda: main._flush_timer is None and not main.link.dirty)

    def text_of(self, selector: str) -> str:
        """What the widgets under a selector show, as text."""
        return "\n".join(shown(w) for w in self.app.main.query(selector))

    def screen_text(self) -> str:
        """The whole screen as text."""
        return screen_text(self.app)


def shown(widget: Widget) -> str:
    """A widget's own lines."""
    height = widget.size.height
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(height))


def screen_text(app: App[None]) -> str:
    """The compositor's picture of the screen."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in lines)


def bench_opens(app: PocketCoderApp) -> bool:
    """True until opening has come to its end, well or not."""
    return app.main._panes is None or app.main._opening


@asynccontextmanager
async def staged(
    bench: ScriptedWorkbench | None = None,
    *events: Event,
    size: tuple[int, int] = (120, 36),
    grace: float = 0.0,
    settle: float = 0.0,
    ascii: bool = False,
    others: Callable[[str], ScriptedWorkbench] | None = None,
    mirror: Mirror | None = None,
) -> AsyncIterator[Stage]:
    """Run the app until its session is open and the events are drawn."""
    bench = bench or ScriptedWorkbench()
    hands = Hands()
    kit = Kit(hands.clock, ascii=ascii, grace=grace, settle=settle)
    make_other = None if others is None else lambda session_id: factory(others(session_id))
    app = PocketCoderApp(
        factory(bench),
        make_other=make_other,
        mirror=mirror,
        workspace="/home/dana/src/shop",
        kit=kit,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, pilot, bench, hands)
        await stage.until(lambda: bench.requests("checks") or not bench_opens(app))
        if events:
            bench.emit(*events)
        await stage.drawn()
        yield stage
    await app.aclose()
