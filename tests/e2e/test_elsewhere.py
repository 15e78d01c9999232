"""The workbench with an engine behind SSH: the box has the workspace, the workspace its work."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketcoder_tui.sandbox.host import ThisHost
from tests.e2e.program import Home, ask, pocketcoder, press_decision
from tests.e2e.screen import Screen
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text
from tests.support.sshd import Sshd

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.fixture
def far(home: Home, tmp_path: Path) -> Iterator[Sshd]:
    """The engine of another machine, as far as anything here can tell."""
    with Sshd(tmp_path / "far") as made:
        home.env["DOCKER_HOST"] = made.url
        home.env["PATH"] = f"{made.program_folder()}:{home.env['PATH']}"
        yield made
        done = pocketcoder(home, "reset", "--yes")
        assert done.returncode == 0, done.stderr


def cut(far: Sshd) -> None:
    """End the way to the other machine, as a network that goes away does in the end."""
    found = subprocess.run(
        ["pgrep", "-f", f"ssh .*docker.sock.*-p {far.port} "],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for pid in found.stdout.split():
        os.kill(int(pid), signal.SIGKILL)


async def ask_without_box(shown: Screen, words: str) -> None:
    shown.type(words)
    await shown.until(words)
    shown.press("Enter")


async def test_work_on_another_machine_s_engine(
    home: Home, server: GeminiServer, far: Sshd
) -> None:
    (home.workspace / "keep.txt").write_text("old\n")
    (home.workspace / ".env").write_text("TOKEN=canary-in-the-file\n")
    plan = "cat keep.txt; cat .env; echo new >keep.txt; mkdir sub; echo hi >sub/made.txt"
    edit = {"path": "keep.txt", "old_text": "by hand", "new_text": "by the agent"}
    later = "(sleep 1; echo late >late.txt) & disown; echo begun"
    server.script = [
        [call("shell", {"command": plan}), finish()],
        [text("The first part is done."), finish()],
        [call("edit_file", edit), finish()],
        [call("shell", {"command": later}), finish()],
        [text("All of it is done."), finish()],
        [call("shell", {"command": "cat sub/made.txt; echo again >again.txt"}), finish()],
        [text("It is there again."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "do it")
        await press_decision(shown, "t", "It ended with status 0")
        await shown.until("sub/made.txt")
        assert not (home.workspace / "sub").exists()
        shown.press("Escape")
        await press_decision(shown, "y", "The first part is done.", go=False)
        assert (home.workspace / "keep.txt").read_text() == "new\n"
        assert (home.workspace / "sub" / "made.txt").read_text() == "hi\n"
        [result] = results_of(server.requests[1])
        assert result["response"]["output"].startswith("old\n")
        assert "canary-in-the-file" not in json.dumps(server.requests[-1])
        (home.workspace / "keep.txt").write_text("new, by hand\n")
        await ask(shown, "go on")
        await shown.until("new, by the agent")
        await press_decision(shown, "y", "run    (sleep 1")
        assert (home.workspace / "keep.txt").read_text() == "new, by the agent\n"
        await press_decision(shown, "y", "All of it is done.")
        late = home.workspace / "late.txt"
        async with asyncio.timeout(20):
            async for _ in ThisHost().changes(late):
                if late.exists():
                    break
        cut(far)
        await shown.until("no box")
        await ask_without_box(shown, "and now?")
        await press_decision(shown, "y", "It is there again.")
        assert (home.workspace / "again.txt").read_text() == "again\n"
        shown.press("F6")
        await shown.until("y brings it back")
        shown.press("y")
        await shown.until("you undid")
        shown.press("C-q")
        await shown.until("ended with 0")
    down = pocketcoder(home, "down")
    assert "is stopped" in down.stdout, down.stderr
    assert sorted(path.name for path in home.workspace.iterdir())[:2] == [".env", "keep.txt"]
