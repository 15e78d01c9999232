"""Changing what waits, commenting, marking, taking parts, going back: the pane beyond y and n."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.gatekeeper.rules import Command, Scope, Terms
from pocketcoder_tui.ui.approvals import ApprovalsPane
from pocketcoder_tui.ui.choices import Choices
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.reviewing import RULE_STAYS
from pocketcoder_tui.ui.screens import TextScreen
from pocketcoder_tui.ui.textview import TextView
from tests.ui.bench import action, began, command, decided, edit, waits
from tests.ui.stage import Stage, staged

SIZES = [(120, 36), (80, 24), (40, 20), (40, 12)]
PARTS = "@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n@@ -20,2 +20,2 @@\n ten\n-eleven\n+ELEVEN"


async def ask(stage: Stage, *keys: str) -> list[tuple[object, ...]]:
    """Press keys; what the workbench was asked since, decisions and reviews only."""
    before = len(stage.bench.asked)
    await stage.pilot.press(*keys)
    await stage.drawn()
    await stage.pilot.pause()
    names = {"decide", "edit", "keep_hunks", "undo"}
    return [r for r in stage.bench.asked[before:] if r[0] in names]


def pane(stage: Stage) -> ApprovalsPane:
    return stage.app.main.query_one(ApprovalsPane)


async def read_all(stage: Stage) -> None:
    for _ in range(200):
        if pane(stage).gate.reading.whole:
            return
        await stage.pilot.press("space")
        await stage.pilot.pause()
    raise AssertionError("never read")


# --- changing the text


@pytest.mark.parametrize("size", SIZES)
async def test_a_changed_command_is_asked_about_and_not_decided(size: tuple[int, int]) -> None:
    async with staged(None, *began(), *waits(command("a1", "rm -rf x")), size=size) as stage:
        await stage.pilot.press("ctrl+y", "e")
        assert stage.app.main.query_one("#edit", TextArea).text == "rm -rf x"
        keys = (*["backspace"] * 6, *"y n", "enter")
        assert await ask(stage, *keys) == [("edit", "a1", "rmy n")]
        assert isinstance(stage.app.focused, ApprovalsPane)


async def test_the_row_that_replaces_another_is_selected_and_begins_its_own_grace() -> None:
    rows = [*waits(command("a1", "ls")), *waits(command("a2", "make"))]
    async with staged(None, *began(), *rows, grace=0.5) as stage:
        await stage.pilot.press("ctrl+y", "j")
        stage.hands.steady += 1
        new = replace(command("a3", "make test"), edited="dana")
        new = replace(new, action=replace(new.action, supersedes="a2"))
        await stage.happen(ev.ActionSuperseded("a2", "You changed it."), *waits(new))
        assert pane(stage).selected is not None
        assert pane(stage).gate.row == "a3"
        assert await ask(stage, "y") == []
        assert "Changed by dana" in stage.text_of("#decision-text")
        assert "changed by dana" in stage.screen_text()
        stage.hands.steady += 1
        assert await ask(stage, "y") == [("decide", "a3", Outcome.ALLOW, "")]


async def test_the_focus_stays_while_the_changed_row_comes_up() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), size=(80, 24)) as stage:
        await stage.pilot.press("ctrl+y")
        new = command("a2", "ls -a")
        new = replace(new, action=replace(new.action, supersedes="a1"))
        await stage.happen(ev.ActionSuperseded("a1", "You changed it."), new)
        assert isinstance(stage.app.focused, ApprovalsPane)
        await stage.happen(ev.ActionWaiting("a2", "Look."))
        assert isinstance(stage.app.focused, ApprovalsPane)
        assert pane(stage).gate.row == "a2"


async def test_esc_puts_a_changed_text_away_and_it_is_there_again() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y", "e", *" -la", "escape")
        assert isinstance(stage.app.focused, ApprovalsPane)
        await stage.pilot.press("e")
        assert stage.app.main.query_one("#edit", TextArea).text == "ls -la"
        assert await ask(stage, "escape", "y") == [("decide", "a1", Outcome.ALLOW, "")]


async def test_what_cannot_be_seen_is_named_in_the_text_that_is_changed() -> None:
    async with staged(None, *began(), *waits(command("a1", "a\x1b\u202e\tb"))) as stage:
        await stage.pilot.press("ctrl+y", "e")
        assert stage.app.main.query_one("#edit", TextArea).text == "a<U+001B><U+202E>\tb"


async def test_a_refused_change_is_said() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        stage.bench.review.error = TransitionRefused("Nothing was changed.")
        await ask(stage, "ctrl+y", "e", "enter")
        assert "Nothing was changed." in stage.screen_text()
        assert [d.id for d in stage.bench.transcript.waiting] == ["a1"]


async def test_an_action_without_text_is_not_changed() -> None:
    proposed = ev.ActionProposed(action("a1", "list_files", path="."), command("x", "list").preview)
    async with staged(None, *began(), *waits(proposed)) as stage:
        assert await ask(stage, "ctrl+y", "e", "E") == []
        assert "no text in this action" in stage.screen_text()


async def test_the_persons_own_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pocketcoder_tui.ui.editor import edited_outside

    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, os, pathlib; p = pathlib.Path(sys.argv[-1])\n"
        "assert p.stat().st_mode & 0o777 == 0o600\n"
        "p.write_text(p.read_text().replace('x', 'y') + '\\n')\n"
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script} --wait")
    assert edited_outside("rm x") == ("rm y", "")
    assert edited_outside("rm x\n") == ("rm y\n\n", "")
    script.write_text("raise SystemExit(3)")
    text, trouble = edited_outside("rm x")
    assert text is None
    assert "status 3" in trouble
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    text, trouble = edited_outside("rm x")
    assert (text, "could not be used" in trouble) == (None, True)
    monkeypatch.setenv("EDITOR", "true")
    assert edited_outside("rm x") == (None, "")


# --- comments and explanations


async def test_a_comment_is_text_and_enter_approves_nothing() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        assert await ask(stage, "ctrl+y", "c", *"yes y", "enter", "enter", "space") == []
        assert "with “yes y”" in stage.screen_text()
        assert await ask(stage, "y") == [("decide", "a1", Outcome.ALLOW, "yes y")]
        assert "allowed by dana: yes y" in stage.screen_text()


async def test_a_comment_does_not_go_with_a_denial() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await ask(stage, "ctrl+y", "c", *"ok", "enter")
        assert await ask(stage, "n") == [("decide", "a1", Outcome.DENY, "")]


@pytest.mark.parametrize("size", [(120, 36), (40, 12)])
async def test_explain_says_why_and_what(size: tuple[int, int]) -> None:
    text = "curl https://example.org/x | sh"
    rows = waits(command("a1", text), "Ask mode: every action waits.")
    async with staged(None, *began(), *rows, size=size) as stage:
        await stage.pilot.press("ctrl+y", "x")
        assert isinstance(stage.app.screen, TextScreen)
        view = stage.app.screen.query_one(TextView)
        await stage.until(lambda: view.line_count)
        whole = "".join(view.render_line(y - round(view.scroll_y)).text[2:].strip("\n")
                        for y in range(view.line_count))  # fmt: skip
        flat = " ".join(whole.split())
        for words in ("Ask mode: every action", "Reaches for example.org", "sha256"):
            assert words.replace(" ", "") in flat.replace(" ", "")
        assert await ask(stage, "y", "n") == []


# --- what it will do


async def test_a_warning_is_part_of_what_must_be_read() -> None:
    async with staged(None, *began(), *waits(command("a1", "rm -rf / "))) as stage:
        text = " ".join(stage.text_of("#decision-text").split())
        assert "! danger:" in text


async def test_effects_are_told_at_their_place_whatever_is_scrolled() -> None:
    lines = "\n".join(f"echo {n} > out-{n}.txt" for n in range(30))
    async with staged(None, *began(), *waits(command("a1", lines))) as stage:
        before = stage.text_of("#effects")
        assert "Writes out-0.txt." in before
        assert "more: x tells all" in before
        await stage.pilot.press("ctrl+y", "space", "space")
        assert stage.text_of("#effects") == before


async def test_lookalikes_are_flagged() -> None:
    async with staged(None, *began(), *waits(command("a1", "cat p\u0430ypal.txt"))) as stage:
        assert "mixes Latin" in " ".join(stage.text_of("#decision-text").split()).replace("↪ ", "")


# --- several together


async def test_marked_rows_are_decided_together_in_their_order() -> None:
    three = [e for n in "123" for e in waits(command(f"a{n}", f"echo {n}"))]
    async with staged(None, *began(), *three) as stage:
        await stage.pilot.press("ctrl+y", "m", "j", "j", "m")
        assert "2 marked" in stage.screen_text()
        asked = await ask(stage, "y")
        assert [(r[1], r[2]) for r in asked] == [("a1", Outcome.ALLOW), ("a3", Outcome.ALLOW)]
        assert stage.bench.transcript.deed("a2").state is ActionState.WAITING


@pytest.mark.parametrize("size", SIZES)
async def test_a_marked_row_that_was_not_read_keeps_all_from_being_decided(
    size: tuple[int, int],
) -> None:
    long = "\n".join(f"echo line {n}" for n in range(60))
    rows = [*waits(command("a1", "ls")), *waits(command("a2", long))]
    async with staged(None, *began(), *rows, size=size) as stage:
        await stage.pilot.press("ctrl+y")
        await read_all(stage)
        assert await ask(stage, "M", "y", "n") == []
        assert "row 2" in " ".join(stage.text_of("#decision-hint").split())
        await stage.pilot.press("j")
        await read_all(stage)
        assert [r[1] for r in await ask(stage, "n")] == ["a1", "a2"]


async def test_a_row_that_came_later_is_not_among_the_marked() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y", "M")
        await stage.happen(*waits(command("a2", "rm x")))
        assert [r[1] for r in await ask(stage, "y")] == ["a1"]


async def test_one_refusal_does_not_keep_the_others_from_being_recorded() -> None:
    rows = [*waits(command("a1", "ls")), *waits(command("a2", "pwd"))]
    async with staged(None, *began(), *rows) as stage:
        await stage.pilot.press("ctrl+y", "M", "j", "k")
        first = stage.bench.transcript.deed("a1").action
        stage.bench.transcript.apply(decided(first, Outcome.DENY))  # another terminal was faster
        await ask(stage, "y")
        assert stage.bench.transcript.deed("a2").state is ActionState.ALLOWED
        assert "It was decided already." in stage.screen_text()


async def test_rows_that_depend_on_each_other_say_so() -> None:
    rows = [
        *waits(command("a1", "cd x")),
        *waits(command("a2", "ls")),
        *waits(edit("a3", "x.py", PARTS)),
        *waits(edit("a4", "./x.py", PARTS)),
    ]
    async with staged(None, *began(), *rows, size=(160, 50)) as stage:
        seen = stage.screen_text()
        assert "same shell as 2" in seen
        assert "same file as 4" in seen
        text = stage.text_of("#decision-text").replace("\n↪ ", " ")
        assert "in the order in which you allow" in text


# --- parts of a change


async def test_a_part_is_left_out_and_the_others_are_asked_about() -> None:
    async with staged(None, *began(), *waits(edit("a1", "x.py", PARTS)), size=(120, 50)) as stage:
        await stage.pilot.press("ctrl+y", "]", "h")
        assert "2/2 LEFT OUT" in stage.screen_text()
        assert "ask again with 1 of 2 parts" in stage.screen_text()
        assert await ask(stage, "y") == [("keep_hunks", "a1", (0,))]
        assert await ask(stage, "h", "y") == [("decide", "a1", Outcome.ALLOW, "")]


async def test_with_every_part_left_out_nothing_is_asked() -> None:
    async with staged(None, *began(), *waits(edit("a1", "x.py", PARTS)), size=(120, 50)) as stage:
        assert await ask(stage, "ctrl+y", "h", "]", "h", "y") == []
        assert "n denies the whole" in stage.screen_text()


async def test_a_jump_over_parts_does_not_count_as_reading() -> None:
    parts = "\n".join(
        f"@@ -{n},9 +{n},9 @@\n" + "\n".join(f"+line {n}-{k}" for k in range(30)) for n in range(6)
    )
    async with staged(None, *began(), *waits(edit("a1", "x", parts)), size=(80, 24)) as stage:
        await stage.pilot.press("ctrl+y", *["]"] * 6)
        assert "+line 5-0" in stage.screen_text()
        assert await ask(stage, "y") == []
        await stage.pilot.press(*["b"] * 40)
        await read_all(stage)
        assert len(await ask(stage, "y")) == 1


async def test_side_by_side_where_there_is_room() -> None:
    async with staged(None, *began(), *waits(edit("a1", "x.py", PARTS)), size=(120, 36)) as stage:
        await stage.pilot.press("ctrl+y", "d")
        assert "needs more room" in " ".join(stage.screen_text().split())
        await stage.pilot.press("f")
        await stage.pilot.pause()
        assert any("two" in line and "TWO" in line for line in stage.screen_text().split("\n"))
        await stage.pilot.press("d")
        assert not any("two" in line and "TWO" in line for line in stage.screen_text().split("\n"))


# --- taking back


async def test_u_takes_back_and_so_does_alt_u_from_anywhere() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        assert await ask(stage, "ctrl+y", "u") == [("undo",)]
        await stage.pilot.press("escape")
        assert isinstance(stage.app.focused, Draft)
        assert await ask(stage, "alt+u") == [("undo",)]
        stage.bench.review.error = TransitionRefused("It has left for the box already.")
        await ask(stage, "alt+u")
        assert "It has left for the box already." in stage.screen_text()


# --- the mouse


def place_of(stage: Stage, words: str) -> tuple[int, int]:
    """Where words stand in the line of keys."""
    hint = stage.app.main.query_one(Choices)
    for y in range(hint.size.height):
        x = hint.render_line(y).text.find(words)
        if x >= 0:
            return x, y
    raise AssertionError(f"{words!r} is not offered")


async def test_a_click_on_a_choice_decides_when_the_pane_had_the_focus() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), grace=0.5) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 1
        await stage.happen(*waits(command("a2", "pwd")))
        before = len(stage.bench.asked)
        await stage.pilot.click(Choices, offset=place_of(stage, "allow once"))
        await stage.drawn()
        assert stage.bench.asked[before:] == [("decide", "a1", Outcome.ALLOW, "")]


async def test_a_click_that_brings_the_pane_to_the_front_is_no_answer() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), grace=0.5) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 1
        await stage.happen(*waits(command("a2", "pwd")))
        where = place_of(stage, "allow once")
        await stage.pilot.press("escape")
        await stage.pilot.click(Choices, offset=where)
        await stage.pilot.click(Choices, offset=where)
        assert stage.bench.requests("decide") == []
        assert isinstance(stage.app.focused, ApprovalsPane)


async def test_a_click_that_brings_the_window_to_the_front_is_no_answer() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), grace=0.5) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 1
        await stage.happen(*waits(command("a2", "pwd")))
        where = place_of(stage, "allow once")
        stage.app.app_focus = False
        await stage.pilot.pause()
        stage.app.app_focus = True
        await stage.pilot.click(Choices, offset=where)
        assert stage.bench.requests("decide") == []


async def test_a_click_on_a_row_that_was_not_read_decides_nothing() -> None:
    long = "\n".join(f"echo line {n}" for n in range(60))
    async with staged(None, *began(), *waits(command("a1", long))) as stage:
        await stage.pilot.press("ctrl+y")
        hint = stage.app.main.query_one(Choices)
        for x in range(0, hint.size.width, 3):
            await stage.pilot.click(Choices, offset=(x, 0))
        assert stage.bench.requests("decide") == []


async def test_while_writing_the_keys_of_the_pane_rest() -> None:
    rows = [*waits(command("a1", "ls")), *waits(command("a2", "pwd"))]
    async with staged(None, *began(), *rows) as stage:
        await stage.pilot.press("ctrl+y", "N", *"ynm", "down", "up")
        assert stage.app.main.query_one("#reason", Input).value == "ynm"
        assert pane(stage).gate.row == "a1"


async def test_a_rule_outlives_the_decision_it_was_made_with_and_that_is_said() -> None:
    async with staged(None, *began(), *waits(command("a1", "make test"))) as stage:
        await stage.pilot.press("alt+u")
        await stage.until(lambda: "is taken back" in stage.screen_text())
        assert RULE_STAYS not in stage.screen_text()
        make = Command(("make", "test"), "/workspace")
        stage.bench.rulebook.add(Outcome.ALLOW, make, Terms(Scope.WORKSPACE), made_from="a1")
        await stage.pilot.press("alt+u")
        await stage.until(lambda: "The rule that you made with it stays" in stage.screen_text())
