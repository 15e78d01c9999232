"""Secrets of the person's, each with a canary in it: where they must never be found.

They are looked for in six encodings; that the search finds them at all is shown by a canary of the
agent's own, printed by a command in the same encodings.
"""

import asyncio
import base64
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.labels import container_name
from tests.e2e.program import Home, ask, pocketcoder, press_decision
from tests.e2e.screen import Screen
from tests.support.gemini_server import GeminiServer, call, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

VARIABLES = (
    "GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN", "NPM_TOKEN", "PGPASSWORD", "SLACK_BOT_TOKEN", "DOCKER_AUTH_CONFIG",
    "DATABASE_URL",
)  # fmt: skip
HOME_FILES = (
    ".netrc", ".aws/credentials", ".ssh/id_ed25519", ".git-credentials", ".config/gh/hosts.yml",
    ".docker/config.json", ".pgpass",
)  # fmt: skip
HIDDEN = (".env", "id_rsa", "deploy/service-account-1.json", "secrets.yml", ".ssh/key")
SETTINGS = ("POCKETCODER_LOCAL_SECRET", "POCKETCODER_OPENAI_BASE_URL", "ELSEWHERE_TOKEN")
PLACES = (*VARIABLES, *HOME_FILES, *HIDDEN, *SETTINGS)

TRIES = """
env; printenv; cat .env id_rsa deploy/* secrets.yml .ssh/* 2>&1
cat ~/.netrc ~/.aws/* ~/.ssh/* ~/.git-credentials ~/.docker/* ~/.config/*/* 2>&1
for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' <$f; done 2>/dev/null
tmux -S /run/pocketcoder/tmux.sock show-environment -g; ls -la /run/pocketcoder/in; mount
find / -xdev -name '*.env' -exec cat {} + 2>/dev/null; cat /etc/passwd /proc/self/mountinfo
printf '\\033]2;%s\\007' "$(env)"
"""


def encodings(secret: bytes) -> dict[str, bytes]:
    """The secret as it may be written somewhere."""
    aligned = {
        f"base64 {n}": base64.b64encode(b"x" * n + secret)[4 if n else 0 : -4] for n in range(3)
    }
    return {
        "plain": secret,
        "hex": secret.hex().encode(),
        "reversed": secret[::-1],
        "percent": "".join(f"%{byte:02X}" for byte in secret).encode(),
        "UTF-16": secret.decode().encode("utf-16-le"),
        **aligned,
    }


def canary(number: int) -> str:
    """One that looks like a token and like no other."""
    return f"cAnarY{number:02}q{os.urandom(9).hex()}Z{number:02}"


@pytest.fixture
def secrets(home: Home) -> dict[str, str]:
    """Plant them; returns them by their place."""
    found = {place: canary(number) for number, place in enumerate(PLACES)}
    assert len(found) == 25
    for name in VARIABLES:
        home.env[name] = found[name]
    home.env["DATABASE_URL"] = f"postgres://dana:{found['DATABASE_URL']}@db.example/shop"
    for below, names in ((home.folder, HOME_FILES), (home.workspace, HIDDEN)):
        for name in names:
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"token = {found[name]}\n")
    config = home.folder / "config" / "pocketcoder"
    config.mkdir(parents=True)
    (config / ".env").write_text(
        f"POCKETCODER_LOCAL_SECRET={found['POCKETCODER_LOCAL_SECRET']}\n"
        f"POCKETCODER_OPENAI_BASE_URL=https://dana:{found['POCKETCODER_OPENAI_BASE_URL']}@x.example\n"
        f"ELSEWHERE_TOKEN={found['ELSEWHERE_TOKEN']}\n"
    )
    (config / ".env").chmod(0o600)
    return found


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    """A model that takes whatever key it is given."""
    async with GeminiServer([[text("fine"), finish()]], key="") as made:
        yield made


async def sinks_of_the_box(home: Home) -> dict[str, bytes]:
    """What the engine and the box say of themselves."""
    api = connect()
    name = container_name(home.workspace)

    def ran(*argv: str) -> bytes:
        made = api.exec_create(name, list(argv))
        return bytes(api.exec_start(made))

    tmux = ("tmux", "-S", "/run/pocketcoder/tmux.sock")
    try:
        return {
            "the container's settings": json.dumps(api.inspect_container(name)).encode(),
            "its environment": ran("bash", "-c", "cat /proc/[0-9]*/environ"),
            "its programs' words": ran("bash", "-c", "cat /proc/[0-9]*/cmdline"),
            "tmux's environment": ran(*tmux, "show-environment", "-g"),
            "tmux's buffers": ran(*tmux, "list-buffers"),
            "tmux's titles": ran(*tmux, "list-panes", "-a", "-F", "#{pane_title} #{window_name}"),
            "tmux's screen": ran(*tmux, "capture-pane", "-p", "-S", "-", "-t", "pocketcoder:agent"),
            "the box's logs": ran("bash", "-c", "cat /run/pocketcoder/log/* /run/pocketcoder/in/*"),
            "the box's files": ran(
                "bash", "-c", "cat /run/pocketcoder/claims/* /tmp/* 2>/dev/null"
            ),
        }
    finally:
        api.close()


def cells(ledger: Path) -> Iterator[bytes]:
    """Every value of every table, whatever SQLite packs it into."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield from (str(v).encode() if not isinstance(v, bytes) else v for v in row)


def sinks_of_the_host(home: Home) -> dict[str, bytes]:
    """What is kept on this machine and what can be got out of it; the checkpoints are the folder's
    own content and go nowhere."""
    [state] = (home.folder / "state" / "pocketcoder").glob("shop-*")
    found = {
        str(path.relative_to(state)): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and "checkpoints" not in path.parts and path.name != "ssh_host_key"
    }
    found["the ledger's values"] = b"\0".join(cells(state / "ledger.db"))
    told = pocketcoder(home, "sessions", "--json")
    assert told.stdout, told.stderr
    session = json.loads(told.stdout)["sessions"][0]["id"]
    for form in ("md", "jsonl", "html"):
        told = pocketcoder(home, "sessions", "export", session, "--format", form)
        assert told.stdout, told.stderr
        found[f"the export as {form}"] = told.stdout.encode()
    for words in (("audit", "export"), ("audit", "show"), ("log", "--json"), ("doctor", "--json")):
        told = pocketcoder(home, *words)
        assert told.stdout, told.stderr
        found[" ".join(words)] = (told.stdout + told.stderr).encode()
    return found


def sightings(sinks: dict[str, bytes], secret: str) -> list[str]:
    """Where a secret is, and how it is written there."""
    forms = encodings(secret.encode())
    return [f"{name} in {sink}" for sink, held in sinks.items() for name in forms
            if forms[name] in held]  # fmt: skip


def shouted(secret: str) -> str:
    """A command that prints a secret in every encoding."""
    words = [base64.b64encode(form).decode() for form in encodings(secret.encode()).values()]
    return "; ".join(f"echo {word} | base64 -d; echo" for word in words)


async def title_of(shown: Screen) -> bytes:
    return await asyncio.to_thread(
        lambda: shown.tmux("display-message", "-p", "#{pane_title} #{window_name}").encode()
    )


async def test_no_secret_of_the_person_s_is_anywhere(
    home: Home, server: GeminiServer, secrets: dict[str, str]
) -> None:
    own = canary(99)
    server.script = [
        [call("shell", {"command": TRIES}), finish()],
        [call("shell", {"command": shouted(own)}), finish()],
        {"status": 400, "json": {"error": {"code": 400, "status": "INVALID_ARGUMENT",
         "message": f"The key {secrets['GEMINI_API_KEY']} may not do this."}}},
        [text("All was tried."), finish()],
    ]  # fmt: skip
    async with home.started(size=(160, 50)) as shown:
        await ask(shown, "look around")
        await decide(shown, "echo ")
        await decide(shown, "may not do this")
        titles = {"the terminal's title": await title_of(shown)}
        screen = {"the screen": shown.text.encode()}
        box = await sinks_of_the_box(home)
        shown.press("C-q")
        await shown.until("ended with")
    sinks = titles | screen | box | await asyncio.to_thread(sinks_of_the_host, home)
    sent = json.dumps([request["contents"] for request in server.requests]).encode()
    sinks["what the model was sent"] = sent
    for place, secret in secrets.items():
        assert sightings(sinks, secret) == [], place
    seen = {where.split(" in ")[0] for where in sightings(sinks, own)}
    ledger = {w for w in sightings(sinks, own) if w.endswith("the ledger's values")}
    assert seen == set(encodings(b"x" * 20)), "the search finds what is there"
    assert len(ledger) >= 5


async def decide(shown: Screen, done: str) -> None:
    """Read a long command to its end, then allow it."""
    await shown.until("Waiting for you · ")
    shown.press("C-y")
    await shown.until(lambda seen: "y allow once" in seen or "Scroll to the end" in seen)
    for _ in range(20):
        if "Scroll to the end" not in shown.text:
            break
        shown.press("Space")
        await shown.until(_differs(shown.text))
    await press_decision(shown, "y", done, go=False)


def _differs(before: str) -> Callable[[str], Any]:
    return lambda seen: seen != before
