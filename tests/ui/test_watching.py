"""A second pocketcoder: who owns the workspace is said, watching is offered, nothing is decided."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.errors import LedgerError, LedgerOwned, WatchingOnly
from pocketcoder_tui.engine.workbench import ENDED, WATCHING
from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.elsewhere import Mirror
from pocketcoder_tui.ui.kit import Kit
from tests.ui.bench import NOON, ScriptedWorkbench, began, command, factory, waits
from tests.ui.stage import Hands, Stage, bench_opens, staged

OWNED = "Another pocketcoder (process 42, since 2026-11-26 00:10) owns this workspace's ledger."
REFUSED = WatchingOnly("You watch a session that another pocketcoder (process 42) works in.")


class WatchedBench(ScriptedWorkbench):
    """What a mirror looks like to the screen."""

    def __init__(self) -> None:
        super().__init__([*began(), *waits(command("a1", "pytest -q"))])
        self.word = WATCHING
        self.send_error = REFUSED

    @property
    def mode(self) -> str:
        return self.word


def mirror_of(bench: ScriptedWorkbench, *, there: bool = True) -> Mirror:
    async def is_there() -> bool:
        return there

    return Mirror(is_there, factory(bench))


def owned() -> ScriptedWorkbench:
    bench = ScriptedWorkbench()
    bench.open_errors = [LedgerOwned(OWNED), LedgerOwned(OWNED)]
    return bench


async def test_the_trouble_panel_says_who_and_offers_to_watch() -> None:
    watched = WatchedBench()
    async with staged(owned(), mirror=mirror_of(watched)) as stage:
        panel = stage.text_of("#trouble")
        assert "process 42, since 2026-11-26 00:10" in panel
        assert "F5 watches it, read-only" in panel
        await stage.pilot.press(*"half a thought", "f5")
        await stage.until(lambda: watched.requests("open") and "pytest -q" in stage.screen_text())
        await stage.drawn()
        seen = stage.screen_text()
        assert "WATCHING" in seen
        assert "read-only" in seen
        assert "Waiting elsewhere · 1" in seen
        assert "half a thought" in seen
        assert not watched.requests("checks")


@pytest.mark.parametrize("there", [True, False])
async def test_it_is_offered_only_where_there_is_somebody(there: bool) -> None:
    bench = ScriptedWorkbench()
    bench.open_errors = [LedgerError("The disk is full.") if there else LedgerOwned(OWNED)]
    async with staged(bench, mirror=mirror_of(WatchedBench(), there=there)) as stage:
        assert "F5" not in stage.text_of("#trouble")
        if not there:
            await stage.pilot.press("f5")
            await stage.until(lambda: "No other pocketcoder works" in stage.screen_text())


async def test_f5_in_one_s_own_session_says_that_nobody_is_there() -> None:
    async with staged(mirror=mirror_of(WatchedBench())) as stage:
        await stage.pilot.press("f5")
        await stage.until(lambda: "No other pocketcoder works" in stage.screen_text())


@pytest.mark.parametrize("key", ["y", "n", "N", "r", "e", "c", "t", "u", "a"])
async def test_no_key_decides(key: str) -> None:
    bench = WatchedBench()
    async with staged(bench) as stage:
        await stage.pilot.press("ctrl+y")
        await stage.until(lambda: stage.app.main.panes.approvals.has_focus)
        await stage.pilot.press(key)
        await stage.drawn()
        assert "decide where it works, or with pocketcoder approvals" in " ".join(
            stage.text_of("#decision-hint").split()
        )
        assert not [r for r in bench.asked if r[0] in ("decide", "edit", "undo", "try")]
        assert stage.app.main.panes.approvals._box.purpose is None


@pytest.mark.parametrize(
    "key", ["ctrl+t", "ctrl+l", "f4", "f6", "ctrl+o", "f3", "alt+u", "shift+tab", "f7", "f8", "f2"]
)
async def test_what_is_the_owner_s_is_said_and_not_begun(key: str) -> None:
    bench = WatchedBench()
    async with staged(bench) as stage:
        before = stage.app.screen
        await stage.pilot.press(key)
        await stage.until(lambda: "that is done where the session works" in stage.screen_text())
        assert stage.app.screen is before
        assert not [r for r in bench.asked if r[0] not in ("open", "watch", "resize")]


async def test_what_was_written_is_kept() -> None:
    async with staged(WatchedBench()) as stage:
        await stage.pilot.press(*"hello", "enter")
        await stage.until(lambda: "another pocketcoder (process 42)" in stage.screen_text())
        assert stage.app.main.query_one(Draft).text == "hello"


async def test_quitting_does_not_ask_about_another_s_work() -> None:
    async with staged(WatchedBench()) as stage:
        await stage.pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)


async def test_after_the_owner_left_one_key_goes_on_here() -> None:
    bench, mine = WatchedBench(), ScriptedWorkbench()
    asked: list[str] = []

    def other(session_id: str) -> ScriptedWorkbench:
        asked.append(session_id)
        return mine

    async with staged(bench, others=other, mirror=mirror_of(bench)) as stage:
        bench.word = ENDED
        await stage.happen(ev.Noticed("warning", "The other has left.", "^R goes on.", NOON))
        assert "ENDED" in stage.screen_text()
        assert "The other has left. ^R goes on." in " ".join(stage.screen_text().split())
        await stage.pilot.press("ctrl+r")
        await stage.until(lambda: mine.requests("open"))
        assert asked == ["s1"]
        assert bench.closed


async def test_a_decision_made_elsewhere_is_followed() -> None:
    from tests.ui.bench import action, decided

    bench = WatchedBench()
    async with staged(bench) as stage:
        assert "elsewhere" in stage.text_of("#activity")
        await stage.happen(decided(action("a1", command="pytest -q"), Outcome.ALLOW))
        assert "elsewhere" not in stage.text_of("#activity")


PICTURES = [
    ("offer", (120, 36)),
    ("offer", (40, 20)),
    ("watching", (120, 36)),
    ("watching", (40, 20)),
]


@pytest.mark.parametrize(("name", "size"), PICTURES, ids=[f"{n}-{s[0]}" for n, s in PICTURES])
def test_picture(snap_compare: Callable[..., Any], name: str, size: tuple[int, int]) -> None:
    bench = owned() if name == "offer" else WatchedBench()
    hands = Hands()
    kit = Kit(hands.clock, grace=0.0, settle=0.0)
    app = PocketCoderApp(
        factory(bench), mirror=mirror_of(WatchedBench()), workspace="/home/dana/src/shop", kit=kit
    )

    async def prepare(pilot: Pilot[None]) -> None:
        stage = Stage(app, pilot, bench, hands)
        await stage.until(lambda: bench.requests("open") and not bench_opens(app))
        await stage.drawn()

    assert snap_compare(app, terminal_size=size, run_before=prepare)
