"""The whole path in a real terminal: only the model is scripted, all else is real."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import Screen, screen
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


def program(shown: Screen) -> int:
    """The program's own process id: the only child of the pane's shell."""
    return shown.programs[0]


def line_settings(shown: Screen) -> str:
    """The terminal's line settings as stty prints them."""
    argv = ["stty", "-F", shown.flag("pane_tty"), "-a"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


async def test_asked_allowed_and_done(home: Home, server: GeminiServer) -> None:
    write = "echo 'hello box' > made.txt; cat made.txt"
    server.script = [
        [call("shell", {"command": write}), finish()],
        [text("I made **the file**."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "make a file")
        await shown.until("made.txt")
        assert not (home.workspace / "made.txt").exists()
        await press_decision(shown, "y", "I made the file.")
        assert (home.workspace / "made.txt").read_text() == "hello box\n"
        [answer] = results_of(server.requests[-1])
        assert "hello box" in answer["response"]["output"]
        await shown.until("exit 0")


async def test_denied_with_a_reason(home: Home, server: GeminiServer) -> None:
    server.script = [
        [call("shell", {"command": "touch should-not-be"}), finish()],
        [text("As you wish."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "touch it")
        await press_decision(shown, "r", "Enter denies")
        shown.type("not on a Sunday")
        shown.press("Enter")
        await shown.until("As you wish.")
        assert not (home.workspace / "should-not-be").exists()
        [answer] = results_of(server.requests[-1])
        assert "not on a Sunday" in answer["response"]["error"]


async def test_two_calls_are_two_rows(home: Home, server: GeminiServer) -> None:
    server.script = [
        [
            call("shell", {"command": "echo one > one"}),
            call("shell", {"command": "echo two > two"}),
            finish(),
        ],
        [text("Both told."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "do two things")
        await shown.until("Waiting for you · 2")
        await press_decision(shown, "n", "Waiting for you · 1")
        assert not (home.workspace / "one").exists()
        await press_decision(shown, "y", "Both told.", go=False)
        assert (home.workspace / "two").read_text() == "two\n"
        assert not (home.workspace / "one").exists()
        first, second = results_of(server.requests[-1])
        assert "denied" in first["response"]["error"]
        assert second["response"]["exit_status"] == 0


async def test_an_edit_is_shown_as_a_diff(home: Home, server: GeminiServer) -> None:
    (home.workspace / "cart.py").write_text("total = 1\n")
    arguments = {"path": "cart.py", "old_text": "total = 1", "new_text": "total = 2"}
    server.script = [[call("edit_file", arguments), finish()], [text("Edited."), finish()]]
    async with home.started() as shown:
        await ask(shown, "edit it")
        await shown.until("+total = 2")
        await press_decision(shown, "y", "Edited.")
    assert (home.workspace / "cart.py").read_text() == "total = 2\n"


async def test_killed_during_a_command_the_result_is_there(
    home: Home, server: GeminiServer
) -> None:
    slow = 'echo begun; until [ -e go ]; do :; done; echo "over $((6 * 7))"'
    server.script = [[call("shell", {"command": slow}), finish()], [text("Seen."), finish()]]
    async with home.started() as shown:
        await ask(shown, "take your time")
        await press_decision(shown, "y", "running")
        await shown.until("begun")
        os.kill(program(shown), signal.SIGKILL)
        await shown.until("ended with 137")
    (home.workspace / "go").touch()
    async with home.started("--continue") as shown:
        await shown.until("Seen.")
        await shown.until("exit 0")
        [answer] = results_of(server.requests[-1])
        assert "over 42" in answer["response"]["output"]
        assert "begun" in answer["response"]["output"]
    [ledger] = (home.folder / "state").glob("pocketcoder/*/ledger.db")
    with sqlite3.connect(ledger) as rows:
        assert rows.execute("select count(*) from dispatch").fetchone() == (1,)


async def test_no_network_keeps_what_was_typed(home: Home) -> None:
    home.env["POCKETCODER_GEMINI_BASE_URL"] = "http://127.0.0.1:9"
    async with home.started() as shown:
        await ask(shown, "are you there")
        await shown.until("cannot be reached")
        assert "are you there" in shown.text
        assert "Traceback" not in shown.text


RESTORED = {"alternate_on": "0", "mouse_any_flag": "0", "cursor_flag": "1"}


def assert_restored(shown: Screen) -> None:
    """Main screen, cursor shown, no mouse reports, and a line discipline that echoes."""
    assert {name: shown.flag(name) for name in RESTORED} == RESTORED
    line = line_settings(shown)
    assert " echo " in line
    assert " icanon " in line


@pytest.mark.parametrize("way", ["quit", "sigterm"])
async def test_the_terminal_is_restored(home: Home, way: str) -> None:
    async with home.started() as shown:
        await shown.until("box ready")
        assert shown.flag("alternate_on") == "1"
        if way == "quit":
            shown.press("C-q")
        else:
            os.kill(program(shown), signal.SIGTERM)
        await shown.until("ended with")
        assert_restored(shown)


async def test_the_terminal_is_restored_after_a_defect(home: Home) -> None:
    argv = [sys.executable, "-m", "tests.e2e.faulty"]
    async with screen(home.folder, argv, home.env, cwd=Path.cwd()) as shown:
        await shown.until("write to the agent")
        shown.press("F1")
        seen = await shown.until("ended with 1")
        assert "an error of its own" in seen
        assert "Traceback" not in seen
        assert "a secret value" not in seen
        assert_restored(shown)


async def test_a_terminal_that_goes_away_ends_the_program(home: Home, server: GeminiServer) -> None:
    """A closed window, or an ssh line that dropped: the session is free to be taken up."""
    server.script = [[call("shell", {"command": "echo hi"}), finish()], [text("Done."), finish()]]
    async with home.started() as shown:
        await ask(shown, "say hi")
        await shown.until("Waiting for you · 1")
        assert shown.programs
    async with home.started("--continue") as shown:
        await press_decision(shown, "y", "Done.")
