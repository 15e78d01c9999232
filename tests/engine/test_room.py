"""Room in the window: old long outputs are sent shortened, in steps, and kept whole elsewhere."""

from pathlib import Path

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Ended, Execution
from pocketcoder_tui.core.model import Finish, ReplyFinished, Usage
from pocketcoder_tui.core.transcript import Remark
from pocketcoder_tui.engine.room import AGAIN, KEPT, LONG, aging_due, shortened
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running

LIMIT = 1_000
FULL = 800
TEXT = "begin " + "x" * 3 * LONG + " end"


def ended(number: int, output: str = TEXT) -> ev.ActionEnded:
    return ev.ActionEnded(Execution(f"a{number}", Ended.FINISHED, 0, output))


def aged(first: str) -> ev.OutputsAged:
    return ev.OutputsAged(first, FULL, 1.0)


def due(events: list[ev.Durable], tokens: int = FULL, limit: int = LIMIT) -> str:
    step = aging_due(events, tokens, limit, 2.0)
    return step.action_id if step is not None else ""


def test_it_is_due_once_the_window_fills_and_there_is_something() -> None:
    many = [ended(n) for n in range(KEPT + 3)]
    assert due(many) == "a3"
    assert due(many, tokens=700) == ""
    assert due(many, limit=0) == ""
    assert due(many[:KEPT]) == ""
    assert due([ended(n, "short") for n in range(50)]) == ""
    assert due(many[: KEPT + 1]) == "a1"


def test_it_goes_in_steps() -> None:
    events: list[ev.Durable] = [ended(n) for n in range(KEPT + 1)]
    events.append(aged("a1"))
    for n in range(AGAIN + KEPT - 1):
        events.append(ended(100 + n))
        assert due(events) == ""
    events.append(ended(999))
    assert due(events) == f"a{100 + AGAIN}"


def test_what_is_shortened_keeps_both_ends_and_says_so() -> None:
    told = shortened(TEXT)
    assert told.startswith("begin xx")
    assert told.endswith("xx end")
    assert "characters are left out" in told
    assert len(told) < LONG / 2


async def filled(tmp_path: Path, tokens: int, limit: int) -> tuple[ScriptedModel, list[str]]:
    """A session of many commands with long outputs; its model, and the remarks in it."""
    steps = [[*shell(f"echo {n} {TEXT}")[:-1], said(tokens)] for n in range(KEPT + 3)]
    model = ScriptedModel(*steps, says("Done."))
    rig = Rig(model)
    rig.context_tokens = limit
    async with running(tmp_path, model, rig=rig):
        await rig.session.send("go")
        for _ in steps:
            [deed] = await rig.waiting()
            await rig.allow(deed)
            await rig.until(lambda: not rig.session.transcript.waiting)
        await rig.rest()
        entries = rig.session.transcript.entries.values()
        remarks = [e.sentence for e in entries if isinstance(e, Remark)]
    return model, remarks


def said(tokens: int) -> ReplyFinished:
    return ReplyFinished(Finish.DONE, usage=Usage(prompt=tokens))


def outputs(model: ScriptedModel, request: int) -> list[str]:
    results = [r for m in model.requests[request].messages for r in m.results]
    return [str(result.response["output"]) for result in results]


@pytest.mark.parametrize(("tokens", "limit"), [(FULL, 0), (100, LIMIT)])
async def test_without_need_everything_stays_whole(tmp_path: Path, tokens: int, limit: int) -> None:
    model, remarks = await filled(tmp_path, tokens, limit)
    assert outputs(model, -1) == [f"out of echo {n} {TEXT}" for n in range(KEPT + 3)]
    assert remarks == []


async def test_the_model_is_sent_less_and_the_person_is_told(tmp_path: Path) -> None:
    model, remarks = await filled(tmp_path, FULL, LIMIT)
    assert [len(text) < LONG for text in outputs(model, -1)] == [True] + [False] * (KEPT + 2)
    [remark] = remarks
    assert "shortened from now on" in remark
    # Between the steps every request begins as the one before.
    before, after = outputs(model, -2), outputs(model, -1)
    assert after[: len(before)] == before
