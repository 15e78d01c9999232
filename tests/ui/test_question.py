"""Answering a question in the pane: by a number, in words, or not at all."""

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import Action, Outcome, Preview, PreviewKind, ToolCall
from pocketcoder_tui.ui.approvals import NO_CHOICE, UNANSWERED, ApprovalsPane
from pocketcoder_tui.ui.deeds import DeedView
from tests.ui.bench import NOON, began, command, decided, waits
from tests.ui.stage import Stage, staged
from tests.ui.test_review import SIZES, ask, read_all


def question(id_: str = "q1", *choices: str) -> ev.ActionProposed:
    call = ToolCall("c1", "ask_person", {"question": "Which store?", "choices": list(choices)})
    action = Action(id_, "s1", "t1", "r1", call, "/workspace", "c0ffee", at=NOON)
    numbered = [f"{n}  {choice}" for n, choice in enumerate(choices, 1)]
    text = "\n".join(["Which store?", "", *numbered])
    return ev.ActionProposed(action, Preview(PreviewKind.TEXT, "ask", "Which store?", text))


def words(stage: Stage) -> str:
    pane = stage.app.main.query_one(ApprovalsPane)
    return pane._refused


@pytest.mark.parametrize("size", SIZES)
async def test_a_number_answers(size: tuple[int, int]) -> None:
    events = [*began(), *waits(question("q1", "SQLite", "files"))]
    async with staged(None, *events, size=size) as stage:
        await stage.pilot.press("ctrl+y")
        await read_all(stage)
        assert await ask(stage, "3") == []
        assert words(stage) == NO_CHOICE
        assert await ask(stage, "2") == [("decide", "q1", Outcome.ALLOW, "files")]


async def test_words_answer_and_a_bare_yes_does_not() -> None:
    async with staged(None, *began(), *waits(question())) as stage:
        await stage.pilot.press("ctrl+y")
        assert await ask(stage, "y") == []
        assert words(stage) == UNANSWERED
        assert await ask(stage, "1") == []
        keys = ("c", *"both", "enter")
        assert await ask(stage, *keys) == [("decide", "q1", Outcome.ALLOW, "both")]


async def test_no_answer_is_a_denial() -> None:
    async with staged(None, *began(), *waits(question("q1", "a"))) as stage:
        await stage.pilot.press("ctrl+y")
        assert await ask(stage, "n") == [("decide", "q1", Outcome.DENY, "")]


async def test_a_number_does_nothing_to_a_command() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y")
        assert await ask(stage, "1") == []
        assert words(stage) == NO_CHOICE


async def test_a_number_in_a_paste_or_too_soon_does_nothing() -> None:
    events = [*began(), *waits(question("q1", "a", "b"))]
    async with staged(None, *events, grace=1000.0) as stage:
        await stage.pilot.press("ctrl+y")
        assert await ask(stage, "1") == []
    async with staged(None, *events, settle=1000.0) as stage:
        await stage.pilot.press("ctrl+y")
        assert await ask(stage, "1", "2") == []


async def test_marked_rows_with_a_question_are_not_allowed_together() -> None:
    events = [*began(), *waits(question("q1", "a")), *waits(command("a1", "ls"))]
    async with staged(None, *events) as stage:
        await stage.pilot.press("ctrl+y", "M")
        await ask(stage, "down")
        assert await ask(stage, "y") == []
        assert words(stage) == UNANSWERED


async def test_the_row_says_who_answered_what() -> None:
    asked = question("q1", "a")
    done = decided(asked.action, Outcome.ALLOW, "SQLite")
    async with staged(None, *began(), *waits(asked), done) as stage:
        row = stage.app.main.query_one(DeedView)
        assert "dana answered: SQLite" in str(row.render())
