"""The undo and the try on the screen: shown first, done by one key, and nothing by accident."""

import asyncio
from dataclasses import replace

import pytest

from pocketcoder_tui.core.checkpoints import ActionTried, CheckpointMissed, Difference
from pocketcoder_tui.core.errors import CheckpointError, PlanStale, SandboxError
from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.ui.changes import UndoneView
from pocketcoder_tui.ui.deeds import DeedView
from pocketcoder_tui.ui.trial import TrialScreen
from pocketcoder_tui.ui.undo import UndoScreen
from tests.ui.bench import NOON, ScriptedWorkbench, began, command, edit, ran, runs, waits
from tests.ui.stage import Stage, staged
from tests.ui.undoing import changed, restored

RAW = ("\x1b", "\x07", "\u202e")


def shows(stage: Stage, *texts: str) -> bool:
    return all(text in stage.screen_text() for text in texts)


async def opened(stage: Stage, key: str = "f6") -> None:
    await stage.pilot.press(key)
    await stage.until(lambda: shows(stage, "Esc back"))


async def test_shown_first_then_one_key_does_it() -> None:
    async with staged(None, *began()) as stage:
        await opened(stage)
        assert shows(stage, "edit <U+001B>", "checkpoint 2, 2 of 2", "3 files  +13 −4")
        assert shows(stage, "! Makefile: a build on your machine runs it.", "y brings it back")
        assert not stage.bench.requests("undo")
        assert not any(raw in stage.screen_text() for raw in RAW)
        await stage.pilot.press("y")
        await stage.until(lambda: not isinstance(stage.app.screen, UndoScreen))
        assert stage.bench.requests("undo") == [("undo", 2)]
        assert "as it was before" in stage.text_of("Notice")


@pytest.mark.parametrize("key", ["escape", "q", "f6"])
async def test_going_back_changes_nothing(key: str) -> None:
    async with staged(None, *began()) as stage:
        await opened(stage)
        await stage.pilot.press("enter", "space", key)
        await stage.until(lambda: not isinstance(stage.app.screen, UndoScreen))
        assert not stage.bench.requests("undo")


async def test_other_checkpoints_are_an_arrow_away() -> None:
    async with staged(None, *began()) as stage:
        await opened(stage)
        await stage.pilot.press("left")
        await stage.until(lambda: shows(stage, "checkpoint 1, 1 of 2"))
        await stage.pilot.press("left", "y")
        await stage.until(lambda: bool(stage.bench.requests("undo")))
        assert stage.bench.requests("undo") == [("undo", 1)]


async def test_u_on_a_marked_action_is_about_that_action() -> None:
    async with staged(None, *began(), *ran(command("a1", "make"), 0, "")) as stage:
        deed = stage.bench.transcript.deed("a1")
        deed.checkpoint = 1
        stage.app.main.panes.conversation.story.focus()
        await stage.pilot.press("up", "u")
        await stage.until(lambda: shows(stage, "checkpoint 1, 1 of 2"))
        assert stage.bench.requests("plan") == [("plan", 1)]


async def test_u_in_a_message_is_a_letter() -> None:
    async with staged(None, *began()) as stage:
        await stage.pilot.press("u")
        assert not isinstance(stage.app.screen, UndoScreen)


async def test_a_y_that_was_typed_before_it_was_shown_does_nothing() -> None:
    async with staged(None, *began(), grace=0.5) as stage:
        await opened(stage)
        await stage.pilot.press("y")
        assert not stage.bench.requests("undo")
        stage.hands.steady += 1
        await stage.pilot.press("y")
        await stage.until(lambda: bool(stage.bench.requests("undo")))


async def test_a_stale_plan_is_shown_anew() -> None:
    async with staged(None, *began()) as stage:
        stage.bench.checkpoints.errors.append(PlanStale("The workspace changed since."))
        await opened(stage)
        await stage.pilot.press("y")
        await stage.until(lambda: len(stage.bench.requests("plan")) == 2)
        await stage.until(lambda: shows(stage, "The workspace changed since.", "y brings it back"))
        assert isinstance(stage.app.screen, UndoScreen)


async def test_errors_are_sentences() -> None:
    async with staged(None, *began()) as stage:
        stage.bench.checkpoints.errors.append(CheckpointError("The disk is \x1b[31mfull."))
        await opened(stage)
        await stage.pilot.press("y")
        await stage.until(lambda: shows(stage, "The disk is <U+001B>[31mfull."))
        await stage.pilot.press("escape")
        stage.bench.checkpoints.known.clear()
        await opened(stage)
        assert shows(stage, "There is nothing to undo.")
        await stage.pilot.press("y")
        assert len(stage.bench.requests("undo")) == 1


async def test_nothing_to_bring_back_and_what_runs_is_said() -> None:
    async with staged(None, *began(), *runs(command("a1", "serve"))) as stage:
        stage.bench.checkpoints.same = True
        await opened(stage)
        assert shows(stage, "Nothing differs", "A command runs in the box")
        await stage.pilot.press("y")
        assert not stage.bench.requests("undo")


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_what_changed_is_in_the_story(size: tuple[int, int]) -> None:
    events = [*began(), *ran(command("a1", "make"), 0, ""), changed("a1", beside=True)]
    events += [restored(("a\x1b[1m stays.",))]
    async with staged(None, *events, size=size) as stage:
        text = stage.text_of("DeedView")
        assert "3 files: Makefile, shop/" in text.replace("\n", " ")
        assert "+13" in stage.text_of("DeedView").replace("\n", " ")
        assert "you undid run make" in stage.text_of("UndoneView")
        assert "a<U+001B>[1m stays." in stage.text_of("UndoneView")
        for kind in (DeedView, UndoneView):
            for view in stage.app.main.query(kind):
                view.toggle()
        await stage.pilot.pause()
        assert "other commands ran" in stage.text_of("DeedView").replace("\n", " ")
        assert "checkpoint 4" in stage.text_of("UndoneView").replace("\n", " ")
        assert not any(raw in stage.screen_text() for raw in RAW)


async def test_without_a_checkpoint_is_said() -> None:
    events = [*runs(command("a1", "make")), CheckpointMissed("a1", "No space left.", NOON)]
    async with staged(None, *began(), *events) as stage:
        assert "no checkpoint before it: No space left." in stage.text_of("DeedView")


# --- try it first


async def test_t_tries_and_decides_nothing() -> None:
    proposed = command("a5", "make install")
    async with staged(None, *began(), *waits(proposed)) as stage:
        await stage.pilot.press("ctrl+y", "t")
        await stage.until(lambda: shows(stage, "It ended with status 2"))
        assert shows(stage, "Nothing was decided", "A fresh shell.", "no rule", "3 files  +13 −4")
        assert not any(raw in stage.screen_text() for raw in RAW)
        await stage.pilot.press("y", "n", "enter", "escape")
        await stage.until(lambda: not isinstance(stage.app.screen, TrialScreen))
        assert not stage.bench.requests("decide")
        await stage.happen(ActionTried("a5", "d", 2, 0.8, 3, NOON))
        assert "tried in a copy: exit 2, 3 files changed" in stage.text_of("DeedView")


async def test_esc_ends_a_try_and_the_screen_lives_on() -> None:
    async with staged(None, *began(), *waits(command("a5", "make"))) as stage:
        stage.bench.trials.gate.clear()
        await stage.pilot.press("ctrl+y", "t")
        await stage.until(lambda: shows(stage, "The command runs in the copy.", "Esc ends it"))
        await stage.happen(*waits(command("a6", "ls")))
        assert len(stage.bench.transcript.waiting) == 2
        await stage.pilot.press("escape")
        await stage.until(lambda: bool(stage.bench.requests("try over")))
        assert not isinstance(stage.app.screen, TrialScreen)
        assert not stage.bench.requests("decide")


async def test_a_try_that_cannot_be_done_says_why() -> None:
    async with staged(None, *began(), *waits(edit("a5", "a.py", "+x"))) as stage:
        stage.bench.trials.error = SandboxError("Only a command can be tried.", hint="")
        await stage.pilot.press("ctrl+y", "t")
        await stage.until(
            lambda: shows(stage, "Only a command can be tried.", "Nothing was decided")
        )


async def test_a_t_in_a_paste_or_too_early_tries_nothing() -> None:
    bench = ScriptedWorkbench()
    async with staged(bench, *began(), grace=0.5, settle=0.05) as stage:
        await stage.happen(*waits(command("a5", "make")))
        await stage.pilot.press("ctrl+y", "t")
        await asyncio.gather(stage.pilot.pause())
        assert not bench.requests("try")
        stage.hands.steady += 1
        await stage.pilot.press("j", "t")  # no time between them
        assert not bench.requests("try")
        stage.hands.steady += 1
        await stage.pilot.press("t")
        await stage.until(lambda: bool(bench.requests("try")))
        assert isinstance(stage.bench.transcript.entries["a5"], Deed)


async def test_files_that_the_host_runs_are_named_under_the_action_that_changed_them() -> None:
    told = tuple(f"f{n}\x1b[31m.mk: a build on your machine runs it." for n in range(5))
    event = replace(changed("a1"), difference=replace(changed("a1").difference, guarded=told))
    hooks = Difference((), 0, 0, 0, (".git/hooks/pre-push: git runs it.",))
    only = replace(changed("a2"), difference=hooks)
    story = [*ran(command("a1", "make"), 0, ""), event, *ran(command("a2", "x"), 0, ""), only]
    async with staged(None, *began(), *story, size=(120, 50)) as stage:
        assert shows(stage, "! f0<U+001B>[31m.mk: a build on your machine runs it.", "! f2")
        assert not shows(stage, "! f3")
        assert shows(stage, "and 2 files more that your machine runs")
        assert shows(stage, "! .git/hooks/pre-push: git runs it.")
        assert not shows(stage, "0 files")
        first = stage.app.main.query(DeedView).first()
        first.toggle()
        await stage.pilot.pause()
        assert shows(stage, "! f4")
