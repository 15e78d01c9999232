"""The agent's question: the person alone answers it, and the answer comes with the result."""

from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Action, ActionState, Json, Outcome, ToolCall
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.engine.tools import TERMINAL_TOOLS
from pocketcoder_tui.gatekeeper.policy import MODES, judge
from tests.engine.fakes import ScriptedModel, calls, says
from tests.engine.rig import Rig, running

ASK = TERMINAL_TOOLS["ask_person"]
QUESTION: Json = {"question": "Which store?\nBoth would do.", "choices": ["SQLite", "files"]}


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_answers(mode: str) -> None:
    call = ToolCall("c", "ask_person", QUESTION)
    verdict = judge(Action("a", "s", "t", "r", call, "/workspace", "box"), mode=mode)
    assert verdict.outcome is None
    assert "asks you" in verdict.why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": "  \n"}, "no question"),
        ({"question": "a", "choices": ["b", "b"]}, "the same"),
        ({"question": "a", "choices": [" "]}, "one line"),
        ({"question": "a", "choices": ["b\nc"]}, "one line"),
        ({"question": "a", "choices": ["x" * 121]}, "one line"),
        ({"question": "a", "choices": [str(n) for n in range(10)]}, "choices"),
        ({"question": "a", "choices": [1]}, "choices.0"),
    ],
)
def test_what_is_no_question_is_refused(arguments: Json, said: str) -> None:
    assert said in ASK.complaint(arguments)


def response(model: ScriptedModel) -> dict[str, object]:
    [result] = [m for m in model.requests[1].messages if m.results][-1].results
    return dict(result.response)


async def asked(rig: Rig) -> Deed:
    await rig.session.send("do it")
    [deed] = await rig.waiting()
    assert deed.preview.title == "Which store? …"
    assert deed.preview.text == "Which store?\nBoth would do.\n\n1  SQLite\n2  files"
    return deed


async def test_the_answer_comes_with_the_result(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("ask_person", QUESTION)), says("SQLite, then."))
    async with running(tmp_path, model) as rig:
        deed = await asked(rig)
        with pytest.raises(TransitionRefused, match="wants an answer"):
            await rig.session.decide(deed.id, Outcome.ALLOW, "  ")
        assert rig.session.transcript.deed(deed.id).state is ActionState.WAITING
        await rig.session.decide(deed.id, Outcome.ALLOW, "SQLite, in one file")
        await rig.rest()
    assert response(model)["comment_of_the_person"] == "SQLite, in one file"


async def test_no_answer_is_told_as_one(tmp_path: Path) -> None:
    model = ScriptedModel(calls(("ask_person", QUESTION)), says("I go on without."))
    async with running(tmp_path, model) as rig:
        deed = await asked(rig)
        await rig.deny(deed, "you decide")
        await rig.rest()
    said = str(response(model))
    assert "denied" in said
    assert "you decide" in said
