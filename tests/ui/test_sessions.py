"""All sessions on the screen: found, looked into, gone to, changed; and going to another one."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import Key
from textual.strip import Strip
from textual.widgets import Input, TextArea

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.engine.exports import Format
from pocketcoder_tui.ui.app import PocketCoderApp
from pocketcoder_tui.ui.asking import export_question
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.screens import AskScreen
from pocketcoder_tui.ui.sessions import SessionsScreen
from pocketcoder_tui.ui.turns import TurnsScreen
from pocketcoder_tui.ui.words import age
from tests.engine.exports.stories import EVIL, ORDINARY, turn
from tests.ui.bench import NOON, ScriptedWorkbench, began, command, over, ran, said, waits, writes
from tests.ui.stage import Stage, staged

DAY = 86_400
HERE = "s1"


def shelved(bench: ScriptedWorkbench | None = None) -> ScriptedWorkbench:
    """A workbench whose workspace has five sessions; the open one is the newest."""
    bench = bench or ScriptedWorkbench([*began(), *said("m1", "Fix the rounding."), *over()])
    library = bench.library
    for n, (id_, title, turns, actions, away) in enumerate(
        [
            (HERE, "fix the checkout rounding", 3, 12, False),
            ("s2", "discounts for two", 2, 2, False),
            ("s3", "speed up the tests", 9, 41, False),
            ("s4", "an old idea", 1, 0, True),
            ("s5", f"evil [b]{EVIL}", 1, 1, False),
        ]
    ):
        changed = NOON - n * 3 * DAY
        summary = SessionSummary(id_, title, changed - 900, changed, turns, n % 2, away, actions)
        events = [e for e in ORDINARY if not isinstance(e, ev.SessionTitled)]
        library.add(summary, [*events, ev.SessionTitled(title)])
    library.add(library.listed["s5"], [*turn(1, f"needle {EVIL}", EVIL, thought=EVIL)])
    return bench


def screen(stage: Stage) -> SessionsScreen:
    assert isinstance(stage.app.screen, SessionsScreen)
    return stage.app.screen


def titles(stage: Stage) -> list[str]:
    return [row.id for row in screen(stage).listed.rows]


@asynccontextmanager
async def opened(bench: ScriptedWorkbench | None = None, **how: object) -> AsyncIterator[Stage]:
    """The list, read."""
    async with staged(shelved(bench), **how) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)
        if screen(stage).query_one("#shelf-glimpse").display:
            await stage.until(lambda: ("glimpse", HERE) in stage.bench.library.asked)
        yield stage


async def test_the_list_says_what_there_is() -> None:
    async with opened() as stage:
        assert titles(stage) == [HERE, "s2", "s3", "s5"]
        text = stage.screen_text()
        for part in (
            "fix the checkout rounding",
            "9 turns",
            "6 days",
            "here",
            "Enter",
            "A shows 1",
        ):
            assert part in text
        assert "an old idea" not in text
        assert "[b]" in text
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "Fix the rounding." in text  # the glimpse


async def test_those_put_away_are_listed_when_asked_for_and_taken_out() -> None:
    async with opened() as stage:
        await stage.pilot.press("A")
        assert titles(stage) == [HERE, "s2", "s3", "s4", "s5"]
        await stage.pilot.press("j", "j", "j", "a")
        await stage.until(lambda: not stage.bench.library.listed["s4"].archived)
        await stage.until(lambda: "in the list again" in stage.screen_text())
        await stage.pilot.press("A", "k", "a")
        await stage.until(lambda: titles(stage) == [HERE, "s2", "s4", "s5"])
        assert stage.bench.library.asked[-1][0] in ("archive", "glimpse")
        assert "It is put away" in stage.screen_text()


async def test_titles_are_found_at_once_and_the_rest_a_moment_later() -> None:
    async with opened() as stage:
        library = stage.bench.library
        library.search_gate.clear()
        await stage.pilot.press("slash")
        search = screen(stage).query_one("#shelf-search", Input)
        for length in range(1, len("discount") + 1):
            search.value = "discount"[:length]
        await stage.until(lambda: titles(stage) == ["s2"])
        await stage.until(lambda: ("search", "discount") in library.asked)
        # What is typed in one go is searched for once.
        assert [a for a in library.asked if a[0] == "search"] == [("search", "discount")]
        search.value = "needle"
        await stage.until(lambda: titles(stage) == [])
        library.search_gate.set()
        await stage.until(lambda: titles(stage) == ["s5"])
        await stage.until(lambda: "you wrote: needle" in stage.screen_text())
        await stage.pilot.press("escape")
        assert screen(stage).listed.has_focus
        assert len(titles(stage)) == 4
        await stage.pilot.press("slash", *"idea")  # also among those put away
        assert titles(stage) == ["s4"]


async def test_an_answer_to_what_is_not_asked_any_more_is_left_alone() -> None:
    async with opened() as stage:
        library = stage.bench.library
        library.search_gate.clear()
        await stage.pilot.press("slash", *"needle")
        await stage.until(lambda: ("search", "needle") in library.asked)
        await stage.pilot.press("x")
        library.search_gate.set()
        await stage.until(lambda: ("search", "needlex") in library.asked)
        assert titles(stage) == []
        assert "Nothing matches" in stage.screen_text()


async def test_what_is_typed_in_one_go_after_a_key_that_asks_is_text() -> None:
    """Letters of a word must not be taken for keys, however fast they come."""
    async with opened(others=lambda _: ScriptedWorkbench()) as stage:
        for key, line in (("slash", "#shelf-search"), ("r", "#shelf-line"), ("e", "#shelf-line")):
            for word in (key, *"dna/re "):
                name = {"/": "slash", " ": "space"}.get(word, word)
                stage.app.post_message(Key(name, "/" if word == "slash" else word))
            typed = screen(stage).query_one(line, Input)
            await stage.until(lambda typed=typed: typed.value.endswith("dna/re "))
            await stage.pilot.press("escape")
        assert screen(stage).listed.has_focus
        assert not [a for a in stage.bench.library.asked if a[0] in ("rename", "delete")]
        assert not stage.bench.closed


async def test_a_glimpse_that_comes_after_the_screen_went_harms_nothing() -> None:
    async with opened() as stage:
        shelf = screen(stage)
        glimpse = await stage.bench.library.glimpse("s2")
        await stage.pilot.press("escape")
        await stage.until(lambda: not shelf.is_attached)
        shelf.glimpsed.put(glimpse)
        shelf.say("late")
        await shelf.load("s3")
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)


async def test_a_session_is_renamed() -> None:
    async with opened() as stage:
        await stage.pilot.press("down", "r", *" now", "enter")
        await stage.until(lambda: stage.bench.library.listed["s2"].title == "discounts for two now")
        await stage.until(lambda: "discounts for two now" in stage.screen_text())
        await stage.pilot.press("r", *"xyz", "escape")
        assert not stage.app.screen.query_one("#shelf-line").display
        assert [a for a in stage.bench.library.asked if a[0] == "rename"] == [
            ("rename", "s2", "discounts for two now")
        ]


async def test_no_single_key_and_no_wrong_word_deletes() -> None:
    async with opened() as stage:
        library = stage.bench.library
        await stage.pilot.press("down", "d", "d", "enter")
        assert "That is not the word" in stage.screen_text()
        await stage.pilot.press("d", *"delet", "escape", "d", "y", "enter", "d", "enter", "enter")
        assert not [a for a in library.asked if a[0] == "delete"]
    async with opened() as stage:
        await stage.pilot.press("down", "d", *"delete", "enter")
        await stage.until(lambda: titles(stage) == [HERE, "s3", "s5"])
        await stage.until(lambda: "It is deleted" in stage.screen_text())
        assert [a for a in stage.bench.library.asked if a[0] == "delete"] == [("delete", "s2")]
        await stage.pilot.press("home", "up", "d")
        assert "This session is open" in stage.screen_text()
        assert not screen(stage).asking.display


async def test_a_session_is_forked_after_a_turn() -> None:
    async with opened() as stage:
        await stage.pilot.press("down", "f")
        await stage.until(lambda: isinstance(stage.app.screen, TurnsScreen))
        assert "2  And commit it." in stage.screen_text()
        await stage.pilot.press("up", "enter")
        await stage.until(lambda: ("fork", "s2", "t1") in stage.bench.library.asked)
        await stage.until(lambda: "The fork is marked" in stage.screen_text())
        assert screen(stage).listed.marked
        assert screen(stage).listed.marked.id == "s2-fork"
        await stage.pilot.press("f")
        await stage.until(lambda: isinstance(stage.app.screen, TurnsScreen))
        await stage.pilot.press("escape")
        assert len([a for a in stage.bench.library.asked if a[0] == "fork"]) == 1


async def test_a_session_without_a_turn_cannot_be_forked() -> None:
    async with opened() as stage:
        stage.bench.library.told[HERE] = []
        await stage.pilot.press("f")
        await stage.until(lambda: "No turn of this session is over" in stage.screen_text())


async def test_a_session_is_exported_to_a_new_file(tmp_path: Path) -> None:
    async with opened() as stage:
        await stage.pilot.press("down", "e")
        line = stage.app.screen.query_one("#shelf-line", Input)
        assert line.value == "~/pocketcoder-discounts-for-two-s2.html"
        line.value = str(tmp_path / "x.md")
        await stage.pilot.press("enter")
        await stage.until(lambda: "Read it before" in stage.screen_text())
        assert (tmp_path / "x.md").read_text().startswith("# discounts for two")
        await stage.pilot.press("e")
        line.value = str(tmp_path / "x.md")
        await stage.pilot.press("enter")
        await stage.until(lambda: "already" in stage.screen_text())
        await stage.pilot.press("e")
        line.value = str(tmp_path / "x.pdf")
        await stage.pilot.press("enter")
        await stage.until(lambda: "says no form" in stage.screen_text())
        asked = [a[2] for a in stage.bench.library.asked if a[0] == "export"]
        assert asked == [Format.MARKDOWN, Format.MARKDOWN]


def test_the_file_that_is_proposed() -> None:
    assert export_question("Fix: the ../../etc/passwd!", "0123456789abcdef") == (
        "~/pocketcoder-fix-the-etc-passwd-0123456789ab.html"
    )
    assert export_question("?!", "ab") == "~/pocketcoder-ab.html"
    assert len(export_question("x" * 300, "0" * 32)) < 80


async def test_what_fails_is_a_sentence() -> None:
    async with opened() as stage:
        stage.bench.library.error = LedgerError("The disk is [full].", hint="Free some \x1b space.")
        await stage.pilot.press("a")
        await stage.until(lambda: "The disk is [full]." in stage.screen_text())
        assert "<U+001B>" in stage.screen_text()


async def test_an_empty_list_teaches() -> None:
    async with staged() as stage:
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: "No sessions yet" in stage.screen_text())
        await stage.pilot.press("enter", "r", "d", "f", "e", "a", "j", "k", "pageup", "pagedown")
        assert isinstance(stage.app.screen, SessionsScreen)
        await stage.pilot.press("escape")
        assert stage.app.screen is stage.app.main


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 20), (40, 12), (20, 8)])
async def test_it_is_whole_at_every_size(size: tuple[int, int]) -> None:
    async with opened(size=size) as stage:
        text = stage.screen_text()
        assert len(text.splitlines()) <= size[1]
        assert "fix the" in text
        if size[0] >= 40:
            assert "Esc back" in text
        await stage.pilot.press(*["pagedown"] * 4)
        assert screen(stage).listed.index == 3


# --- going to another session


async def test_another_session_is_opened_and_what_was_typed_comes_along() -> None:
    other = ScriptedWorkbench(
        [*began(), ev.SessionTitled("discounts"), *said("m7", "Two for one.")]
    )
    asked: list[str] = []

    def others(session_id: str) -> ScriptedWorkbench:
        asked.append(session_id)
        return other

    async with staged(shelved(), others=others) as stage:
        first = stage.app.main
        await stage.pilot.press(*"half", "ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)
        await stage.pilot.press("down", "enter")
        await stage.until(lambda: stage.app.screen is stage.app.main is not first)
        await stage.until(lambda: other.requests("open"))
        assert (asked, stage.bench.closed, other.closed) == (["s2"], True, False)
        await stage.until(lambda: "Two for one." in stage.screen_text())
        assert stage.app.main.query_one(Draft).text == "half"
        assert stage.app.main.query_one(Draft).has_focus
        assert not first.is_attached
        # It is a workbench like the first: it answers, decides, and leads on.
        other.emit(*waits(command("a1", "make")))
        await stage.drawn()
        await stage.pilot.press("ctrl+y", "y")
        await stage.until(lambda: other.requests("decide"))
        assert not stage.bench.requests("decide")
        await stage.pilot.press("ctrl+p", *"New session", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, AskScreen))
    assert other.closed


async def test_a_new_session_is_begun() -> None:
    fresh = ScriptedWorkbench()
    async with staged(shelved(), others=lambda _: fresh) as stage:
        await stage.pilot.press("ctrl+o", "n")
        await stage.until(lambda: fresh.requests("open"))
        await stage.until(lambda: "The agent works in a box" in stage.screen_text())
        await stage.pilot.press("ctrl+o", "n")
        await stage.until(lambda: "This session is new" in stage.screen_text())
        assert not fresh.closed


async def test_while_the_agent_works_it_asks() -> None:
    busy = shelved(ScriptedWorkbench([*began(), *said("m1", "Work.")]))
    other = ScriptedWorkbench([*began(), *over()])
    async with staged(busy, others=lambda _: other) as stage:
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)
        await stage.pilot.press("down", "enter")
        await stage.until(lambda: "The agent is at work. Leave" in stage.screen_text())
        await stage.pilot.press("n")
        assert stage.app.screen is stage.app.main
        assert not busy.closed
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: screen(stage).listed.rows)
        await stage.pilot.press("down", "enter", "y")
        await stage.until(lambda: other.requests("open"))
        assert busy.closed


async def test_the_open_session_is_only_gone_back_to() -> None:
    async with opened(others=lambda _: ScriptedWorkbench()) as stage:
        await stage.pilot.press("enter")
        assert stage.app.screen is stage.app.main
        assert not stage.bench.closed


async def test_a_session_that_cannot_be_opened_says_so_and_another_can_be_tried() -> None:
    other = ScriptedWorkbench()
    other.open_errors.append(LedgerError("It is damaged.", hint="Recover it."))
    async with opened(others=lambda _: other) as stage:
        await stage.pilot.press("down", "enter")
        await stage.until(lambda: "It is damaged. Recover it." in stage.screen_text())
        await stage.pilot.press("ctrl+o")
        await stage.until(lambda: "not open yet" in stage.screen_text())
        await stage.pilot.press("ctrl+r")
        await stage.until(lambda: stage.app.main.link.opened)


async def test_a_running_terminal_and_open_sheets_do_not_stand_in_the_way() -> None:
    """Switched while the terminal is followed and a key list is open on top."""
    other = ScriptedWorkbench([*began(), *writes("p", "hello"), *over()])
    async with staged(
        shelved(), *ran(command("a1", "ls"), 0, "x\n"), others=lambda _: other
    ) as stage:
        await stage.until(lambda: stage.bench.requests("watch"))
        stage.app.main.post_message(stage.app.main.SessionAsked("s2"))
        await stage.pilot.press("f1")
        await stage.until(lambda: other.requests("watch"))
        await stage.until(lambda: stage.app.screen is stage.app.main)
        assert stage.bench.requests("watch over")
        assert stage.bench.closed
        assert list(stage.app._screen_stacks) == ["session-1"]


async def test_what_was_left_is_not_kept() -> None:
    """However often one goes on, only the widgets of one session are there, and what they drew."""
    story = [*began(), *said("m1", "hi"), *writes("p", "hello **x**"), *over()]
    async with staged(shelved(), others=lambda _: ScriptedWorkbench(story)) as stage:

        async def go() -> int:
            """To another session; returns how many widgets there are then."""
            before = weakref.ref(stage.app.main)
            stage.app.main.post_message(stage.app.main.SessionAsked("x"))
            await stage.until(lambda: stage.app.main is not before() and stage.app.main.link.opened)
            await stage.until(lambda: not [w for w in stage.app.workers if w.group == "switch"])
            await stage.drawn()
            gc.collect()
            return sum(isinstance(thing, TextArea | Strip) for thing in gc.get_objects())

        counts = [await go() for _ in range(4)]
        assert max(counts) < min(counts) * 1.5


async def test_quitting_in_the_middle_of_it_closes_the_session_to_its_end() -> None:
    bench = shelved()
    async with staged(bench, others=lambda _: ScriptedWorkbench()) as stage:
        bench.close_gate.clear()
        await stage.pilot.press("ctrl+o", "n")
        await stage.until(lambda: bench.requests("close"))
        assert "Closing this session" in stage.screen_text()
        # What is typed meanwhile is kept, and a second switch is not begun.
        await stage.pilot.press(*"kept", "enter")
        assert stage.app.main.draft == "kept"
        stage.app.main.post_message(stage.app.main.SessionAsked("s2"))
        await stage.pilot.press("ctrl+q")
        await stage.until(lambda: stage.app._exit)
        asyncio.get_running_loop().call_soon(bench.close_gate.set)
    assert bench.closed
    assert len(bench.requests("close")) == 1


async def test_the_app_that_is_left_closes_the_session_it_has_then() -> None:
    other = ScriptedWorkbench()
    async with staged(shelved(), others=lambda _: other) as stage:
        stage.app.main.post_message(stage.app.main.SessionAsked(""))
        await stage.until(lambda: other.requests("open"))
        assert isinstance(stage.app, PocketCoderApp)
    assert other.closed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_399, "23 h"),
     (86_400, "1 day"), (13 * DAY, "13 days"), (14 * DAY, "2 weeks"), (365 * DAY, "52 weeks"),
     (800 * DAY, "2 years")],
)  # fmt: skip
def test_ages(seconds: float, words: str) -> None:
    assert age(seconds) == words
