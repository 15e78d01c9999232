"""The screen as a whole: it is up first, loses nothing, and says what is wrong."""

import pytest
from textual import events

from pocketcoder_tui.core import transient
from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import (
    ConfigError,
    KeyMissing,
    LedgerError,
    NoNetwork,
    SandboxError,
    WorkspaceError,
)
from pocketcoder_tui.ui.checklist import Checklist
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.terminal import TerminalPane
from tests.ui.bench import (
    ALL_MISSING,
    ALL_WELL,
    ScriptedWorkbench,
    began,
    command,
    runs,
    said,
    waits,
)
from tests.ui.stage import staged


async def test_enter_sends_and_the_draft_is_cleared_once_it_is_kept() -> None:
    async with staged() as stage:
        await stage.pilot.press(*"hi", "shift+enter", *"all", "enter")
        await stage.until(lambda: stage.bench.requests("send"))
        assert stage.bench.requests("send") == [("send", "hi\nall")]
        assert stage.app.main.query_one(Draft).text == ""


@pytest.mark.parametrize("key", ["shift+enter", "ctrl+j", "alt+enter"])
async def test_a_new_line_has_its_keys(key: str) -> None:
    async with staged() as stage:
        await stage.pilot.press("a", key, "b")
        assert stage.app.main.query_one(Draft).text == "a\nb"


async def test_what_was_typed_stays_when_sending_fails() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = NoNetwork("The service cannot be reached.")
    async with staged(bench) as stage:
        await stage.pilot.press(*"hello", "enter")
        await stage.until(lambda: "cannot be reached" in stage.screen_text())
        assert stage.app.main.query_one(Draft).text == "hello"


async def test_a_paste_of_many_lines_is_text_and_sends_nothing() -> None:
    async with staged() as stage:
        stage.app.post_message(events.Paste("one\ntwo\n"))
        await stage.until(lambda: stage.app.main.query_one(Draft).text)
        assert stage.app.main.query_one(Draft).text == "one\ntwo\n"
        assert stage.bench.requests("send") == []


async def test_esc_stops_the_turn_and_keeps_the_text() -> None:
    async with staged(None, *began()) as stage:
        await stage.pilot.press(*"hello", "escape")
        await stage.until(lambda: stage.bench.requests("stop"))
        assert stage.app.main.query_one(Draft).text == "hello"
        await stage.pilot.press("escape")
        assert len(stage.bench.requests("stop")) == 1, "at rest it does nothing"


@pytest.mark.parametrize("size", [(120, 36), (40, 12)])
async def test_an_error_while_opening_is_a_sentence_with_the_keys(size: tuple[int, int]) -> None:
    bench = ScriptedWorkbench()
    bench.open_errors = [WorkspaceError("The folder cannot be read.")]
    async with staged(bench, size=size) as stage:
        await stage.until(lambda: "cannot be read" in stage.screen_text())
        assert "^R" in stage.screen_text()
        await stage.pilot.press(*"hello", "enter")
        await stage.pilot.press("ctrl+r")
        await stage.until(lambda: stage.app.main.link.opened)
        assert "cannot be read" not in stage.screen_text()
        assert stage.app.main.query_one(Draft).text == "hello"


async def test_an_error_of_our_own_is_a_sentence_and_no_traceback() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = RuntimeError("secret detail")
    async with staged(bench) as stage:
        await stage.pilot.press(*"hello", "enter")
        await stage.until(lambda: "error of its own" in stage.screen_text())
        assert "secret detail" not in stage.screen_text()
        assert stage.app.main.query_one(Draft).text == "hello"


async def test_the_empty_conversation_teaches() -> None:
    async with staged(size=(80, 24)) as stage:
        seen = stage.screen_text()
        assert "Things to try" in seen
        assert all(key in seen for key in ("^Y", "^T", "Esc", "F1"))


async def test_the_terminal_is_followed_only_while_it_is_seen() -> None:
    async with staged(size=(80, 24)) as stage:
        assert stage.bench.on_frame is None
        await stage.pilot.press("ctrl+g")
        await stage.until(lambda: stage.bench.on_frame)
        assert stage.bench.on_frame is not None
        lines = ("\x1b[31m$ ls\x1b[0m \x1b]52;c;eA==\x07", "x\u202e [/b]")
        stage.bench.on_frame(transient.ScreenChanged(lines, 78, (0, 1)))
        await stage.until(lambda: "$ ls" in stage.screen_text())
        assert "x<U+202E> [/b]" in stage.screen_text()
        await stage.until(lambda: stage.bench.requests("resize"))
        await stage.pilot.press("ctrl+g")
        await stage.until(lambda: stage.bench.on_frame is None)
        assert stage.app.main.query_one(Draft).has_focus


async def test_ctrl_c_interrupts_only_from_the_terminal() -> None:
    async with staged(None, *began(), *runs(command("a1", "sleep 9"))) as stage:
        await stage.pilot.press("ctrl+c")
        assert stage.bench.requests("interrupt") == []
        stage.app.main.query_one(TerminalPane).focus()
        await stage.pilot.press("ctrl+c")
        await stage.until(lambda: stage.bench.requests("interrupt"))


async def test_attaching_where_the_screen_cannot_step_aside_is_explained() -> None:
    async with staged() as stage:
        await stage.pilot.press("ctrl+t")
        await stage.until(lambda: "pocketcoder attach" in stage.screen_text())


async def test_quitting_while_the_agent_works_asks() -> None:
    async with staged(None, *began()) as stage:
        await stage.pilot.press("ctrl+q")
        assert "The agent is at work" in stage.screen_text()
        await stage.pilot.press("n", "ctrl+q", "y")
        await stage.until(lambda: stage.app._exit)
    assert stage.bench.closed


async def test_help_lists_every_key() -> None:
    async with staged(size=(120, 240)) as stage:
        await stage.pilot.press("f1")
        for words in ("Allow once", "Deny with a reason", "Take the terminal", "New line"):
            assert words in stage.screen_text()


async def test_a_command_can_be_found_by_name() -> None:
    async with staged() as stage:
        await stage.pilot.press("ctrl+p", *"missing")
        await stage.until(lambda: "Show what is missing" in stage.screen_text())
        await stage.pilot.press("enter")
        await stage.until(lambda: stage.app.main.query_one(Checklist).display)


async def test_the_header_and_the_status_line_say_where_and_how() -> None:
    async with staged(None, *began(), *said("m1", "x")) as stage:
        top, *_, bottom = stage.screen_text().split("\n")
        assert all(w in top for w in ("/home/dana/src/shop", "checkout", "ASK", "gemini"))
        assert all(w in bottom for w in ("box ready", "net asks", "saved", "^Y", "F1"))


# --- the checklist


async def test_everything_missing_shows_rows_and_typing_goes_to_the_message() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        checklist = stage.app.main.query_one(Checklist)
        await stage.until(lambda: checklist.has_focus)
        assert "1: install Docker" in " ".join(stage.screen_text().split())
        for character in "hello, the 3 of you":
            stage.app.post_message(events.Key(character, character))
        await stage.until(lambda: stage.app.main.query_one(Draft).text == "hello, the 3 of you")
        assert not bench.requests("tour")


async def test_installing_asks_first() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("1")
        assert "Install Docker with the system's package manager?" in stage.screen_text()
        await stage.pilot.press("n")
        assert bench.requests("mend") == []
        await stage.pilot.press("1", "y")
        await stage.until(lambda: "42 %" in stage.screen_text() or "42%" in stage.screen_text())
        assert "<U+001B>]0;evil" in stage.screen_text()
        bench.mend_gate.set()
        await stage.until(lambda: "Ready now." in stage.screen_text())


async def test_a_mend_is_cancelled_with_esc() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("2")
        await stage.until(lambda: "42" in stage.screen_text())
        await stage.pilot.press("escape")
        await stage.until(lambda: bench.requests("mend over"))
        await stage.until(lambda: "Cancelled" in stage.screen_text())
        await stage.pilot.press("2")
        await stage.until(lambda: len(bench.requests("mend")) == 2)
        bench.mend_gate.set()
        await stage.until(lambda: "Ready now." in stage.screen_text())


async def test_a_failed_mend_says_why() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    bench.mend_error = SandboxError("The package mirror did not answer.")
    bench.mend_gate.set()
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("2")
        await stage.until(lambda: "mirror did not answer" in stage.screen_text())


async def test_the_key_is_masked_and_an_empty_one_is_refused() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("3", "enter")
        await stage.until(lambda: "The key is empty." in stage.screen_text())
        await stage.pilot.press(*"AIzaSecret1")
        assert "AIzaSecret1" not in stage.screen_text()
        await stage.pilot.press("enter")
        await stage.until(lambda: bench.requests("set_key"))
        assert bench.requests("set_key") == [("set_key", "AIzaSecret1")]
        assert bench.standing[2].state is CheckState.OK


async def test_t_takes_the_tour() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("t")
        await stage.until(lambda: bench.requests("send"))
        assert bench.requests("tour")
        assert stage.app.main.query_one(Draft).has_focus


async def test_a_ledger_that_fails_is_told_where_it_failed() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = LedgerError("The disk is full.", hint="Make room, then send again.")
    async with staged(bench, size=(80, 24)) as stage:
        await stage.pilot.press("x", "enter")
        await stage.until(lambda: "The disk is full. Make room" in stage.screen_text())


async def test_what_is_typed_behind_enter_is_the_next_message() -> None:
    async with staged() as stage:
        for key in ("a", "b", "enter", "c", "d", "enter", "e"):
            character = key if len(key) == 1 else "\r"
            stage.app.post_message(events.Key(key, character))
        await stage.until(lambda: len(stage.bench.requests("send")) == 2)
        assert stage.bench.requests("send") == [("send", "ab"), ("send", "cd")]
        await stage.until(lambda: stage.app.main.query_one(Draft).text == "e")


async def test_messages_that_could_not_be_sent_come_back_in_front() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = NoNetwork("The service cannot be reached.")
    async with staged(bench) as stage:
        await stage.pilot.press(*"one", "enter")
        await stage.until(lambda: stage.app.main.query_one(Draft).text == "one")
        await stage.pilot.press(*" two")
        assert stage.app.main.query_one(Draft).text == "one two"


async def test_a_long_sentence_is_wholly_on_a_small_screen() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = LedgerError("word " * 24 + "end.", hint="Do this thing.")
    async with staged(bench, size=(40, 20)) as stage:
        await stage.pilot.press("x", "enter")
        await stage.until(lambda: "Do this thing." in stage.screen_text())


async def test_why_there_is_no_box_is_on_the_screen_as_long_as_it_is_so() -> None:
    async with staged(size=(80, 24)) as stage:
        await stage.happen(
            transient.BoxChanged(transient.BoxState.FAILED, "It has no memory.", "Give it some.")
        )
        assert "It has no memory. Give it some." in stage.screen_text()
        await stage.happen(transient.BoxChanged(transient.BoxState.READY))
        assert "no memory" not in stage.screen_text()


async def test_a_refused_key_is_told_beside_the_input_which_stays() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    bench.key_error = ConfigError("A key is one word.")
    async with staged(bench) as stage:
        checklist = stage.app.main.query_one(Checklist)
        await stage.until(lambda: checklist.has_focus)
        await stage.pilot.press("3", *"bad", "enter")
        await stage.until(lambda: "A key is one word." in stage.text_of("#check-line"))
        assert stage.app.main.query_one("#model-key").has_focus


async def test_the_last_thing_mended_puts_the_list_away() -> None:
    bench = ScriptedWorkbench()
    bench.standing = [*ALL_WELL[:2], ALL_MISSING[2]]
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("3", *"AIza1", "enter")
        await stage.until(lambda: stage.app.main.query_one(Draft).has_focus)
        assert not stage.app.main.query_one(Checklist).display


async def test_a_key_that_the_service_refuses_can_be_replaced() -> None:
    async with staged() as stage:
        await stage.pilot.press("f3")
        await stage.until(lambda: "enter another key" in stage.screen_text())
        await stage.pilot.press("3", *"AIza2", "enter")
        await stage.until(lambda: stage.bench.requests("set_key"))


async def test_a_paste_onto_the_list_is_text_of_the_message() -> None:
    bench = ScriptedWorkbench()
    bench.standing = list(ALL_MISSING)
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        stage.app.post_message(events.Paste("one\ntwo"))
        await stage.until(lambda: stage.app.main.query_one(Draft).text == "one\ntwo")


async def test_without_a_key_sending_says_where_to_enter_one() -> None:
    bench = ScriptedWorkbench()
    bench.send_error = KeyMissing("There is no model key yet.")
    async with staged(bench, size=(40, 20)) as stage:
        await stage.pilot.press("x", "enter")
        await stage.until(lambda: "F3" in stage.text_of("#notice"))
        assert stage.app.main.query_one(Draft).text == "x"


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20)])
async def test_waiting_for_the_service_counts_down_and_names_its_key(
    size: tuple[int, int],
) -> None:
    async with staged(None, *began(), size=size) as stage:
        await stage.happen(transient.RetryWaiting("r1", "The limit is reached. " * 5, 34.0, 2))
        assert "asks again in 34 s  Esc stops" in stage.text_of("#activity")
        stage.hands.wall += 30
        stage.app.main._tick()
        await stage.until(lambda: "asks again in 4 s" in stage.text_of("#activity"))


async def test_waiting_for_the_person_is_not_called_work() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        assert "at work" not in stage.text_of("#activity")


async def test_the_tour_says_how_to_begin() -> None:
    bench = ScriptedWorkbench()
    bench.model_label = "tour (scripted)"
    async with staged(bench, size=(80, 24)) as stage:
        await stage.until(lambda: "Send any message" in stage.screen_text())


async def test_a_question_mark_helps_where_nothing_is_written() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("ctrl+y", "?")
        assert "Moves to the first action that waits for you" in stage.screen_text()
