"""The machine's clock moves by hours, either way, between any two steps: nothing depends on it."""

import itertools
import time
from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.ledger.inspection import examine
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import running

HOUR = 3600.0


@pytest.mark.parametrize("turns", [(-1,), (1,), (-1, 1), (1, -1, -1), (5, -9)])
async def test_decisions_and_results_stand_whatever_the_clock_does(
    tmp_path: Path, turns: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hours = time.time, itertools.accumulate(itertools.cycle(turns))
    monkeypatch.setattr(time, "time", lambda: real() + next(hours) % 24 * HOUR)
    model = ScriptedModel(shell("one", "two"), says("done"))
    async with running(tmp_path, model) as rig:
        await rig.session.send("please")
        first, second = sorted(await rig.waiting(2), key=lambda d: d.preview.text)
        await rig.allow(first)
        await rig.until(lambda: first.state is ActionState.FINISHED)
        session_id = rig.session.transcript.session_id
    again = ScriptedModel(says("done"))
    async with running(tmp_path, again, resume=session_id) as rig:
        [deed] = await rig.waiting()
        assert deed.id == second.id
        await rig.deny(deed, "not now")
        assert (await rig.rest()).outcome == ev.TurnOutcome.DONE
        assert rig.terminal.ran == []
        assert rig.session.transcript.deed(first.id).state is ActionState.FINISHED
    assert examine(tmp_path / "ledger.db")
