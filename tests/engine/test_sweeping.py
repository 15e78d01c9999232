"""What a command may not leave is taken away at its end, and while it runs before others leave."""

from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.engine.checkpoints import SWEPT
from tests.engine.fakes import ScriptedModel, calls, says, shell
from tests.engine.rig import running


def lend(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)


async def test_it_is_named_under_its_action(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedModel(shell("make"), says("done"))) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        [deed] = await rig.waiting()
        await rig.allow(deed)
        await rig.until(lambda: len(rig.terminal.ran) == 1)
        lend(tmp_path / "workspace" / "x")
        rig.terminal.gate.set()
        await rig.until(lambda: deed.changed is not None)
        assert deed.changed is not None
        assert "x: it was setuid" in deed.changed.difference.guarded[0]
    assert (tmp_path / "workspace" / "x").stat().st_mode & 0o7777 == 0o755


async def test_one_that_still_runs_is_swept_before_another_leaves(tmp_path: Path) -> None:
    one = calls(("shell", {"command": "serve", "window": "server"}))
    model = ScriptedModel([*one[:-1], *shell("make")], says("done"))
    async with running(tmp_path, model) as rig:
        rig.terminal.gate.clear()
        await rig.session.send("please")
        first, second = await rig.waiting(2)
        await rig.allow(first)
        await rig.until(lambda: len(rig.terminal.ran) == 1)
        lend(tmp_path / "workspace" / "x")
        await rig.allow(second)
        await rig.until(lambda: len(rig.terminal.ran) == 2)
        assert (tmp_path / "workspace" / "x").stat().st_mode & 0o7777 == 0o755
        told = [e.hint for e in rig.events if isinstance(e, ev.Noticed) and e.sentence == SWEPT]
        assert len(told) == 1
        assert "x: it was setuid" in told[0]
        rig.terminal.gate.set()
        await rig.rest()
