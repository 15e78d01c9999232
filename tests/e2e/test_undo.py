"""The undo and the try in a real terminal, with a real box: only the model is scripted."""

import json

import pytest

from pocketcoder_tui.sandbox.engine import connect
from tests.e2e.program import Home, ask, pocketcoder, press_decision
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


def containers() -> int:
    """Throw-away containers; the box's own is none."""
    api = connect()
    try:
        return len(api.containers(all=True, filters={"label": "org.pocketcoder.owner"}))
    finally:
        api.close()


async def test_a_command_is_tried_then_allowed_then_undone(
    home: Home, server: GeminiServer
) -> None:
    (home.workspace / "keep.txt").write_text("old\n")
    (home.workspace / "keep.txt").chmod(0o640)
    command = "echo new > keep.txt; mkdir -p sub && echo hi > sub/made.txt; rm -rf gone"
    (home.workspace / "gone").mkdir()
    server.script = [
        [call("shell", {"command": command}), finish()],
        [text("I changed it."), finish()],
        [text("So I see."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "change it")
        await press_decision(shown, "t", "It ended with status 0")
        seen = await shown.until("sub/made.txt")
        assert "Nothing was decided" in seen
        assert (home.workspace / "keep.txt").read_text() == "old\n"
        assert not (home.workspace / "sub").exists()
        shown.press("Escape")
        await shown.until("y allow once")
        shown.press("y")
        await shown.until("I changed it.")
        await shown.until("3 files: gone, keep.txt")
        assert (home.workspace / "sub" / "made.txt").read_text() == "hi\n"
        shown.press("F6")
        await shown.until("y brings it back")
        await shown.until("+old")
        shown.press("y")
        await shown.until("you undid run")
        assert (home.workspace / "keep.txt").read_text() == "old\n"
        assert (home.workspace / "keep.txt").stat().st_mode & 0o777 == 0o640
        assert (home.workspace / "gone").is_dir()
        assert not (home.workspace / "sub").exists()
        diff = pocketcoder(home, "diff", "2")
        assert "+new" in diff.stdout, diff.stderr
        assert "F6 there" in pocketcoder(home, "undo", "--yes").stderr
        await ask(shown, "and now?")
        await shown.until("So I see.")
        assert "The person undid changes" in json.dumps(server.requests[-1])
        shown.press("C-q")
        await shown.until("ended with 0")
    assert len(results_of(server.requests[1])) == 1
    assert containers() == 0
    assert not (
        next(iter((home.folder / "state" / "pocketcoder").glob("shop-*"))) / "trials"
    ).exists()
    undone = pocketcoder(home, "undo", "2", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert (home.workspace / "sub" / "made.txt").read_text() == "hi\n"
    assert "before undo to 1" in pocketcoder(home, "checkpoints").stdout
    assert pocketcoder(home, "audit", "verify").returncode == 0


async def test_what_a_program_plants_for_the_host_waits_for_the_person(
    home: Home, server: GeminiServer
) -> None:
    plant = "f=.en; f=${f}vrc; echo evil >$f; git init -q sub"
    server.script = [
        [call("shell", {"command": plant}), finish()],
        [text("It is held."), finish()],
        [text("Now it is there."), finish()],
    ]
    file = home.workspace / ".envrc"
    async with home.started() as shown:
        await ask(shown, "go")
        await press_decision(shown, "y", "It is held.")
        await shown.until("! sub/.git/config: git keeps its settings")
        await shown.until("your machine runs it later")
        assert not file.exists()
        listed = pocketcoder(home, "approvals", "list")
        assert "place  in /workspace  .envrc" in listed.stdout, listed.stderr + listed.stdout
        assert "direnv runs it when you enter the folder." in listed.stdout
        shown.press("C-y")
        await shown.until("Scroll to the end to decide")
        shown.press("Space")
        await shown.until("direnv runs it when")
        await press_decision(shown, "y", "put in place .envrc", go=False)
        assert file.read_text() == "evil\n"
        await ask(shown, "and now?")
        await shown.until("Now it is there.")
        told = json.dumps(server.requests[-1])
        assert "the person allowed the change" in told
        assert "put back" in told
