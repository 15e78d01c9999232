"""Rules and modes in a real terminal: made with a key, at work beside a shell that was prepared."""

import asyncio
import json
import sys

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

POISON = "alias ls='touch pwned; echo PWN #'; ls() { touch pwned; echo PWN; }"


async def test_a_rule_from_the_pane_runs_the_next_one_unasked_and_unpoisoned(
    home: Home, server: GeminiServer
) -> None:
    (home.workspace / "a.txt").write_text("x\n")
    server.script = [
        [call("shell", {"command": "ls -1 a.txt"}), finish()],
        [call("shell", {"command": POISON}), finish()],
        [call("shell", {"command": "ls -1 a.txt"}), finish()],
        [call("shell", {"command": "ls -1 ."}), finish()],
        [text("All done."), finish()],
        [call("shell", {"command": "ls -1 a.txt; touch planned"}), finish()],
        [text("Here is my plan."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "look")
        await press_decision(shown, "a", "this workspace")
        assert '{"allow":{"argv":["ls","-1","a.txt"],"cwd":"/workspace"}}' in shown.text
        shown.press("w")
        await shown.until("alias ls=")
        await press_decision(shown, "y", "ls -1 .")
        await shown.until("allowed by rule")
        await press_decision(shown, "n", "All done.")
        assert not (home.workspace / "pwned").exists()
        answers = [r for request in server.requests for r in results_of(request)]
        by_rule = [r for r in answers if "fresh process" in str(r["response"])]
        assert by_rule
        assert by_rule[-1]["response"]["output"] == "a.txt\n"

        shown.press("BTab")
        await shown.until("contained mode: runs without asking")
        shown.press("BTab")
        await shown.until("plan mode: only looks")
        await ask(shown, "now plan")
        await shown.until("Here is my plan.")
        assert "Plan mode" in str(results_of(server.requests[-1])[-1]["response"])
        assert not (home.workspace / "planned").exists()

        argv = [sys.executable, "-m", "pocketcoder_tui", "rules", "--json", str(home.workspace)]
        listed = await asyncio.create_subprocess_exec(
            *argv, env=home.env, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await listed.communicate()
        [rule] = json.loads(said)["rules"]
        assert rule["used"] == 1
        shown.press("F7")
        await shown.until("It decided once.")
