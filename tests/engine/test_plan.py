"""The plan: kept and shown without a question, because it runs nothing."""

from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Action, Json, Outcome, ToolCall
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.tools import TERMINAL_TOOLS
from pocketcoder_tui.gatekeeper.policy import MODES, judge
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.plans import is_plan, plan_rows
from tests.engine.fakes import ScriptedModel, calls, says
from tests.engine.rig import running

PLAN = TERMINAL_TOOLS["plan"]
STEPS: list[Json] = [
    {"text": "find the test", "stage": "done"},
    {"text": "mend\n it", "stage": "doing"},
    {"text": "tell"},
    {"text": "rest", "stage": "dropped"},
]


def action(steps: list[Json]) -> Action:
    return Action("a", "s", "t", "r", ToolCall("c", "plan", {"steps": steps}), "/workspace", "box")


@pytest.mark.parametrize("mode", MODES)
def test_it_is_allowed_in_every_mode(mode: str) -> None:
    verdict = judge(action(STEPS), mode=mode)
    assert (verdict.outcome, verdict.who) == (Outcome.ALLOW, mode)
    assert "runs nothing" in verdict.why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "steps"),
        ({"steps": []}, "steps"),
        ({"steps": [{"text": ""}]}, "steps.0.text"),
        ({"steps": [{"text": "a", "stage": "soon"}]}, "steps.0.stage"),
        ({"steps": [{"text": "a", "stage": "doing"}] * 2}, "More than one"),
        ({"steps": [{"text": "a"}] * 41}, "steps"),
        ({"steps": [{"text": "a\0"}]}, "NUL"),
        ({"steps": [{"text": "a", "x": 1}]}, "steps.0.x"),
    ],
)
def test_what_is_no_plan_is_refused(arguments: Json, said: str) -> None:
    assert said in PLAN.complaint(arguments)


def test_a_plan_is_no_complaint() -> None:
    assert PLAN.complaint({"steps": STEPS}) == ""


async def test_it_is_kept_and_nobody_is_asked(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("plan", {"steps": STEPS})), says("On it."))
    async with running(tmp_path, model) as rig:
        await rig.session.send("do it")
        await rig.rest()
        deeds = [e for e in rig.session.transcript.entries.values() if isinstance(e, Deed)]
    [deed] = deeds
    assert deed.preview.title == "1 of 4 done: mend it"
    assert deed.preview.text == "[x] find the test\n[>] mend it\n[ ] tell\n[-] rest"
    assert deed.execution is not None
    assert deed.execution.error == ""
    assert is_plan(deed)
    kit = Kit()
    shown = [row.plain for row in plan_rows(deed, kit)]
    assert shown == ["  ✓ find the test", "  ▸ mend it", "  ○ tell", "  ⊘ rest"]
