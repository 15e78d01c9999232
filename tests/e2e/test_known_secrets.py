"""The secrets that the program knows, when they lie in plain sight in the workspace.

A file that nothing hides holds them, and the agent reads it in every way that it has. The box has
them then; nothing of it may be stored, sent or shown. An unknown word beside each goes through.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.canaries import canary, sightings, sinks_of_the_host
from tests.e2e.program import Home, pocketcoder
from tests.e2e.screen import screen
from tests.support.gemini_server import Chunk, GeminiServer, call, finish, results_of, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

KNOWN = (
    "GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "POCKETCODER_LOCAL_SECRET",
    "password of an address", "token of an address", "password of a proxy",
)  # fmt: skip

WAYS = """
grep --color=always '[0-9]' notes.txt
width=$(stty size | cut -d' ' -f2)
while read -r line; do
    echo "plain $line"
    printf '%s' "${line:0:9}"; sleep 0.05; printf '%s\\n' "${line:9}"
    printf '\\033[1m%s\\033[31m%s\\033[0m\\n' "${line:0:7}" "${line:7}"
    printf '%*s%s\\n' "$((width - 10))" "" "$line"
done <notes.txt
"""
"""Prints each at once, in two pieces, in two colours, over the edge of the screen."""
ENDLESS = "bash ways.sh; read -r answer"


@pytest.fixture
async def server() -> Any:
    """A model that takes whatever key it is given."""
    async with GeminiServer([[text("fine"), finish()]], key="") as made:
        yield made


@pytest.fixture
def known(home: Home) -> dict[str, str]:
    """What the program is told, by settings and environment; all of it in the workspace too."""
    found = {what: canary(number) for number, what in enumerate(KNOWN)}
    home.env |= {name: found[name] for name in KNOWN[:4]}
    home.env["POCKETCODER_OPENAI_BASE_URL"] = f"http://dana:{found[KNOWN[4]]}@127.0.0.1:9/v1"
    home.env["POCKETCODER_ANTHROPIC_BASE_URL"] = f"http://{found[KNOWN[5]]}@127.0.0.1:9"
    home.env["HTTPS_PROXY"] = f"http://dana:{found[KNOWN[6]]}@127.0.0.1:9"
    return found


def plant(workspace: Path, secrets: list[str], own: str) -> None:
    lines = [word for secret in secrets for word in (secret, own)]
    (workspace / "notes.txt").write_text("\n".join([*lines, "middle", *lines]) + "\n")
    (workspace / "ways.sh").write_text(WAYS)


def results(server: GeminiServer) -> list[Chunk]:
    """What the model was told of its calls in the longest of the sessions."""
    longest = max(server.requests, key=lambda request: len(request["contents"]))
    return [r for said in longest["contents"] for r in results_of({"contents": [said]})]


def asked(tool: str, **arguments: Any) -> list[Chunk]:
    return [call(tool, arguments), finish()]


async def run_and_allow(home: Home, text: str, typed: str) -> bytes:
    """`run --json` to its end; the first action waits until a person typed something beside it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pocketcoder_tui", "run", "--json", text,
        stdout=PIPE, stderr=PIPE, env=home.env, cwd=home.workspace, limit=1 << 24,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    said = b""
    while line := await process.stdout.readline():
        said += line
        event = json.loads(line).get("event", {})
        if event.get("kind") == "action_waiting":
            if typed:
                said += await type_beside(home, typed)
                typed = ""
            id = event["action_id"]
            shown = await asyncio.to_thread(pocketcoder, home, "approvals", "show", id)
            done = await asyncio.to_thread(pocketcoder, home, "approvals", "allow", id)
            said += (shown.stdout + shown.stderr + done.stdout + done.stderr).encode()
    return said + await process.stderr.read()


async def type_beside(home: Home, line: str) -> bytes:
    """A person attaches and types in the agent's shell; what they see there is the box's own."""
    below = home.folder / "beside"
    below.mkdir()
    argv = [sys.executable, "-m", "pocketcoder_tui", "attach", str(home.workspace)]
    async with screen(below, argv, home.env) as other:
        await other.until(lambda seen: "$" in seen and "detach" in seen)
        other.type(f"{line}; echo it is $((40 + 2)) now")
        other.press("Enter")
        await other.until("it is 42 now")
        other.press("C-b")
        other.press("d")
        await other.until("ended with 0")
    return b""


async def test_a_known_secret_in_an_open_file_goes_no_further(
    home: Home, server: GeminiServer, known: dict[str, str]
) -> None:
    own = canary(99)
    plant(home.workspace, list(known.values()), own)
    complaints = [
        {"status": 400, "json": {"error": {"code": 400, "status": "INVALID_ARGUMENT",
         "message": f"Not with {secret} and {own}."}}} for secret in known.values()
    ]  # fmt: skip
    server.script = [
        asked("shell", command="cat notes.txt; bash ways.sh"),
        asked("read_file", path="notes.txt"),
        asked("search_files", pattern="cAnarY"),
        asked("edit_file", path="notes.txt", old_text="middle", new_text="centre"),
        asked("shell", command=ENDLESS),
        asked("screen"),
        asked("shell_interrupt"),
        asked("shell", command="cat notes.txt"),
        *complaints,
    ]
    made = pocketcoder(home, "rules", "add", "cat notes.txt")
    assert made.returncode == 0, made.stderr
    said = await run_and_allow(home, "read it", "bash ways.sh")
    for _ in complaints[1:]:
        said += await run_and_allow(home, "and now?", "")
    sinks = await asyncio.to_thread(sinks_of_the_host, home)
    del sinks["diff"]  # the folder's own content, for the person who asks for it
    sinks["run --json"] = said
    sinks["what the model was sent"] = json.dumps(server.requests).encode()
    found = {place: sightings(sinks, secret) for place, secret in known.items()}
    assert {place: where for place, where in found.items() if where} == {}
    seen = sightings(sinks, own)
    for sink in ("the ledger's values", "what the model was sent", "run --json", "log --json"):
        assert f"plain in {sink}" in seen
    [rows] = [r["response"]["output"] for r in results(server) if r["name"] == "screen"]
    assert f" {own[:10]}\n{own[10:]}\n" in rows
