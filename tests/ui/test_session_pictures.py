"""Pictures of all sessions at two sizes; look at the report when one differs, then decide.

Make them again with: pytest tests/ui/test_session_pictures.py --snapshot-update
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.kit import Kit
from tests.ui.bench import factory
from tests.ui.stage import Hands, Stage
from tests.ui.test_sessions import HERE, screen, shelved

PICTURES = [
    ("list", (120, 36)),
    ("search", (120, 36)),
    ("turns", (120, 36)),
    ("list", (80, 24)),
    ("delete", (80, 24)),
    ("list", (40, 20)),
]


@pytest.mark.parametrize(("name", "size"), PICTURES, ids=[f"{n}-{s[0]}" for n, s in PICTURES])
def test_picture(
    snap_compare: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    bench, hands = shelved(), Hands()
    app = PocketCoderApp(factory(bench), workspace="/w", kit=Kit(hands.clock))

    async def prepare(pilot: Pilot[None]) -> None:
        stage = Stage(app, pilot, bench, hands)
        await stage.until(lambda: bench.requests("checks"))
        await pilot.press("ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)
        glimpse = screen(stage).query_one("#shelf-glimpse")
        if glimpse.display:
            await stage.until(lambda: ("glimpse", HERE) in bench.library.asked)
        match name:
            case "search":
                await pilot.press("slash", *"needle")
                await stage.until(lambda: ("glimpse", "s5") in bench.library.asked)
                await stage.until(lambda: "you wrote: needle" in stage.screen_text())
            case "turns":
                await pilot.press("f")
                await stage.until(lambda: "And commit it" in stage.screen_text())
            case "delete":
                await pilot.press("down", "d", *"del")
                await stage.until(lambda: ("glimpse", "s2") in bench.library.asked)
        await stage.until(lambda: screen_is_still(app))

    assert snap_compare(app, terminal_size=size, run_before=prepare)


def screen_is_still(app: PocketCoderApp) -> bool:
    """Nothing is being read or searched for any more."""
    return not [w for w in app.workers if w.group in ("load", "search", "glimpse", "change")]
