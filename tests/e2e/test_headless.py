"""`pocketcoder run` and `log` as programs use them: the real box, a model of the test's."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

import pytest

from tests.e2e.program import Home
from tests.support.gemini_server import BAD_KEY, GeminiServer, call, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

MAKE = {"command": "printf 'made\\n' > made.txt"}


async def start(home: Home, *words: str, stdin: int | None = None) -> Process:
    """Begin `pocketcoder WORDS` in the home's workspace."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pocketcoder_tui", *words,
        stdin=stdin, stdout=PIPE, stderr=PIPE, env=home.env, cwd=home.workspace, limit=1 << 24,
    )  # fmt: skip


async def told(home: Home, *words: str) -> tuple[int, str, str]:
    """Run it to its end: status, output, and what is beside it."""
    process = await start(home, *words)
    out, beside = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), beside.decode()


async def until(process: Process, kind: str) -> dict[str, Any]:
    """Read lines of JSON until an event of a kind."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        event: dict[str, Any] = json.loads(line).get("event", {})
        if event.get("kind") == kind:
            return event
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())


async def test_an_action_is_answered_from_another_terminal_and_the_end_is_a_status(
    home: Home, server: GeminiServer
) -> None:
    server.script = [[call("shell", MAKE), finish()], [text("It is made."), finish()]]
    process = await start(home, "run", "--json", "make it")
    assert process.stdout is not None
    head = json.loads(await process.stdout.readline())
    assert head["schema"] == 1
    assert head["session"]["workspace"] == str(home.workspace)
    waiting = await until(process, "action_waiting")
    assert not (home.workspace / "made.txt").exists()
    status, out, _ = await told(home, "approvals", "allow", waiting["action_id"][-8:])
    assert (status, "Allowed" in out) == (0, True)
    ended = await until(process, "action_ended")
    assert ended["execution"]["status"] == 0
    rest = (await process.stdout.read()).decode().splitlines()
    assert json.loads(rest[-1]) == {"end": {"status": 0}}
    assert await process.wait() == 0
    assert (home.workspace / "made.txt").read_text() == "made\n"

    status, out, beside = await told(home, "log")
    assert (status, out) == (0, "It is made.\n")
    assert [word in beside for word in ("> make it", "allowed by person", "exit 0")] == [True] * 3
    assert MAKE["command"] in beside
    status, out, _ = await told(home, "log", "--json")
    events = [json.loads(line)["event"] for line in out.splitlines()[1:]]
    assert [event["outcome"] for event in events if event["kind"] == "turn_ended"] == ["done"]


async def test_standard_input_goes_along_and_only_the_answer_is_on_standard_output(
    home: Home, server: GeminiServer
) -> None:
    server.script = [[text("Six lines, \x1b[2Jno error."), finish()]]
    process = await start(home, "run", "What is in this log?", "-", stdin=PIPE)
    out, beside = await process.communicate(b"one\ntwo\n")
    assert process.returncode == 0
    assert out.decode().startswith("Six lines, ")
    assert b"\x1b" not in out
    sent = server.requests[-1]["contents"][-1]["parts"][-1]["text"]
    assert sent.endswith("What is in this log?\n\none\ntwo\n")
    assert b"> What is in this log?" in beside


async def test_a_mode_lets_it_work_alone_and_it_stays_the_session_s(
    home: Home, server: GeminiServer
) -> None:
    server.script = [
        [call("shell", {"command": "ls -1"}), finish()],
        [text("Nothing here."), finish()],
    ]
    status, out, beside = await told(home, "run", "--mode", "contained", "look")
    assert (status, out) == (0, "Nothing here.\n")
    assert "allowed by mode contained" in beside
    server.script = [[call("shell", MAKE), finish()], [text("Here is a plan."), finish()]]
    status, out, beside = await told(home, "run", "--continue", "--mode", "plan", "do it")
    assert (status, out) == (0, "Here is a plan.\n")
    assert "denied by mode plan" in beside
    assert not (home.workspace / "made.txt").exists()


async def test_who_ends_it_leaves_what_waits_and_it_can_be_taken_up(
    home: Home, server: GeminiServer
) -> None:
    server.script = [[call("shell", MAKE), finish()], [text("It is made."), finish()]]
    process = await start(home, "run", "--json", "make it")
    waiting = await until(process, "action_waiting")
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 143
    assert not (home.workspace / "made.txt").exists()
    again = await start(home, "run", "--json", "--continue", "go on")
    await until(again, "message_queued")
    status, _, beside = await told(home, "approvals", "allow", waiting["action_id"][-8:])
    assert status == 0, beside
    assert await until(again, "turn_ended")
    assert await again.wait() == 0
    assert (home.workspace / "made.txt").read_text() == "made\n"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("run",), 2, "usage"),
        (("run", "-", "-"), 2, "standard input can be read once"),
        (("run", "  "), 2, "nothing to say"),
        (("run", "--timeout", "0", "x"), 2, "not a number of seconds"),
        (("run", "--in", "nowhere", "x"), 1, "There is no folder"),
        (("run", "hello"), 1, "key"),
        (("log", "--follow"), 1, "No pocketcoder works in this folder."),
        (("log",), 0, "There is no session in this folder yet."),
    ],
)
async def test_what_cannot_be_done_is_a_sentence_and_a_status(
    home: Home, server: GeminiServer, words: tuple[str, ...], status: int, sentence: str
) -> None:
    server.script = [{"status": 400, "json": BAD_KEY}]
    seen, out, beside = await told(home, *words)
    assert (seen, sentence in out + beside) == (status, True), out + beside
    assert "Traceback" not in beside


async def test_the_time_is_up(home: Home, server: GeminiServer) -> None:
    server.script = [[text("It begins"), {"do": "stall"}]]
    status, out, beside = await told(home, "run", "--timeout", "3", "go")
    assert (status, out) == (124, "It begins\n")
    assert "You stopped the turn." in beside


async def test_a_session_is_followed_while_it_works(home: Home, server: GeminiServer) -> None:
    server.script = [
        [text("I begin. "), {"do": "wait", "event": "go"}, text("It is over."), finish()]
    ]
    working = await start(home, "run", "begin")
    await server.stalled.wait()
    following = await start(home, "log", "--follow", "--json")
    assert following.stdout is not None
    while "complete" not in json.loads(await following.stdout.readline()):
        pass
    server.event("go").set()
    assert (await until(following, "turn_ended"))["outcome"] == "done"
    await asyncio.gather(working.communicate(), following.communicate())
    assert (working.returncode, following.returncode) == (0, 0)
