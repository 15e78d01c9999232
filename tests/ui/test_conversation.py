"""The conversation tells the whole story, follows its end, and stays usable when it is long."""

import pytest
from textual.widgets import Markdown

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import Outcome, Preview, PreviewKind
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.conversation import PAGE, Conversation, Story
from pocketcoder_tui.ui.deeds import DeedView
from pocketcoder_tui.ui.entries import ThoughtView
from tests.ui.bench import (
    NOON,
    action,
    began,
    command,
    decided,
    edit,
    over,
    ran,
    runs,
    said,
    waits,
    writes,
)
from tests.ui.stage import Stage, staged

TALL = (100, 60)


def answer_text(stage: Stage) -> str:
    return stage.text_of("AnswerView MarkdownBlock, AnswerView Label")


async def test_an_answer_streams_into_one_widget() -> None:
    async with staged(None, *began(), *said("m1", "hello"), size=TALL) as stage:
        await stage.happen(*writes("p1", "# Plan\n\n```py\nx "))
        widget = stage.app.main.query_one(Markdown)
        for piece in ("= 1\n", "```\n\ndo", "ne **now**"):
            await stage.happen(ev.PartGrew("r1", "p1", PartKind.TEXT, piece, {}))
        await stage.happen(*over())
        await stage.until(lambda: "done now" in stage.screen_text())
        assert stage.app.main.query_one(Markdown) is widget
        assert len(widget.query("MarkdownFence")) == 1
        assert "x = 1" in stage.screen_text()


async def test_parts_are_widgets_of_their_own_in_their_order() -> None:
    async with staged(None, *began(), *said("m1", "go"), size=TALL) as stage:
        await stage.happen(*writes("p1", "first"), *ran(command("a1", "ls"), 0, "x\n"))
        await stage.happen(*writes("p2", "second"), *over())
        await stage.until(lambda: "second" in stage.screen_text())
        seen = stage.screen_text()
        assert seen.index("first") < seen.index("ls") < seen.index("second")


async def test_thoughts_are_folded_until_opened() -> None:
    async with staged(None, *began(), *said("m1", "go"), size=TALL) as stage:
        await stage.happen(*writes("p0", "secret plan", PartKind.THOUGHT))
        assert "thinking" in stage.screen_text()
        stage.hands.wall += 4
        await stage.happen(*writes("p1", "answer"))
        assert "▸ thought for 4.0 s" in stage.screen_text()
        assert "secret plan" not in stage.screen_text()
        stage.app.main.query_one(Story).focus()
        await stage.pilot.press("up", "enter")
        assert "secret plan" in stage.screen_text()


async def test_a_row_says_status_duration_lines_and_who_decided() -> None:
    denied = [
        *waits(command("a3", "rm -rf /")),
        decided(action("a3", command="rm -rf /"), Outcome.DENY, "not the root"),
    ]
    good, bad = ran(command("a1", "ls"), 0, "a\nb\n"), ran(command("a2", "false"), 1, "")
    async with staged(None, *began(), *good, *bad, *denied, size=TALL) as stage:
        seen = stage.screen_text()
        assert "✓ ran      ls" in seen
        assert "exit 0  2 lines  0.1 s" in seen
        assert "✗ ran      false" in seen
        assert "failed  exit 1" in seen
        assert "⊘ run      rm -rf /" in seen
        assert "allowed by dana" in seen
        assert "denied by dana: not the root" in seen


async def test_an_opened_row_shows_its_text_and_what_was_left_out() -> None:
    text = "for f in *; do\n  wc $f\ndone"
    async with staged(
        None, *began(), *ran(command("a1", text), 0, "3 lines\n", omitted=12345), size=TALL
    ) as stage:
        assert "wc $f" not in stage.screen_text()
        await stage.pilot.click("DeedView")
        await stage.pilot.pause()
        assert "wc $f" in stage.screen_text()
        assert "… 12,345 characters left out" in stage.screen_text()
        assert "3 lines" in stage.screen_text()


async def test_output_streams_into_the_row_while_it_runs() -> None:
    async with staged(None, *began(), *runs(command("a1", "make")), size=TALL) as stage:
        await stage.happen(
            transient.OutputGrew("a1", "one\r\ntwo\r\n\x1b[32mthree\x1b[0m 10%\r 20%")
        )
        assert "20%" in stage.screen_text()
        assert "10%" not in stage.screen_text()
        assert "running  4.0 s" in stage.screen_text()


async def test_a_long_output_is_whole_on_the_full_screen() -> None:
    output = "\n".join(f"row {n}" for n in range(500))
    async with staged(None, *began(), *ran(command("a1", "seq"), 0, output), size=TALL) as stage:
        stage.app.main.query_one(Story).focus()
        await stage.pilot.press("up", "enter")
        assert "lines not shown here" in stage.screen_text()
        await stage.pilot.press("f")
        await stage.until(lambda: "row 20" in stage.screen_text())
        for _ in range(12):
            await stage.pilot.press("space")
        assert "row 499" in stage.screen_text()
        await stage.pilot.press("escape")
        assert stage.app.screen is stage.app.main


async def test_it_follows_the_end_until_the_person_scrolls() -> None:
    many = [e for n in range(40) for e in ran(command(f"a{n}", f"echo {n}"), 0, "")]
    async with staged(None, *began(), *many, size=(80, 24)) as stage:
        assert "echo 39" in stage.screen_text()
        await stage.pilot.press("pageup", "pageup")
        await stage.happen(*ran(command("b1", "echo new"), 0, ""))
        assert "echo new" not in stage.screen_text()
        assert "1 new below" in stage.screen_text()
        stage.app.main.query_one(Story).focus()
        await stage.pilot.press("end")
        await stage.until(lambda: "echo new" in stage.screen_text())
        assert "new below" not in stage.screen_text()


async def test_a_short_conversation_has_nothing_below() -> None:
    async with staged(None, *began(), *said("m1", "hello")) as stage:
        await stage.happen(*said("m2", "again"))
        await stage.happen(*said("m3", "and again"))
        assert "new below" not in stage.screen_text()


async def test_a_long_session_mounts_only_its_newest_entries() -> None:
    many = [e for n in range(700) for e in said(f"m{n}", f"message {n}")]
    async with staged(None, *began(), *many, size=(80, 24)) as stage:
        story = stage.app.main.query_one(Story)
        assert len(story.children) == PAGE + 1
        assert "message 699" in stage.screen_text()
        story.focus()
        await stage.pilot.press("up", "enter")
        await stage.until(lambda: len(story.children) == 2 * PAGE + 1)
        assert "300 earlier entries" in stage.text_of("#earlier")


async def test_a_queued_message_moves_to_where_the_model_read_it() -> None:
    async with staged(None, *began(), *said("m1", "go"), size=TALL) as stage:
        await stage.happen(ev.MessageQueued("m2", "also this", NOON))
        assert "⋯ queued: also this" in stage.screen_text()
        await stage.happen(*ran(command("a1", "ls"), 0, ""))
        await stage.happen(ev.MessagesTaken("t1", ("m2",)))
        seen = stage.screen_text()
        assert "queued" not in seen
        assert seen.index("ls") < seen.index("you   also this")


async def test_a_session_read_back_looks_as_it_did_live() -> None:
    story = [
        *began(),
        *said("m1", "go"),
        *writes("p1", "answer"),
        *ran(command("a1", "ls"), 0, "x"),
    ]
    async with staged(None, size=TALL) as live:
        for event in story:
            await live.happen(event)
        await live.until(lambda: "answer" in live.screen_text())
        seen = live.text_of("Conversation > *")
        live_text = live.screen_text()
    async with staged(None, *story, size=TALL) as resumed:
        await resumed.until(lambda: "answer" in resumed.screen_text())
        assert resumed.screen_text() == live_text, seen


@pytest.mark.parametrize(
    "evil",
    [
        "[/bold] [link=x]y[/] [/etc/passwd]",
        "\x1b]52;c;ZXZpbA==\x07",
        "a\r\nb\rc\x0bd\x0c",
        "\u202etxt.exe \u200b\u2066 \U000e0041",
        "\x9b31m \x90 \x85 \x00 \x7f",
        "&#27;[31m &#x202e; &zwj; &lrm;",
        "<b>bold</b> <script>x</script>",
    ],
)
async def test_hostile_text_is_text_wherever_it_comes_from(evil: str) -> None:
    story = [
        *began(),
        ev.SessionTitled(evil),
        *said("m1", evil),
        *writes("p0", evil, PartKind.THOUGHT),
        *writes(
            "p1", f"{evil}\n\n`{evil}`\n\n```{evil}\n{evil}\n```\n\n| {evil} |\n|--|\n| {evil} |"
        ),
        *ran(command("a1", evil, evil), 1, evil),
        *waits(command("a2", evil, evil), evil),
        decided(command("a2", evil).action, Outcome.DENY, evil),
        *runs(command("a3", evil)),
        transient.OutputGrew("a3", evil),
        ev.Noticed("error", evil, evil, NOON),
        transient.RetryWaiting("r1", evil, 3, 1),
        transient.BoxChanged(transient.BoxState.FAILED, evil, evil),
    ]
    async with staged(None, *story, size=(120, 90)) as stage:
        for kind in (ThoughtView, DeedView):
            for view in stage.app.main.query(kind):
                view.toggle()
        await stage.pilot.pause()
        seen = stage.screen_text()
        assert seen.replace("\n", "").isprintable(), ascii(seen)
        assert stage.app.main.query_one(Draft).has_focus
        assert stage.app.main.query_one(Conversation).display


async def test_a_link_is_shown_and_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    async with staged(None, *began(), *said("m1", "x"), size=TALL) as stage:
        monkeypatch.setattr(stage.app, "open_url", lambda url, **_: opened.append(url))
        await stage.happen(*writes("p1", "[click](http://evil/%E2%80%AE)"), *over())
        await stage.until(lambda: stage.app.main.query("AnswerView MarkdownParagraph"))
        markdown = stage.app.main.query_one(Markdown)
        markdown.post_message(Markdown.LinkClicked(markdown, "http://evil/\u202e"))
        await stage.until(lambda: "http://evil/<U+202E>" in stage.screen_text())
        assert opened == []


async def test_an_ascii_terminal_gets_ascii() -> None:
    story = [
        *began(),
        *said("m1", "x"),
        *ran(command("a1", "ls"), 0, "x"),
        *waits(command("a2", "rm")),
    ]
    async with staged(None, *story, size=(120, 36), ascii=True) as stage:
        assert "+ ran" in stage.screen_text()
        assert "* run" in stage.screen_text()


async def test_a_file_tool_says_what_it_did_and_no_status() -> None:
    read = Preview(PreviewKind.TEXT, "read", "shop/cart.py", "Read shop/cart.py")
    looked = ev.ActionProposed(action("a1", "read_file", path="shop/cart.py"), read)
    missing = ev.ActionProposed(action("a2", "read_file", path="nope"), read)
    wrote = edit("a3", "shop/cart.py", "@@ -1 +1,2 @@\n-a\n+b\n+c")
    nothing = ev.ActionProposed(
        action("a4", "search_files", pattern="x"),
        Preview(PreviewKind.TEXT, "search", "x", "Search x"),
    )
    story = [
        *ran(looked, 0, "x\n" * 88),
        *ran(missing, 20, ""),
        *ran(wrote, 0, "Written."),
        *ran(nothing, 0, ""),
    ]
    async with staged(None, *began(), *story, size=TALL) as stage:
        seen = stage.screen_text()
        assert "88 lines  0.1 s" in seen
        assert "+2 −1  0.1 s" in seen
        assert "no match  0.1 s" in seen
        assert "failed  0.1 s" in seen
        assert "exit" not in seen


async def test_a_long_line_of_code_is_wrapped_and_not_cut() -> None:
    code = "```\n" + "word " * 40 + "the-end\n```\n"
    async with staged(None, *began(), *writes("p1", code), size=(80, 24)) as stage:
        await stage.until(lambda: "the-end" in stage.screen_text())
