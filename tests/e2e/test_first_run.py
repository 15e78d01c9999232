"""A new person's first minutes, in a real terminal: no key, the key, the tour, and what teaches."""

import re
import stat

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.support.gemini_server import KEY, GeminiServer, finish, text

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]


@pytest.fixture
def server(server: GeminiServer) -> GeminiServer:
    server.script = [[text("Good to meet you."), finish()]]
    return server


@pytest.fixture
def home(home: Home) -> Home:
    del home.env["GEMINI_API_KEY"]
    return home


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20)])
async def test_the_key_is_entered_masked_and_used_at_once(
    home: Home, server: GeminiServer, size: tuple[int, int]
) -> None:
    async with home.started(size=size) as shown:
        await shown.until("3: enter a key")
        shown.press("3")
        await shown.until("Enter keeps the key")
        shown.type("two words")
        shown.press("Enter")
        await shown.until("one word of letters")
        shown.type(KEY)
        await shown.until("•••")
        assert KEY not in shown.text
        shown.press("Enter")
        await shown.until(lambda seen: "enter a key" not in seen)
        await ask(shown, "hello")
        await shown.until("Good to meet you.")
    kept = home.folder / "config" / "pocketcoder" / ".env"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert f"GEMINI_API_KEY={KEY}\n" in kept.read_text()
    assert len(server.requests) == 1


async def test_what_is_written_without_a_key_is_kept_and_the_way_is_named(home: Home) -> None:
    async with home.started() as shown:
        await shown.until("3: enter a key")
        shown.type("hello agent")
        await shown.until("hello agent")
        shown.press("Enter")
        await shown.until("F3 shows how to enter one")
        await shown.until("› hello agent")


async def test_the_tour_by_its_key_reaches_an_approval_and_goes_on(home: Home) -> None:
    async with home.started(size=(80, 24)) as shown:
        await shown.until("box ready")
        shown.press("t")
        await shown.until("First I look at what is there.")
        await press_decision(shown, "y", "listed")
        await shown.until("Waiting for you · ")


async def test_the_tour_by_its_flag_says_how_to_begin(home: Home) -> None:
    async with home.started("--tour", size=(80, 24)) as shown:
        await shown.until("Send any message")
        await ask(shown, "show me")
        await shown.until("Waiting for you · ")


async def test_enter_in_the_same_read_sends_and_a_bracketed_paste_does_not(
    home: Home, server: GeminiServer
) -> None:
    home.env["GEMINI_API_KEY"] = KEY
    async with home.started() as shown:
        await shown.until("box ready")
        shown.press("one message", "Enter", "another", "Enter")
        await shown.until(lambda seen: seen.rfind("Good to meet") > seen.find("you   another") > 0)
        assert "you   one message" in shown.text
        shown.tmux("set-buffer", "first line\nsecond line\n")
        shown.tmux("paste-buffer", "-p", "-t", "e2e")
        await shown.until(lambda seen: bool(re.search(r"› first line *\n *second line", seen)))
    said = str([request["contents"] for request in server.requests])
    assert "one message" in said
    assert "first line" not in said
