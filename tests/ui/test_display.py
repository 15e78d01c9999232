"""No byte that a terminal obeys reaches it from untrusted text: the app's raw output is looked at.

Every widget and screen that shows untrusted text is given each payload, at two sizes, and what the
driver is told to write is taken apart: the program's own sequences go out, and nothing else may.
"""

from dataclasses import replace

import pytest
from textual import events

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import Outcome, Preview, PreviewKind
from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.ui.composer import Draft
from pocketcoder_tui.ui.notice import Notice
from tests.ui.bench import (
    NOON,
    ScriptedWorkbench,
    action,
    began,
    command,
    decided,
    edit,
    ran,
    runs,
    said,
    waits,
    writes,
)
from tests.ui.stage import Stage, staged
from tests.ui.tape import PAYLOADS, Tape

SIZES = [(120, 36), (40, 12)]


async def look(stage: Stage, *keys: str) -> None:
    """Press keys and let everything be drawn."""
    await stage.pilot.press(*keys)
    await stage.drawn()
    await stage.pilot.pause()


def story(evil: str) -> list[ev.Event]:
    """A session in which every text is hostile."""
    text = evil.encode("utf-8", "replace").decode()  # the engine refuses a command with half of one
    done = ran(command("a1", f"echo {text}"), 1, f"out {evil}\n", omitted=3)
    last = done[-1]
    assert isinstance(last, ev.ActionEnded)
    bad = replace(last, execution=replace(last.execution, error=f"no {evil}", coloured=evil))
    denied = waits(command("a2", f"ls {text}"))
    return [
        ev.SessionStarted("s1", f"/home/{evil}", NOON),
        ev.SessionTitled(f"title {evil}"),
        ev.TurnStarted("t1", NOON),
        *said("m1", f"do {text}"),
        *writes("p0", f"think {evil}", PartKind.THOUGHT),
        *writes("p1", f"say {evil}\n\n```\n{evil}\n```\n- [x]({evil})"),
        *done[:-1],
        bad,
        *denied,
        decided(action("a2", command=f"ls {text}"), Outcome.DENY, f"because {evil}"),
        ev.PersonRan("agent", f"mine {evil}", 0, f"mine out {evil}", 0, f"/{evil}", 1.0, NOON),
        ev.Noticed("warning", f"notice {evil}", f"hint {evil}", NOON),
        *runs(command("a3", f"sleep {text}")),
        transient.OutputGrew("a3", f"live {evil}"),
        transient.ActionNeedsInput("a3", True),
        ev.ActionProposed(action("a4"), Preview(PreviewKind.COMMAND, "run", "x", "x")),
        ev.ActionSuperseded("a4", f"replaced {evil}"),
        transient.ActionHeld("a3", f"held {evil}", True),
        transient.RetryWaiting("r1", f"retry {evil}", 5.0, 1),
        transient.BoxChanged(transient.BoxState.FAILED, f"box {evil}", f"hint {evil}"),
        *waits(
            replace(command("a5", f"rm {text}", f"note {evil}"), edited=f"dana{evil}"),
            f"why {evil}",
        ),
        *waits(edit("a6", f"src/{text}.py", f"@@ -1 +1 @@ {evil}\n-{evil}\n+x = '{evil}'")),
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("evil", PAYLOADS.values(), ids=list(PAYLOADS))
async def test_the_main_screen_and_its_panes(tape: Tape, evil: str, size: tuple[int, int]) -> None:
    bench = ScriptedWorkbench()
    bench.model_label = f"model {evil}"
    async with staged(bench, *story(evil), size=size) as stage:
        if bench.on_frame is not None:
            frame = (f"$ {evil}", f"\x1b[32m{evil}\x1b[0m", f"\x1b]0;{evil}\x07")
            bench.on_frame(transient.ScreenChanged(frame, 46, (0, 1), f"win{evil}"))
        stage.app.main.say(f"said {evil}")
        stage.app.main.query_one(Notice).last(f"box {evil}")
        for entry in list(stage.app.main.query(".openable")):
            entry.focus()
            getattr(entry, "toggle", lambda: None)()
        await look(stage, "ctrl+y", "space", "j", "space", "f", "d", "]", "h", "e")
        await look(stage, "escape", "escape", "ctrl+y", "k", "e", "escape", "c", "escape", "x")
        await look(stage, "escape", "escape", "ctrl+g")
        assert len(tape.text) > 2_000, "nothing was drawn"
        assert tape.stray() == []


@pytest.mark.parametrize("evil", PAYLOADS.values(), ids=list(PAYLOADS))
async def test_what_the_person_types_and_pastes(tape: Tape, evil: str) -> None:
    async with staged(None, *began(), *waits(command("a1", "ls"))) as stage:
        stage.app.main.query_one(Draft).insert(evil.encode("utf-8", "replace").decode())
        stage.app.post_message(events.Paste(evil))
        await look(stage, "ctrl+y", "N")
        stage.app.post_message(events.Paste(evil))
        await look(stage, "escape", "e")
        stage.app.post_message(events.Paste(evil))
        await look(stage, "escape")
        assert tape.stray() == []


@pytest.mark.parametrize("evil", PAYLOADS.values(), ids=list(PAYLOADS))
async def test_the_screens_above(tape: Tape, evil: str) -> None:
    from pocketcoder_tui.ui.deeds import whole_text
    from pocketcoder_tui.ui.explaining import explanation
    from pocketcoder_tui.ui.screens import AskScreen, HelpScreen, TextScreen

    bench = ScriptedWorkbench()
    bench.open_errors = [PocketCoderError(f"trouble {evil}", hint=f"hint {evil}")]
    async with staged(bench, *story(evil)) as stage:
        deed = stage.bench.transcript.deed("a1")
        waiting = stage.bench.transcript.deed("a5")
        kit = stage.app.kit
        for screen in (
            TextScreen(f"title {evil}", whole_text(deed), kit),
            TextScreen("why", explanation(waiting, mode=f"ask{evil}", bond=evil), kit),
            AskScreen(f"question {evil}"),
            HelpScreen(),
        ):
            stage.app.push_screen(screen)
            await stage.pilot.pause()
            await stage.pilot.press("escape")
        assert tape.stray() == []


def test_the_tape_hears_what_is_stray() -> None:
    heard = Tape()
    heard.text = "\x1b[1;1H\x1b[31mred\x1b[0m"
    assert heard.stray() == []
    for evil in PAYLOADS.values():
        heard.text = evil
        assert heard.stray() or evil.isprintable() or evil == PAYLOADS["separators"], ascii(evil)
