"""`pocketcoder approvals` as a person runs it, with a session that works and without one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from pocketcoder_tui.cli.arguments import UsageError, parse
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.control import ControlServer
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.engine.answering import Answering
from tests.cli.conftest import Run
from tests.engine.fakes import ScriptedModel, says, shell
from tests.engine.rig import Rig, running

Done = subprocess.CompletedProcess[str]
HOSTILE = "echo '\x1b]0;evil\x07\u202e'\n\techo two; rm -rf x"


@asynccontextmanager
async def at_work(paths: Paths, *commands: str) -> AsyncIterator[Rig]:
    """A session in the workspace that waits with these commands, and can be asked."""
    paths.state.mkdir(mode=0o700, parents=True)
    async with running(paths.state, ScriptedModel(shell(*commands), says("done"))) as rig:
        server = ControlServer(paths.control, Answering(rig.session).respond)
        await server.start()
        await rig.session.send("please")
        await rig.waiting(len(commands))
        try:
            yield rig
        finally:
            await server.aclose()


async def approvals(run: Run, *argv: str) -> Done:
    return await asyncio.to_thread(run, "approvals", *argv)


async def test_the_list_shows_every_text_whole_and_nothing_raw(run: Run, paths: Paths) -> None:
    async with at_work(paths, HOSTILE, "ls"):
        done = await approvals(run)
        assert done.returncode == 0
        for words in ("<U+001B>", "<U+0007>", "<U+202E>", "echo two; rm -rf x", "    ls"):
            assert words in done.stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
        found = json.loads((await approvals(run, "list", "--json")).stdout)
        assert (found["schema"], found["live"]) == (1, True)
        assert [row["text"] for row in found["approvals"]] == [HOSTILE, "ls"]


async def test_allow_deny_and_show_by_the_end_of_an_id(run: Run, paths: Paths) -> None:
    async with at_work(paths, "one", "two") as rig:
        one, two = await rig.waiting(2)
        shown = await approvals(run, "show", one.id[-8:])
        assert one.action.digest in shown.stdout
        done = await approvals(run, "deny", two.id[-8:], "--reason", "not that")
        assert (done.returncode, done.stderr) == (0, "")
        assert "Denied" in done.stdout
        done = await approvals(run, "allow", one.id, "--json")
        assert json.loads(done.stdout)["approval"]["decision"]["outcome"] == "allow"
        await rig.rest()
        assert rig.terminal.ran == [(one.id, "one")]
        assert two.decision is not None
        assert two.decision.reason == "not that"
        assert "no terminal" in two.decision.who
        again = await approvals(run, "allow", two.id)
        assert again.returncode == 1
        assert "denied it at" in again.stderr
        assert two.decision.who in again.stderr


async def test_watch_prints_what_happens_until_the_other_ends(
    run: Run, paths: Paths, environ: Mapping[str, str]
) -> None:
    async with at_work(paths, "one") as rig:
        watching = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pocketcoder_tui", "approvals", "watch", "--json",
            cwd=paths.workspace, env=dict(environ), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert watching.stdout is not None
        lines = []
        while not lines or lines[-1]["event"] != "listening":
            lines.append(json.loads(await watching.stdout.readline()))
        await rig.deny((await rig.waiting())[0])
        await rig.rest()
    rest = (await watching.stdout.read()).decode().splitlines()
    assert await watching.wait() == 0
    lines += [json.loads(line) for line in rest if line.startswith("{")]
    assert [line["event"] for line in lines] == ["waiting", "listening", "denied"]
    assert rest[-1] == "The pocketcoder there ended."


async def test_while_nobody_works_what_waits_is_read_and_nothing_is_decided(
    run: Run, paths: Paths
) -> None:
    async with at_work(paths, "one") as rig:
        [deed] = await rig.waiting()
    done = await approvals(run)
    assert done.returncode == 0
    assert "    one" in done.stdout
    assert "nothing can be decided now" in done.stdout
    found = json.loads((await approvals(run, "--json")).stdout)
    assert (found["live"], found["approvals"][0]["state"]) == (False, "waiting")
    assert deed.action.digest in (await approvals(run, "show", deed.id[-8:])).stdout
    for argv in (("allow", deed.id), ("deny", deed.id, "--reason", "x")):
        refused = await approvals(run, *argv)
        assert refused.returncode == 1
        assert "nothing can be decided" in refused.stderr
    assert deed.state is ActionState.WAITING


def test_in_a_folder_without_a_history_nothing_waits(run: Run) -> None:
    done = run("approvals")
    assert (done.returncode, done.stdout) == (0, "Nothing waits.\n")
    assert json.loads(run("approvals", "list", "--json").stdout)["approvals"] == []
    refused = run("approvals", "watch")
    assert refused.returncode == 1
    assert "No pocketcoder works" in refused.stderr


@pytest.mark.parametrize(
    "argv", [["allow"], ["deny"], ["deny", "x", "--comment", "y"], ["allow", "x", "--reason", "y"]]
)
def test_a_line_that_cannot_be_understood(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(["approvals", *argv])
