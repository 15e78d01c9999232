"""Secrets of the person's, each with a canary in it: where they must never be found.

That the search finds what is there is shown by canaries of the agent's own, which go the same ways.
"""

import asyncio
import base64
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.canaries import (
    canary,
    encodings,
    shouted,
    sightings,
    sinks_of_the_box,
    sinks_of_the_host,
    words_of_programs,
)
from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import Screen, screen
from tests.support.gemini_server import GeminiServer, call, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]

VARIABLES = (
    "GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN", "NPM_TOKEN", "PGPASSWORD", "HTTPS_PROXY", "DOCKER_AUTH_CONFIG",
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
MARKED = {
    "the container's settings": b'"LogConfig": {"Type": "none"',
    "the image": b"Created",
    "its environment": b"PATH=",
    "its programs' words": b"tmux",
    "the host's programs' words": b"pocketcoder_tui",
    "tmux's environment": b"PATH=",
    "tmux's options": b"status",
    "tmux's titles": b"agent",
    "the screen": b"look around",
    "what the model was sent": b"look around",
    "ledger.db": b"SQLite format 3",
    "the ledger's values": b"look around",
    "sessions list": b"look around",
    "audit show": b"dispatch",
    "doctor --json": b"Docker",
}
"""What a place holds in any case, so that one which cannot be read does not pass for clean."""


def docker_settings(secret: str) -> str:
    """The Docker client's own file: a registry's password, and a proxy's for what it makes."""
    proxy = f"http://dana:{secret}@proxy.example:3128"
    registry = {"auth": base64.b64encode(f"dana:{secret}".encode()).decode()}
    return json.dumps({
        "auths": {"registry.example": registry},
        "proxies": {"default": {"httpProxy": proxy, "httpsProxy": proxy}},
    })  # fmt: skip


@pytest.fixture
def secrets(home: Home) -> dict[str, str]:
    """Plant them; returns them by their place."""
    found = {place: canary(number) for number, place in enumerate(PLACES)}
    assert len(found) == 25
    for name in VARIABLES:
        home.env[name] = found[name]
    home.env["DATABASE_URL"] = f"postgres://dana:{found['DATABASE_URL']}@db.example/shop"
    home.env["HTTPS_PROXY"] = f"http://dana:{found['HTTPS_PROXY']}@127.0.0.1:9"
    for below, names in ((home.folder, HOME_FILES), (home.workspace, HIDDEN)):
        for name in names:
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"token = {found[name]}\n")
    (home.folder / ".docker/config.json").write_text(docker_settings(found[".docker/config.json"]))
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


def drawn_by(shown: Screen, place: Path) -> Callable[[], bytes]:
    """Keep all that is written to a terminal from now on, titles and all; call it to read."""
    shown.tmux("pipe-pane", "-t", "e2e", f"exec cat >'{place}'")
    return lambda: place.read_bytes() + shown.tmux("list-panes", "-F", "#{pane_title}").encode()


def sent_to(server: GeminiServer) -> bytes:
    """The whole bodies, and every address and header but the key's own."""
    heads = [
        {**seen, "headers": {k: v for k, v in seen["headers"].items() if k != "x-goog-api-key"}}
        for seen in server.seen
    ]
    return json.dumps([server.requests, heads]).encode()


async def test_no_secret_of_the_person_s_is_anywhere(
    home: Home, server: GeminiServer, secrets: dict[str, str], tmp_path: Path
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
        drawn = drawn_by(shown, tmp_path / "drawn")
        await ask(shown, "look around")
        await decide(shown, "echo ")
        await decide(shown, "may not do this")
        sinks = await asyncio.to_thread(sinks_of_the_box, home)
        sinks["the screen"] = shown.text.encode()
        sinks["the host's programs' words"] = words_of_programs(shown.pid)
        sinks["the terminal beside"] = await beside(home, tmp_path, own)
        shown.press("C-q")
        await shown.until("ended with")
        sinks["the terminal"] = drawn()
    sinks |= await asyncio.to_thread(sinks_of_the_host, home)
    sinks["what the model was sent"] = sent_to(server)
    for place, secret in secrets.items():
        assert sightings(sinks, secret) == [], place
    assert [sink for sink, mark in MARKED.items() if mark not in sinks[sink]] == []
    seen = sightings(sinks, own)
    everywhere = set(encodings(own))
    assert {where.split(" in ")[0] for where in seen} == everywhere
    shown_as_text = everywhere - {"UTF-16"}  # a terminal shows no NUL
    for sink in ("the ledger's values", "what the model was sent"):
        assert {form for form in everywhere if f"{form} in {sink}" in seen} == shown_as_text, sink
    assert {
        s
        for s in (
            "the box's logs",
            "tmux's screen",
            "the terminal beside",
            "log --json",
            "audit export",
        )
        if f"plain in {s}" in seen
    } == {"the box's logs", "tmux's screen", "the terminal beside", "log --json"}


async def beside(home: Home, folder: Path, marker: str) -> bytes:
    """What another terminal is written while a person is attached from there."""
    below = folder / "beside"
    below.mkdir()
    argv = [sys.executable, "-m", "pocketcoder_tui", "attach", str(home.workspace)]
    async with screen(below, argv, home.env, size=(160, 50)) as other:
        drawn = drawn_by(other, below / "drawn")
        await other.until("$ ")
        other.type(f"echo {marker}; env; tmux show-environment")
        other.press("Enter")
        await other.until("TMUX=")
        words = words_of_programs(other.pid)
        other.press("C-b")
        other.press("d")
        await other.until("ended with 0")
        return drawn() + words


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


def test_the_search_finds_every_form_also_packed() -> None:
    secret = canary(0)
    for form, written in encodings(secret).items():
        held = {"it": b"before " + written + b" after"}
        assert sightings(held, secret) == [f"{form} in it"]
        packed = {"a": b"x" + gzip.compress(held["it"]), "b": b"x" + zlib.compress(held["it"])}
        assert sightings(packed, secret) == [f"{form} in a, packed", f"{form} in b, packed"]
    for shift in range(3):
        within = base64.b64encode(b"y" * shift + b" token=" + secret.encode() + b"; and more")
        assert sightings({"it": within}, secret) == [f"base64 {(shift + 7) % 3} in it"]
    parts = secret[:9], secret[9:]
    for within in ("\x1b[01;31m\x1b[K", "\\u001b[0m", "\n", "\\r\\n", "</span><span class=red>"):
        held = {"it": within.join(parts).encode()}
        assert sightings(held, secret) == ["plain in it, as it is seen"]
    assert sightings({"it": canary(1).encode()}, secret) == []
