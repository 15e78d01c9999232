"""Commands that go on, as a person meets them: a server, a prompt, a half-typed line."""

import json

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.support.gemini_server import GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


async def test_a_server_runs_beside_the_work_and_is_stopped(
    home: Home, server: GeminiServer
) -> None:
    serve = {"command": "echo serving; exec sleep 1000", "window": "web", "limit_seconds": 1.0}
    server.script = [
        [call("shell", serve), finish()],
        [call("shell", {"command": "echo beside it"}), finish()],
        [call("shell_interrupt", {"window": "web"}), finish()],
        [text("All stopped."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "serve it")
        await press_decision(shown, "y", "echo beside it")
        [told] = results_of(server.requests[1])
        assert told["response"]["still_running"] is True
        assert told["response"]["output"] == "serving\n"
        await press_decision(shown, "y", "C-c in web")
        await press_decision(shown, "y", "All stopped.")
        [stopped] = results_of(server.requests[3])
        assert "The shell ended with it" in stopped["response"]["note"]
        shown.press("F4")
        await shown.until("No program runs in the box")
        shown.press("Escape")


async def test_one_key_leads_to_the_prompt_that_needs_you(home: Home, server: GeminiServer) -> None:
    asks = {"command": "read -p 'name? ' x; echo got $x", "window": "second"}
    server.script = [
        [call("shell", asks), finish()],
        [text("I leave that to you."), finish()],
        [text("I see."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "ask me")
        await press_decision(shown, "y", "I leave that to you.")
        await shown.until("needs you: read -p")
        shown.press("C-t")
        await shown.until("detach: C-b d")
        shown.type("Ada")
        shown.press("Enter")
        await shown.until("got Ada")
        shown.type("echo 'mine too'")
        shown.press("Enter")
        await shown.until("\nmine too")
        shown.press("C-b")
        shown.press("d")
        await shown.until("you ran echo 'mine too'")
        await shown.until("exit 0")
        await ask(shown, "what happened?")
        await shown.until("I see.")
        said = json.dumps(server.requests[-1]["contents"])
        assert "is over: exit status 0" in said
        assert "the person ran `echo 'mine too'`" in said


async def test_a_half_typed_line_holds_a_command_until_a_key_clears_it(
    home: Home, server: GeminiServer
) -> None:
    server.script = [
        [call("shell", {"command": "echo first"}), finish()],
        [call("shell", {"command": "echo second > made"}), finish()],
        [text("Done."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "go")
        await press_decision(shown, "y", "echo second")
        shown.press("C-t")
        await shown.until("detach: C-b d")
        shown.type("rm -rf half")
        await shown.until("$ rm -rf half")
        shown.press("C-b")
        shown.press("d")
        await press_decision(shown, "y", "held: Something is half typed")
        assert not (home.workspace / "made").exists()
        shown.press("C-l")
        await shown.until("Done.")
        assert (home.workspace / "made").read_text() == "second\n"
