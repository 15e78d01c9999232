"""Modes and rules under the person's hands: shown exactly, chosen on purpose, never by accident."""

import pytest
from textual import events

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.gatekeeper.rules import Scope, Terms
from pocketcoder_tui.ui.approvals import ApprovalsPane
from pocketcoder_tui.ui.offer import OfferScreen
from pocketcoder_tui.ui.rules import RulesScreen
from pocketcoder_tui.ui.scope import ScopeScreen
from tests.ui.bench import ScriptedWorkbench, began, command, edit, waits, with_rules
from tests.ui.stage import Stage, staged

SIZES = [(120, 36), (80, 24), (40, 20), (40, 12)]
MAKE = '{"allow":{"argv":["make","test"],"cwd":"/workspace"}}'


def flat(stage: Stage) -> str:
    """The screen without what a fold puts between letters."""
    lines = stage.screen_text().split("\n")
    return "".join(line.strip("│ ").removeprefix("↪ ").strip("│ ") for line in lines)


async def open_scope(stage: Stage) -> ScopeScreen:
    await stage.pilot.press("ctrl+y")
    pane = stage.app.main.query_one(ApprovalsPane)
    while not pane.gate.reading.whole:
        await stage.pilot.press("space")
        await stage.pilot.pause()
    await stage.pilot.press("a")
    await stage.until(lambda: isinstance(stage.app.screen, ScopeScreen))
    screen = stage.app.screen
    assert isinstance(screen, ScopeScreen)
    return screen


async def read_all(stage: Stage) -> None:
    screen = stage.app.screen
    assert isinstance(screen, ScopeScreen | OfferScreen)
    for _ in range(200):
        if screen._gate.reading.whole:
            return
        await stage.pilot.press("space")
        await stage.pilot.pause()
    raise AssertionError(f"{screen._gate.reading.left} lines were never on screen")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("key", "terms"),
    [
        ("s", Terms(Scope.SESSION)),
        ("w", Terms(Scope.WORKSPACE)),
        ("t", Terms(Scope.TIME)),
        ("u", Terms(Scope.USES, 5)),
    ],
)
async def test_what_is_stored_is_shown_before_and_one_key_keeps_it(
    size: tuple[int, int], key: str, terms: Terms
) -> None:
    async with staged(None, *began(), *waits(command("a1", "make test")), size=size) as stage:
        await open_scope(stage)
        assert stage.bench.requests("keep") == stage.bench.requests("decide") == []
        await read_all(stage)
        await stage.pilot.press(key)
        await stage.until(lambda: stage.bench.requests("keep"))
        assert stage.bench.requests("keep") == [("keep", "a1", MAKE, terms)]
        assert stage.bench.requests("decide") == [("decide", "a1", Outcome.ALLOW, "")]
        await stage.until(lambda: not isinstance(stage.app.screen, ScopeScreen))


async def test_every_character_of_the_rule_is_on_the_screen() -> None:
    async with staged(None, *began(), *waits(command("a1", "make test"))) as stage:
        await open_scope(stage)
        assert MAKE in flat(stage)
        assert "Allows exactly this command, and no other one: make test" in flat(stage)
        assert "code of the workspace" in flat(stage)


@pytest.mark.parametrize("command_text", ["git status", "bash -c ls", "ls > x", "ls; id", "ls $X"])
async def test_what_is_never_offered_is_said_in_a_sentence(command_text: str) -> None:
    async with staged(None, *began(), *waits(command("a1", command_text))) as stage:
        await open_scope(stage)
        assert "No rule can allow this." in flat(stage)
        await read_all(stage)
        await stage.pilot.press("o", "enter", "space", "y")
        assert stage.bench.requests("decide") == []


async def test_never_keeps_a_rule_and_denies() -> None:
    async with staged(None, *began(), *waits(command("a1", "git push"))) as stage:
        await open_scope(stage)
        await stage.pilot.press("j", "j")
        await stage.until(lambda: '{"deny":{"begins":["git"]}}' in flat(stage))
        await stage.pilot.press("w")
        await stage.until(lambda: stage.bench.requests("decide"))
        assert stage.bench.requests("decide") == [("decide", "a1", Outcome.DENY, "")]


async def test_once_keeps_no_rule_and_the_count_can_be_chosen() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await open_scope(stage)
        await stage.pilot.press("plus", "plus", "minus", "u")
        await stage.until(lambda: stage.bench.requests("keep"))
        assert stage.bench.requests("keep")[0][3] == Terms(Scope.USES, 6)
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await open_scope(stage)
        await stage.pilot.press("o")
        await stage.until(lambda: stage.bench.requests("decide"))
        assert stage.bench.requests("keep") == []


async def test_esc_decides_nothing_and_the_row_still_waits() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await open_scope(stage)
        await stage.pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, ScopeScreen))
        assert stage.bench.requests("keep") == stage.bench.requests("decide") == []
        assert len(stage.bench.transcript.waiting) == 1


async def test_a_prompt_that_has_just_come_up_takes_no_choice() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), grace=0.5) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 0.6
        await stage.pilot.press("a")
        await stage.until(lambda: isinstance(stage.app.screen, ScopeScreen))
        await stage.pilot.press("w", "o")
        assert stage.bench.requests("keep") == stage.bench.requests("decide") == []
        assert "just come up" in stage.screen_text()
        stage.hands.steady += 0.6
        await stage.pilot.press("w")
        await stage.until(lambda: stage.bench.requests("keep"))


async def test_a_paste_chooses_nothing() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls")), settle=5.0) as stage:
        await stage.pilot.press("ctrl+y")
        stage.hands.steady += 60
        await stage.pilot.press("a")
        await stage.until(lambda: isinstance(stage.app.screen, ScopeScreen))
        stage.hands.steady += 60
        await stage.pilot.press("w", "o", "w")
        stage.app.post_message(events.Paste("wow"))
        await stage.pilot.pause()
        assert stage.bench.requests("keep") == stage.bench.requests("decide") == []
        assert "as in a paste" in stage.screen_text()


async def test_no_choice_before_the_rule_was_read_to_its_end() -> None:
    long = "make " + " ".join(f"target-{n}" for n in range(80))
    async with staged(None, *began(), *waits(command("a1", long)), size=(40, 12)) as stage:
        await open_scope(stage)
        await stage.pilot.press("w", "s", "t", "u", "o")
        assert stage.bench.requests("keep") == stage.bench.requests("decide") == []
        assert "Scroll to the end" in stage.screen_text()


async def test_hostile_words_in_a_deny_rule_are_marked() -> None:
    evil = "echo\u202egnp \x1b]0;x\x07"
    async with staged(None, *began(), *waits(command("a1", evil))) as stage:
        await open_scope(stage)
        assert "\u202e" not in stage.screen_text()
        assert "\x1b" not in stage.screen_text()


async def test_a_file_is_offered_by_itself_and_with_its_folder() -> None:
    diff = "@@ -1 +1 @@\n-a\n+b"
    async with staged(None, *began(), *waits(edit("a1", "src/cart.py", diff))) as stage:
        await open_scope(stage)
        assert '{"allow":{"path":"/workspace/src/cart.py","tool":"edit_file"}}' in flat(stage)
        await stage.pilot.press("j")
        await stage.until(lambda: '"below":"/workspace/src"' in flat(stage))


# --- modes


@pytest.mark.parametrize("size", SIZES)
async def test_one_key_goes_through_the_modes_and_words_say_which_holds(
    size: tuple[int, int],
) -> None:
    async with staged(None, *began(), size=size) as stage:
        assert "ask mode" in stage.text_of("#status")
        for mode in ("contained", "plan", "ask"):
            await stage.pilot.press("shift+tab")
            await stage.until(lambda mode=mode: stage.bench.transcript.mode == mode)
            await stage.drawn()
            assert f"{mode} mode" in stage.text_of("#status")
            assert mode.upper() in stage.text_of("#header")
        assert [r[1] for r in stage.bench.requests("mode")] == ["contained", "plan", "ask"]


async def test_a_change_of_mode_answers_nothing_that_waits_and_says_so() -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        await stage.pilot.press("shift+tab")
        await stage.until(lambda: stage.bench.transcript.mode == "contained")
        await stage.drawn()
        assert stage.bench.requests("decide") == []
        assert "What waits goes on waiting." in stage.screen_text()
        assert "runs without asking" in stage.text_of("#status")


# --- the list


@pytest.mark.parametrize("size", SIZES)
async def test_rules_are_listed_explained_switched_off_and_deleted(size: tuple[int, int]) -> None:
    async with staged(with_rules(ScriptedWorkbench(list(began()))), size=size) as stage:
        await stage.pilot.press("f7")
        await stage.until(lambda: "make test" in flat(stage))
        assert isinstance(stage.app.screen, RulesScreen)
        await stage.pilot.press("x")
        await stage.until(lambda: stage.bench.requests("disable"))
        assert stage.bench.requests("disable") == [("disable", "r1", True)]
        await stage.pilot.press("j", "d", "n")
        assert stage.bench.requests("delete") == []
        await stage.pilot.press("d", "y")
        await stage.until(lambda: stage.bench.requests("delete"))
        assert stage.bench.requests("delete") == [("delete", "r2")]


async def test_a_rule_is_tried_on_the_past() -> None:
    async with staged(with_rules(ScriptedWorkbench(list(began())))) as stage:
        await stage.pilot.press("f7")
        await stage.until(lambda: "make test" in flat(stage))
        await stage.pilot.press("t")
        await stage.until(lambda: "Of your last 4 actions it would have allowed" in flat(stage))
        await stage.pilot.press("j", "t")
        await stage.until(lambda: "it would have denied these 1." in flat(stage))


async def test_rules_that_never_fire_are_shown() -> None:
    async with staged(with_rules(ScriptedWorkbench(list(began())))) as stage:
        await stage.pilot.press("f7")
        await stage.until(lambda: "make test" in flat(stage))
        await stage.pilot.press("u")
        await stage.until(lambda: "make test" not in flat(stage))
        assert "rm -rf" in flat(stage)


async def test_a_change_that_fails_is_said_and_the_empty_list_teaches() -> None:
    async with staged(with_rules(ScriptedWorkbench(list(began())))) as stage:
        stage.bench.rulebook.error = LedgerError("There is no space left.")
        await stage.pilot.press("f7")
        await stage.until(lambda: "make test" in flat(stage))
        await stage.pilot.press("x")
        await stage.until(lambda: "There is no space left." in stage.screen_text())
    async with staged(None) as stage:
        await stage.pilot.press("f7")
        await stage.until(lambda: "You have no rules." in stage.screen_text())


async def test_the_stats_say_who_decided() -> None:
    async with staged(with_rules(ScriptedWorkbench(list(began())))) as stage:
        await stage.pilot.press("f8")
        await stage.until(lambda: "You were asked 4 times" in stage.screen_text())
        assert "dana: 4 allowed" in stage.screen_text()
        assert "2 times: make test" in stage.screen_text()


# --- the offer that is made once


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "taken"), [("y", True), ("n", False)])
async def test_the_offer_is_quiet_shown_whole_and_answered_once(
    size: tuple[int, int], key: str, taken: bool
) -> None:
    bench = ScriptedWorkbench()
    bench.rulebook.offered = True
    async with staged(bench, size=size) as stage:
        await stage.until(lambda: "F2" in stage.text_of("#notice"))
        await stage.pilot.press("y", "n")
        assert stage.bench.requests("offer") == []
        await stage.pilot.press("f2")
        await stage.until(lambda: isinstance(stage.app.screen, OfferScreen))
        await read_all(stage)
        await stage.pilot.press(key)
        await stage.until(lambda: stage.bench.requests("offer"))
        assert stage.bench.requests("offer") == [("offer", taken)]
        await stage.until(lambda: "F2 shows" not in stage.screen_text())


async def test_the_offer_can_wait() -> None:
    bench = ScriptedWorkbench()
    bench.rulebook.offered = True
    async with staged(bench) as stage:
        await stage.pilot.press("f2")
        await stage.until(lambda: isinstance(stage.app.screen, OfferScreen))
        await stage.pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, OfferScreen))
        assert stage.bench.requests("offer") == []
