"""Messages that wait, under the person's hands: changed, taken back, and nothing typed is lost."""

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.ui.composer import Composer, Draft
from tests.ui.bench import NOON, began, command, runs, said
from tests.ui.stage import Stage, staged

TALL = (100, 40)


def queued(*texts: str) -> list[ev.Event]:
    return [ev.MessageQueued(f"q{n}", text, NOON) for n, text in enumerate(texts)]


def draft(stage: Stage) -> Draft:
    return stage.app.main.query_one(Draft)


def changing(stage: Stage) -> str:
    return stage.app.main.query_one(Composer).changing


async def test_up_in_an_empty_message_takes_up_the_last_one_that_waits() -> None:
    async with staged(None, *began(), *said("m", "go"), *queued("one", "two"), size=TALL) as stage:
        await stage.pilot.press("up")
        assert draft(stage).text == "two"
        assert "change ›" in stage.screen_text()
        await stage.pilot.press(*" more", "enter")
        await stage.until(lambda: stage.bench.requests("edit queued"))
        assert stage.bench.requests("edit queued") == [("edit queued", "q1", "two more")]
        assert stage.bench.requests("send") == []
        await stage.drawn()
        assert "queued: two more" in stage.screen_text()
        assert draft(stage).text == changing(stage) == ""
        await stage.pilot.press(*"next", "enter")
        await stage.until(lambda: stage.bench.requests("send"))


async def test_up_moves_the_cursor_where_there_is_text_and_does_nothing_without_a_queue() -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press(*"hi", "up")
        assert (draft(stage).text, changing(stage)) == ("hi", "")
    async with staged(None, *began(), size=TALL) as stage:
        await stage.pilot.press("up")
        assert (draft(stage).text, changing(stage)) == ("", "")


async def test_the_marked_message_is_changed_or_taken_back_by_key_and_mouse() -> None:
    async with staged(None, *began(), *queued("one", "two"), size=TALL) as stage:
        stage.app.main.panes.conversation.story.focus()
        await stage.pilot.press("up", "up", "e")
        await stage.until(lambda: draft(stage).text == "one")
        assert draft(stage).has_focus
        await stage.pilot.press("escape")
        stage.app.main.panes.conversation.story.focus()
        await stage.pilot.press("up", "x")
        await stage.until(lambda: stage.bench.requests("withdraw"))
        await stage.drawn()
        assert "two" not in stage.screen_text()
        assert "queued: one" in stage.screen_text()
        await stage.pilot.click("SaidView")
        await stage.until(lambda: draft(stage).text == "one")


async def test_what_was_being_written_comes_back_after_the_change() -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press(*"half a thought")
        stage.app.main.panes.conversation.story.focus()
        await stage.pilot.press("up", "enter")
        await stage.until(lambda: draft(stage).text == "one")
        await stage.pilot.press(*"!", "enter")
        await stage.until(lambda: draft(stage).text == "half a thought")
        assert stage.bench.requests("edit queued") == [("edit queued", "q0", "one!")]


async def test_esc_leaves_it_as_it_was_and_asks_twice_for_a_changed_text() -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press("up", "escape")
        assert (draft(stage).text, changing(stage)) == ("", "")
        await stage.pilot.press("up", *" more", "escape")
        assert (draft(stage).text, changing(stage)) == ("one more", "q0")
        assert "Esc once more" in stage.screen_text()
        await stage.pilot.press("escape")
        assert (draft(stage).text, changing(stage)) == ("", "")
        assert stage.bench.requests("edit queued") == stage.bench.requests("stop") == []
        assert "queued: one" in stage.screen_text()


@pytest.mark.parametrize("gone", ["taken", "withdrawn"])
async def test_a_message_that_goes_while_it_is_changed_leaves_the_text(gone: str) -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press("up", *" more")
        taken = ev.MessagesTaken("t1", ("q0",))
        await stage.happen(taken if gone == "taken" else ev.MessageWithdrawn("q0", NOON))
        assert (draft(stage).text, changing(stage)) == ("one more", "")
        assert "another message" in stage.screen_text()
        await stage.pilot.press("enter")
        await stage.until(lambda: stage.bench.requests("send"))


async def test_a_change_that_comes_too_late_gives_the_text_back() -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press("up", *"!")
        stage.bench.transcript.apply(ev.MessagesTaken("t1", ("q0",)))  # not drawn yet
        await stage.pilot.press("enter")
        await stage.until(lambda: draft(stage).text == "one!")
        assert "went to the model already" in stage.screen_text()


async def test_two_changes_and_a_new_message_typed_ahead_keep_their_places() -> None:
    async with staged(None, *began(), *queued("one"), size=TALL) as stage:
        await stage.pilot.press("up", *"!", "enter", *"two", "enter", *"three", "enter")
        await stage.until(lambda: len(stage.bench.requests("send")) == 2)
        asked = [r for r in stage.bench.asked if r[0] in ("edit queued", "send")]
        assert [r[-1] for r in asked] == ["one!", "two", "three"]


async def test_after_a_stop_a_running_command_is_named_with_the_way_to_end_it() -> None:
    async with staged(None, *began(), *runs(command("a1", "make")), size=TALL) as stage:
        await stage.pilot.press("escape")
        await stage.until(lambda: "A command still runs" in stage.screen_text())
        assert "^C" in stage.screen_text()
