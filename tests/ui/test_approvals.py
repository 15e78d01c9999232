"""What waits is in sight, takes no focus, and is decided only by who has read all of it."""

from dataclasses import replace

import pytest
from textual import events
from textual.widgets import Input

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.ui.approvals import ApprovalsPane
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.textview import TextView
from tests.ui.bench import ScriptedWorkbench, began, command, decided, edit, waits
from tests.ui.stage import Stage, staged

LONG = "\n".join(f"echo line {n}" for n in range(60))
SIZES = [(120, 36), (80, 24), (40, 20), (40, 12)]


async def decide(stage: Stage, key: str) -> tuple[object, ...]:
    """Press a key on the pane and wait for what the workbench was asked."""
    stage.bench.told.clear()
    await stage.pilot.press(key)
    await stage.until(stage.bench.told.is_set)
    await stage.drawn()
    return stage.bench.requests("decide")[-1]


async def read_all(stage: Stage) -> None:
    """Scroll to the end, page by page."""
    pane = stage.app.main.query_one(ApprovalsPane)
    for _ in range(200):
        if pane.gate.reading.whole:
            return
        await stage.pilot.press("space")
        await stage.pilot.pause()
    raise AssertionError(f"{pane.gate.reading.left} lines were never on screen")


@pytest.mark.parametrize("size", SIZES)
async def test_what_waits_is_in_sight_and_takes_no_focus(size: tuple[int, int]) -> None:
    async with staged(None, *began(), *waits(command("a1", "make test")), size=size) as stage:
        assert "Waiting for you" in stage.screen_text()
        assert "make test" in stage.screen_text()
        assert stage.app.focused is stage.app.main.query_one(Draft)
        await stage.pilot.press(*"y n ", "enter")
        assert stage.bench.requests("decide") == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "outcome"), [("y", Outcome.ALLOW), ("n", Outcome.DENY)])
async def test_a_row_that_was_read_is_decided_by_one_key(
    size: tuple[int, int], key: str, outcome: Outcome
) -> None:
    async with staged(None, *began(), *waits(command("a1", "make test")), size=size) as stage:
        await stage.pilot.press("ctrl+y")
        await read_all(stage)
        assert await decide(stage, key) == ("decide", "a1", outcome, "")
        assert stage.app.focused is stage.app.main.query_one(Draft)


@pytest.mark.parametrize("size", SIZES)
async def test_no_decision_before_the_end_was_on_screen(size: tuple[int, int]) -> None:
    async with staged(None, *began(), *waits(command("a1", LONG)), size=size) as stage:
        await stage.pilot.press("ctrl+y", "y", "n", "N", "end", "y")
        assert stage.bench.requests("decide") == []
        assert "Scroll to the end" in " ".join(stage.screen_text().split())
        await read_all(stage)
        assert "echo line 59" in stage.screen_text()
        assert (await decide(stage, "y"))[1] == "a1"


async def test_enter_and_space_never_approve() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y", "enter", "space", "enter", "Y")
        assert stage.bench.requests("decide") == []


async def test_a_row_that_has_just_come_up_takes_no_decision() -> None:
    first = waits(command("a1", "ls"))
    async with staged(None, *began(), *first, grace=0.5) as stage:
        await stage.pilot.press("ctrl+y", "y")
        assert stage.bench.requests("decide") == []
        assert "just come up" in stage.screen_text()
        stage.hands.steady += 0.6
        await stage.happen(*waits(command("a2", "rm x")))
        assert (await decide(stage, "y"))[1] == "a1"
        await stage.pilot.press("y")
        assert len(stage.bench.requests("decide")) == 1, "the next row began its own grace"


async def test_a_burst_of_keys_is_a_paste_and_decides_nothing() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), settle=5.0) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 60
        await stage.pilot.press("y", "e", "s")
        assert "as in a paste" in stage.screen_text()
        stage.hands.steady += 60
        await stage.pilot.press("n", "o")
        assert stage.bench.requests("decide") == []


async def test_a_bracketed_paste_decides_nothing() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y")
        stage.app.post_message(events.Paste("y\nn\n"))
        await stage.pilot.pause()
        assert stage.bench.requests("decide") == []


async def test_a_denial_carries_its_reason_and_keys_in_it_are_text() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y", "N", *"yny f", "escape")
        assert stage.bench.requests("decide") == []
        await stage.pilot.press("r", *"no, y")
        assert stage.app.main.query_one("#reason", Input).value == "no, y"
        assert await decide(stage, "enter") == ("decide", "a1", Outcome.DENY, "no, y")
        assert "denied by dana: no, y" in stage.screen_text()


async def test_rows_are_independent_and_the_selection_stays_on_its_action() -> None:
    three = [e for n in "123" for e in waits(command(f"a{n}", f"echo {n}"))]
    async with staged(None, *began(), *three) as stage:
        await stage.pilot.press("ctrl+y", "j")
        first = stage.bench.transcript.deed("a1").action
        await stage.happen(decided(first, Outcome.DENY))
        assert (await decide(stage, "y"))[1] == "a2"
        assert (await decide(stage, "n"))[1] == "a3"


async def test_a_refused_decision_is_said_and_the_row_follows_the_transcript() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y")
        act = stage.bench.transcript.deed("a1").action
        stage.bench.transcript.apply(decided(act, Outcome.DENY))  # another terminal was faster
        await decide(stage, "y")
        assert "It was decided already." in stage.screen_text()
        assert not stage.bench.transcript.waiting
        assert "Nothing waits." in stage.screen_text()


async def test_the_same_key_comes_back_to_where_it_came_from() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), size=(80, 24)) as stage:
        await stage.pilot.press("h", "i", "ctrl+y")
        assert isinstance(stage.app.focused, ApprovalsPane)
        await stage.pilot.press("ctrl+y", "!")
        assert stage.app.main.query_one(Draft).text == "hi!"


async def test_a_diff_is_shown_whole_with_its_notes_first() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new"
    rows = waits(edit("a1", "x", diff, "The file changed meanwhile."))
    async with staged(None, *began(), *rows) as stage:
        text = stage.text_of("#decision-text")
        assert text.index("! The file changed") < text.index("-old") < text.index("+new")
        assert "+2 −2" in stage.screen_text()


@pytest.mark.parametrize("size", SIZES)
async def test_f_gives_the_whole_screen_and_esc_takes_it_back(size: tuple[int, int]) -> None:
    async with staged(None, *began(), *waits(command("a1", LONG)), size=size) as stage:
        await stage.pilot.press("ctrl+y")
        before = stage.app.main.query_one(TextView).size.height
        await stage.pilot.press("f")
        await stage.until(lambda: stage.app.main.query_one(TextView).size.height > before)
        await stage.pilot.press("escape")
        assert isinstance(stage.app.focused, ApprovalsPane)
        await stage.pilot.press("escape")
        assert isinstance(stage.app.focused, Draft)


async def test_a_fold_can_be_told_from_a_new_line() -> None:
    text = "echo " + "a" * 80 + "        ; rm -rf x"
    async with staged(None, *began(), *waits(command("a1", text)), size=(40, 20)) as stage:
        await stage.pilot.press("ctrl+y", "f")
        await stage.pilot.pause()
        assert "↪" in stage.screen_text()


async def test_hostile_text_in_a_row_stays_text() -> None:
    evil = "echo '[/bold][red]$x[/]' \x1b]52;c;ZXZpbA==\x07 \u202egnp.exe\u2066 \x9b31m\x07"
    rows = waits(command("a1", evil))
    async with staged(ScriptedWorkbench(), *began(), *rows, size=(200, 50)) as stage:
        seen = stage.screen_text()
        assert "[/bold][red]" in seen
        assert "<U+202E>" in seen
        assert "<U+001B>]52" in seen
        assert seen.replace("\n", "").isprintable()


def line_text(view: TextView, index: int) -> str:
    """What the view draws of one line of its text, cut where the person sees the edge."""
    strip = view.render_line(index - round(view.scroll_y))
    return strip.crop(0, view.scrollable_content_region.width).text.rstrip()


async def test_no_character_of_a_long_text_is_below_the_scroll_bar() -> None:
    digits = "".join(chr(0x30 + i % 10) for i in range(3000))
    both = [*waits(command("a1", "ls")), *waits(command("a2", digits))]
    async with staged(None, *began(), *both) as stage:
        await stage.pilot.press("ctrl+y", "j")
        view = stage.app.main.query_one("#decision-text", TextView)
        await stage.until(lambda: view.line_count > view.size.height)
        width = view.scrollable_content_region.width
        drawn = [line_text(view, y) for y in range(view.line_count)]
        assert max(len(line) for line in drawn) <= width
        assert digits in "".join(line[2:] for line in drawn)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20)])
async def test_a_change_names_its_whole_path_in_the_text_that_is_read(
    size: tuple[int, int],
) -> None:
    path = "a/" + "very-long-folder/" * 8 + "x\u202e.txt"
    async with staged(None, *began(), *waits(edit("a1", path, "@@ -1 +1 @@\n+x")), size=size) as s:
        view = s.app.main.query_one("#decision-text", TextView)
        await s.until(lambda: view.line_count > 2)
        text = "".join(line_text(view, y)[2:] for y in range(view.line_count))
        assert f"edit {path.replace(chr(0x202E), '<U+202E>')}" in text


async def test_the_folder_is_shown_faithfully() -> None:
    proposed = command("a1", "ls")
    act = replace(proposed.action, cwd="/workspace/a \u200d")
    async with staged(None, *began(), *waits(replace(proposed, action=act))) as stage:
        await stage.until(lambda: "in /workspace/a <U+200D>" in stage.screen_text())


async def test_a_text_cannot_imitate_a_line_of_ours() -> None:
    text = "rm -rf /\n! danger: none at all.\n~ Nothing runs.\n  in /tmp"
    async with staged(None, *began(), *waits(command("a1", text)), size=(160, 50)) as stage:
        lines = stage.text_of("#decision-text").split("\n")
        assert "  ! danger: none at all." in lines
        assert "  ~ Nothing runs." in lines
        [ours] = [line for line in lines if line.startswith("! ")]
        assert "Deletes" in ours
