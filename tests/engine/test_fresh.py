"""A command that a rule allows, in the real box: once, whole, and found again after a crash."""

import asyncio
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Action, Ended, Outcome, ToolCall
from pocketcoder_tui.core.errors import TransitionRefused
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import ExecResult
from pocketcoder_tui.engine.tools.fresh import (
    argv_of,
    finish_fresh,
    recall_fresh,
    run_fresh,
)
from pocketcoder_tui.engine.tools.look import SearchFiles
from pocketcoder_tui.gatekeeper.paths import SECRET_GLOBS, is_secret
from pocketcoder_tui.gatekeeper.policy import judge
from pocketcoder_tui.gatekeeper.rules import Place, Rule, Scope, allowing
from pocketcoder_tui.sandbox.box import DockerBox

LIMIT = 4_000


def asked(command: str, cwd: str = "/workspace", **more: object) -> Action:
    call = ToolCall("c", "shell", {"command": command, **more})
    return Action(new_id(), "s", "t", "r", call, cwd, "box")


async def ran(action: Action, box: DockerBox) -> tuple[int | None, str, int]:
    done = finish_fresh(action, await run_fresh(action, box, LIMIT), LIMIT)
    assert done.error == ""
    return done.status, done.output, done.omitted


@pytest.mark.parametrize(
    "command", ["ls; id", "ls > x", "ls $X", "cd x", "ls\n", "", "X=1 ls", "ls | wc"]
)
def test_what_no_rule_can_allow_is_never_run(command: str) -> None:
    with pytest.raises(TransitionRefused):
        argv_of(asked(command))


def test_a_command_for_another_window_is_never_run_here() -> None:
    with pytest.raises(TransitionRefused):
        argv_of(asked("ls", window="server"))


@pytest.mark.docker
async def test_status_and_both_outputs_come_back(box: DockerBox, workspace: Path) -> None:
    (workspace / "tool.py").write_text(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(75)\n"
    )
    status, output, omitted = await ran(asked("python3 -u tool.py"), box)
    assert (status, output, omitted) == (75, "out\nerr\n", 0)
    assert (await ran(asked("ls /nothing"), box))[0] == 2
    assert (await ran(asked("no-such-program"), box))[0] == 127
    assert (await ran(asked("ls", "/gone"), box))[0] == 125


@pytest.mark.docker
async def test_a_long_output_keeps_its_ends(box: DockerBox) -> None:
    status, output, omitted = await ran(asked("seq 1 200000"), box)
    assert status == 0
    assert output.startswith("1\n2\n3\n")
    assert output.endswith("199999\n200000\n")
    assert len(output) < LIMIT + 60
    assert omitted > 1_000_000
    status, output, omitted = await ran(asked("seq 1 3000"), box)
    assert (output[:4], output[-5:]) == ("1\n2\n", "3000\n")
    assert omitted == len("".join(f"{n}\n" for n in range(1, 3001))) - LIMIT


@pytest.mark.docker
async def test_what_it_prints_is_heard_while_it_runs(box: DockerBox, workspace: Path) -> None:
    (workspace / "slow.py").write_text("print('begun é')\nopen('gate').read()\nprint('over')\n")
    await box.exec(["mkfifo", "/workspace/gate"])
    pieces: list[bytes] = []
    begun = asyncio.Event()

    def heard(piece: bytes) -> None:
        pieces.append(piece)
        begun.set()

    action = asked("python3 -u slow.py")
    running = asyncio.create_task(run_fresh(action, box, LIMIT, heard))
    await asyncio.wait_for(begun.wait(), 30)
    assert b"".join(pieces).startswith("begun é".encode())
    assert not running.done()
    await box.exec(["bash", "-c", "echo >/workspace/gate"])
    done = finish_fresh(action, await running, LIMIT)
    assert (done.status, done.output) == (0, "begun é\nover\n")
    assert b"".join(pieces) == "begun é\nover\n".encode()


@pytest.mark.docker
async def test_an_action_runs_once(box: DockerBox, workspace: Path) -> None:
    action = asked("mkdir made")
    assert (await ran(action, box))[0] == 0
    again = finish_fresh(action, await run_fresh(action, box, LIMIT), LIMIT)
    assert again.error == (
        "Nothing ran. This action was claimed before; it was not done a second time."
    )
    assert (workspace / "made").is_dir()


@pytest.mark.docker
async def test_it_is_found_again_while_it_runs_and_when_it_is_over(
    box: DockerBox, workspace: Path
) -> None:
    (workspace / "wait.py").write_text(
        "open('gate').read()\nprint('through')\nraise SystemExit(3)\n"
    )
    (await box.exec(["mkfifo", "/workspace/gate"]))
    action = asked("python3 wait.py")
    running = asyncio.create_task(run_fresh(action, box, LIMIT))
    await box.exec(["bash", "-c", "until pgrep -f wait.py; do :; done"])
    asking = asyncio.create_task(recall_fresh(action, box))
    await box.exec(["bash", "-c", "until pgrep -f 'tail --pid'; do :; done"])
    assert not asking.done()
    await box.exec(["bash", "-c", "echo >/workspace/gate"])
    found = (await asking).result
    assert isinstance(found, ExecResult)
    done = finish_fresh(action, found, LIMIT)
    assert (done.ended, done.status, done.output) == (Ended.FINISHED, 3, "through\n")
    assert finish_fresh(action, await running, LIMIT) == done


@pytest.mark.docker
async def test_what_never_started_never_will(box: DockerBox, workspace: Path) -> None:
    action = asked("mkdir made")
    memory = await recall_fresh(action, box)
    assert not memory.started
    done = finish_fresh(action, await run_fresh(action, box, LIMIT), LIMIT)
    assert "Nothing ran" in done.error
    assert not (workspace / "made").exists()


SECRETS = [".env", ".env.local", "a/server.PEM", "secrets.json", "id_rsa", "a/credentials.yaml"]


@pytest.mark.docker
async def test_a_search_leaves_out_what_often_holds_secrets_unless_it_is_named(
    box: DockerBox, workspace: Path
) -> None:
    (workspace / "a").mkdir()
    for name in [*SECRETS, "open.py", "a/open.json"]:
        (workspace / name).write_text("token = 1\n")

    async def found(**arguments: object) -> set[str]:
        call = ToolCall("c", "search_files", {"pattern": "token", **arguments})
        action = Action(new_id(), "s", "t", "r", call, "/workspace", "box")
        done = await SearchFiles().perform(action, box)
        lines = done.output.splitlines()
        return {line.split(":")[0].removeprefix("./") for line in lines if ":" in line}

    assert await found() == {"open.py", "a/open.json"}
    assert await found(glob="*.json") == {"a/open.json"}
    assert await found(path="secrets.json") == {"secrets.json"}
    assert await found(glob=".env") == {".env"}


@pytest.mark.parametrize("glob", [".env", "*", ".*", "*.pem", "*.env", "*.{py,pem}", "id_rsa",
                                  "secrets.json", "**/.env", "!x", "[.]env", "?env"])  # fmt: skip
def test_a_search_that_names_hidden_files_waits(glob: str) -> None:
    call = ToolCall("c", "search_files", {"pattern": "x", "glob": glob})
    action = Action("a", "s", "t", "r", call, "/workspace", "box")
    place = Place("search_files", "/workspace", below=True)
    rule = Rule("r", Outcome.ALLOW, place, Scope.WORKSPACE, 0.0)
    assert allowing(action, [rule], resolved="/workspace") is None
    assert judge(action, mode="contained", resolved="/workspace").outcome is None
    openly = replace(action, call=replace(call, arguments={"pattern": "x", "glob": "*.py"}))
    assert allowing(openly, [rule], resolved="/workspace") is rule


@pytest.mark.parametrize("name", [*SECRETS, ".netrc", "x.key", "secret", ".npmrc"])
def test_the_globs_mean_what_the_names_mean(name: str) -> None:
    assert is_secret(name)
    last = name.rpartition("/")[2].lower()
    assert any(fnmatchcase(last, glob) for glob in SECRET_GLOBS)
