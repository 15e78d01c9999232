"""No byte that a terminal obeys reaches it from the screens that are opened above the main one."""

from dataclasses import replace

import pytest

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.actions import DecidedBy, Outcome
from pocketcoder_tui.core.checkpoints import Difference, FileChange, How, UndoPlan
from pocketcoder_tui.core.errors import CheckpointError, LedgerError, SandboxError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.core.ports import SessionSummary
from pocketcoder_tui.core.rules import PastAction
from pocketcoder_tui.core.terminal import Job, WindowFacts, WindowState
from pocketcoder_tui.ui.checklist import Checklist
from pocketcoder_tui.ui.jobs import JobsScreen
from pocketcoder_tui.ui.rules import RulesScreen
from pocketcoder_tui.ui.scope import ScopeScreen
from pocketcoder_tui.ui.sshkeys import SshKeysScreen
from pocketcoder_tui.ui.trial import TrialScreen
from pocketcoder_tui.ui.turns import TurnsScreen
from pocketcoder_tui.ui.undo import UndoScreen
from tests.engine.exports.stories import turn
from tests.ui.bench import (
    ALL_MISSING,
    NOON,
    ScriptedWorkbench,
    action,
    began,
    command,
    edit,
    waits,
    with_rules,
)
from tests.ui.stage import Stage, staged
from tests.ui.tape import PAYLOADS, Tape
from tests.ui.undoing import entry

GROUPS = ["".join(list(PAYLOADS.values())[first::5]) for first in range(5)]
pytestmark = pytest.mark.parametrize("evil", GROUPS, ids=[f"{n} of 5" for n in range(1, 6)])


class BusyBench(ScriptedWorkbench):
    """A workbench whose box runs programs with hostile names."""

    def __init__(self, evil: str) -> None:
        super().__init__([*began()])
        self.evil = evil

    def windows(self) -> list[WindowFacts]:
        return [WindowFacts(f"win{self.evil}", WindowState.FREE, f"/work{self.evil}", None)]

    async def jobs(self) -> list[Job]:
        return [Job(7, f"win{self.evil}", True, 2.0, f"prog {self.evil}")]

    async def stop_job(self, pid: int) -> bool:
        raise SandboxError(f"not stopped {self.evil}")


async def seen(stage: Stage, words: str) -> None:
    """Wait for words of the screen's own, so that what is about to be judged was drawn."""
    await stage.until(lambda: words in stage.screen_text())


async def test_sessions_and_their_turns(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([*began()])
    summary = SessionSummary("s1", f"mine {evil}", NOON, NOON, 1, 0, False, 1)
    bench.library.add(summary, turn(1, f"needle {evil}", evil, thought=evil))
    async with staged(bench) as stage:
        await stage.pilot.press("ctrl+o")
        await seen(stage, "mine")
        await stage.until(lambda: ("glimpse", "s1") in bench.library.asked)
        await stage.pilot.press("f")
        await stage.until(lambda: isinstance(stage.app.screen, TurnsScreen))
        await seen(stage, "needle")
        await stage.pilot.press("escape", "slash", *"needle")
        await stage.until(lambda: ("search", "needle") in bench.library.asked)
        await stage.pilot.press("escape")
        bench.library.error = LedgerError(f"not renamed {evil}", hint=f"hint {evil}")
        await stage.pilot.press("r", "x", "enter")
        await seen(stage, "not renamed")
        assert tape.stray() == []


async def test_windows_and_programs(tape: Tape, evil: str) -> None:
    bench = BusyBench(evil)
    async with staged(bench) as stage:
        stage.app.push_screen(JobsScreen(bench, stage.app.kit))
        await seen(stage, "prog")
        await stage.pilot.press("x")
        await seen(stage, "not stopped")
        assert tape.stray() == []


async def test_rules_and_what_they_would_have_decided(tape: Tape, evil: str) -> None:
    bench = with_rules(ScriptedWorkbench([*began()]))
    book = bench.rulebook
    book.kept[-1] = replace(book.kept[-1], made_by=f"by{evil}")
    past = action("p9", "write_file", path=f"{evil}/x", text=evil)
    book.past.append(PastAction(past, True, Outcome.DENY, DecidedBy.PERSON, evil, NOON + 2))
    async with staged(bench) as stage:
        await stage.pilot.press("f7")
        await stage.until(lambda: isinstance(stage.app.screen, RulesScreen))
        await seen(stage, "make")
        await stage.pilot.press("down", "t")
        await stage.until(lambda: bool(bench.requests("back_test")))
        book.error = LedgerError(f"not changed {evil}")
        await stage.pilot.press("d")
        await stage.pilot.press("y")
        await seen(stage, "not changed")
        await stage.pilot.press("escape", "f8")
        await stage.until(lambda: bool(bench.requests("tally")))
        await stage.pilot.pause()
        assert tape.stray() == []


async def test_ssh_keys(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([*began()])
    name = f"phone {evil}"
    bench.keybook.kept = [KeptKey("ssh-ed25519", "", "SHA256:abc", name, 1.0, f"by {evil}", 1)]
    bench.keybook.door = DoorState("", f"It is closed {evil}.", "")
    async with staged(bench) as stage:
        await stage.pilot.press("f9")
        await stage.until(lambda: isinstance(stage.app.screen, SshKeysScreen))
        await seen(stage, "phone")
        await seen(stage, "It is closed")
        bench.keybook.error = LedgerError(f"not changed {evil}", hint=f"hint {evil}")
        await stage.pilot.press("x")
        await seen(stage, "not changed")
        await stage.pilot.press("d")
        await seen(stage, "Remove the key")
        await stage.pilot.press("n")
        assert tape.stray() == []


async def test_the_scope_of_a_rule(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([*began(), *waits(edit("a1", f"src/{evil}.py", "-a\n+b"))])
    async with staged(bench) as stage:
        deed = bench.transcript.deed("a1")
        file = replace(deed, action=action("a1", "write_file", path=f"src/{evil}.py", text="b"))
        choices = bench.rulebook.choices("a1")
        stage.app.push_screen(ScopeScreen(file, choices, stage.app.kit))
        await stage.until(lambda: isinstance(stage.app.screen, ScopeScreen))
        await stage.pilot.press("down", "space", "w")
        await stage.pilot.pause()
        assert tape.stray() == []


async def test_the_undo(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([*began()])
    changes = (FileChange(f"src/{evil}.py", How.CHANGED, 1, 1),)
    step = entry(1, f"run {evil}")
    diff = f"--- {evil}\n+++ {evil}\n@@ -1 +1 @@ {evil}\n-{evil}\n+{evil}"
    notes = (f"{evil}: a build on your machine runs it.",)
    bench.checkpoints.known = [step]
    bench.checkpoints.drawn = UndoPlan(step, "ab" * 32, Difference(changes, 1, 1, 1), diff, notes)
    bench.checkpoints.errors = [CheckpointError(f"not undone {evil}", hint=f"hint {evil}")]
    async with staged(bench) as stage:
        await stage.pilot.press("f6")
        await stage.until(lambda: isinstance(stage.app.screen, UndoScreen))
        await seen(stage, "y brings it back")
        await stage.pilot.press("space", "y")
        await seen(stage, "not undone")
        assert tape.stray() == []


async def test_the_try(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([*began(), *waits(command("a5", "make"))])
    changes = (FileChange(f"src/{evil}.py", How.ADDED, 1, 0),)
    bench.trials.result = replace(
        bench.trials.result,
        output=f"out {evil}\n",
        difference=Difference(changes, 1, 1, 0),
        text=f"--- {evil}\n+{evil}",
        notes=(f"note {evil}",),
        ended=f"ended {evil}",
    )
    async with staged(bench) as stage:
        await stage.pilot.press("ctrl+y", "t")
        await stage.until(lambda: isinstance(stage.app.screen, TrialScreen))
        await seen(stage, "out ")
        await stage.pilot.press("space", "escape")
        bench.trials.error = SandboxError(f"not tried {evil}", hint=f"hint {evil}")
        await stage.pilot.press("t")
        await seen(stage, "not tried")
        assert tape.stray() == []


async def test_the_checklist(tape: Tape, evil: str) -> None:
    bench = ScriptedWorkbench([ev.SessionStarted("s1", f"/home/{evil}", NOON)])
    bench.standing = [replace(c, sentence=f"missing {evil}") for c in ALL_MISSING]
    bench.mend_error = SandboxError(f"not mended {evil}", hint=f"hint {evil}")
    bench.mend_gate.set()
    async with staged(bench) as stage:
        await stage.until(lambda: stage.app.main.query_one(Checklist).has_focus)
        await stage.pilot.press("1", "y")
        await stage.until(lambda: bool(bench.requests("mend over")))
        await seen(stage, "not mended")
        assert tape.stray() == []
