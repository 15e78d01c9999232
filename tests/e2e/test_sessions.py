"""Sessions in a real terminal: another one is opened without leaving, nothing of either is lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pocketcoder_tui.ledger import shelving
from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import Screen
from tests.engine.exports.stories import EVIL, hostile
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


async def new_session(shown: Screen) -> None:
    """From the open session to a new one."""
    shown.press("C-o")
    await shown.until("Enter go there")
    shown.press("n")
    seen = await shown.until(lambda text: "The agent works in a box" in text or "y yes" in text)
    if "y yes" in seen:
        shown.press("y")
        await shown.until("The agent works in a box")


async def to_session(shown: Screen, title: str) -> None:
    """To a session that is found by its title."""
    shown.press("C-o")
    await shown.until("Enter go there")
    shown.press("/")
    shown.type(title)
    await shown.until(lambda seen: f"▌ {title}" in seen)
    shown.press("Enter")


def listed(home: Home, *words: str) -> str:
    """What `pocketcoder sessions WORDS` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pocketcoder_tui", "sessions", *words],
        cwd=home.workspace,
        env=home.env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def dispatches(home: Home) -> int:
    [ledger] = (home.folder / "state").glob("pocketcoder/*/ledger.db")
    with closing(sqlite3.connect(ledger)) as rows:
        return int(rows.execute("select count(*) from dispatch").fetchone()[0])


async def test_from_one_session_to_another_and_back(home: Home, server: GeminiServer) -> None:
    server.script = [
        [text("The first answer."), finish()],
        [text("The second answer."), finish()],
        [text("The third answer."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "alpha question")
        await shown.until("The first answer.")
        await new_session(shown)
        await ask(shown, "beta question")
        await shown.until("The second answer.")
        assert "The first answer." not in shown.text
        # Another program reads meanwhile, and is told who works here.
        assert "alpha question" in listed(home)
        assert "The first" in listed(home, "search", "first", "answer")
        await to_session(shown, "alpha question")
        await shown.until("The first answer.")
        await ask(shown, "and again")
        await shown.until("The third answer.")
        told = [part["text"] for c in server.requests[-1]["contents"] for part in c["parts"]]
        assert told == ["alpha question", "The first answer.", "and again"]
        shown.press("C-q")
        await shown.until("ended with 0")
    assert listed(home).count("question") == 2


async def test_what_waits_and_what_runs_is_there_when_one_comes_back(
    home: Home, server: GeminiServer
) -> None:
    slow = 'until [ -e go ]; do :; done; echo "over $((6 * 7))"'
    server.script = [
        [call("shell", {"command": slow}), call("shell", {"command": "echo waits"}), finish()],
        [text("Elsewhere."), finish()],
        [text("Seen both."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "two commands")
        await shown.until("Waiting for you · 2")
        await press_decision(shown, "y", "Waiting for you · 1")
        await shown.until("running")
        await new_session(shown)
        await ask(shown, "beta")
        await shown.until("Elsewhere.")
        (home.workspace / "go").touch()
        await to_session(shown, "two commands")
        await shown.until("Waiting for you · 1")
        await shown.until("exit 0")
        await press_decision(shown, "y", "Seen both.")
        first, second = results_of(server.requests[-1])
        assert "over 42" in first["response"]["output"]
        assert second["response"]["output"].strip() == "waits"
    assert dispatches(home) == 2


async def test_killed_after_going_to_another_session_both_are_whole(
    home: Home, server: GeminiServer
) -> None:
    server.script = [[text("The first answer."), finish()], [text("The second answer."), finish()]]
    async with home.started() as shown:
        await ask(shown, "alpha question")
        await shown.until("The first answer.")
        await new_session(shown)
        await ask(shown, "beta question")
        await shown.until("The second answer.")
        os.kill(shown.programs[0], signal.SIGKILL)
        await shown.until("ended with 137")
    [line] = [line for line in listed(home).splitlines() if "alpha" in line]
    async with home.started("--resume", line.split()[0]) as shown:
        await shown.until("The first answer.")
        await to_session(shown, "beta question")
        await shown.until("The second answer.")


async def test_a_small_terminal_and_a_hostile_session(home: Home, tmp_path: Path) -> None:
    header = json.dumps({"format": shelving.FORMAT, "version": 1, "session": EVIL})
    file = tmp_path / "evil.jsonl"
    file.write_text("\n".join([header, *map(shelving.encode, hostile())]))
    listed(home, "import", str(file))
    async with home.started(size=(40, 12)) as shown:
        await shown.until("box ready")
        shown.press("C-o")
        seen = await shown.until("▌ </pre>")
        assert "Esc back" in seen
        shown.press("/")
        shown.type("Turn 99")
        await shown.until("you wrote:")
        shown.press("Enter")
        await shown.until("<U+202E>gnp.exe <U+009B>31m")
        assert shown.flag("alternate_on") == "1"
        shown.press("C-o")
        await shown.until("▌ </pre>")
        shown.press("d")
        await shown.until("This session is open")
        shown.press("Escape", "C-q")
        await shown.until("ended with 0")
        assert "Traceback" not in shown.text
