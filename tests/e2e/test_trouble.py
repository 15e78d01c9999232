"""What goes wrong around the program, in a real terminal: a sentence each, and nothing is lost."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Home, ask, press_decision
from tests.e2e.screen import screen
from tests.support.gemini_server import (
    BAD_KEY,
    GeminiServer,
    call,
    finish,
    quota,
    results_of,
    text,
)

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]
EVIL = (
    "\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x07\x1b]8;;http://x\x1b\\ \u202egnp \x9b31m [b]m[/b] [/x]"
)
PAGE = {"status": 503, "html": "<html><body>down \x1b]0;owned\x07</body></html>"}


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ({"status": 400, "json": BAD_KEY}, "did not accept the key"),
        (quota(delay=None, quota_id="RequestsPerDay"), "Wait until tomorrow"),
        ([text("half an ans"), {"do": "cut"}], "What had arrived is kept"),
        ({"status": 400, "json": {"error": {"code": 400, "message": EVIL}}}, "[b]m[/b] [/x]"),
    ],
    ids=["bad-key", "quota-of-the-day", "cut", "hostile"],
)
async def test_a_refusal_of_the_service_is_a_sentence(
    home: Home, server: GeminiServer, reply: Any, sentence: str
) -> None:
    server.script = [reply]
    async with home.started() as shown:
        await ask(shown, "hello there")
        seen = " ".join((await shown.until(lambda s: sentence in _flat(s))).split())
        assert "hello there" in seen
        assert "Traceback" not in seen
        assert shown.flag("pane_title") != "owned"
        assert shown.tmux("list-buffers") == ""


@pytest.mark.parametrize("reply", [quota(delay="34.4s"), PAGE], ids=["quota", "page"])
async def test_waiting_for_the_service_is_shown_and_esc_ends_it(
    home: Home, server: GeminiServer, reply: Any
) -> None:
    server.script = [reply]
    async with home.started(size=(80, 24)) as shown:
        await ask(shown, "hello there")
        seen = await shown.until("asks again")
        assert "Esc stops" in seen
        shown.type("written meanwhile")
        await shown.until("written meanwhile")
        shown.press("Escape")
        seen = await shown.until("You stopped the turn.")
        assert "› written meanwhile" in seen


async def test_hostile_text_of_the_model_and_the_box_draws_nothing_of_its_own(
    home: Home, server: GeminiServer
) -> None:
    print_it = "printf '\\033]52;c;ZXZpbA==\\007\\033]0;owned\\007[b]x[/b]\\n'"
    server.script = [
        [text(EVIL), call("shell", {"command": f"{print_it} # {EVIL}"}), finish()],
        [text("Seen."), finish()],
    ]
    async with home.started() as shown:
        await ask(shown, "be evil")
        await press_decision(shown, "y", "Seen.")
        assert "[b]x[/b]" in shown.text
        assert "<U+202E>gnp" in shown.text
        assert shown.flag("pane_title") != "owned"
        assert shown.tmux("list-buffers") == ""
        [answer] = results_of(server.requests[-1])
        assert answer["response"]["exit_status"] == 0


async def test_a_command_is_interrupted_from_the_terminal_pane(
    home: Home, server: GeminiServer
) -> None:
    server.script = [
        [call("shell", {"command": "echo begun; sleep 100"}), finish()],
        [text("It was cut short."), finish()],
    ]
    async with home.started(size=(80, 24)) as shown:
        await ask(shown, "sleep")
        await press_decision(shown, "y", "running")
        shown.press("C-g")
        await shown.until("Terminal · agent")
        shown.press("C-c")
        shown.press("C-g")
        await shown.until("It was cut short.")
        await shown.until("exit 130")


async def test_attached_the_person_types_in_the_box_and_comes_back(home: Home) -> None:
    async with home.started() as shown:
        await shown.until("box ready")
        shown.press("C-t")
        await shown.until("detach: C-b d")
        shown.type("echo $((6 * 7))-mine")
        shown.press("Enter")
        await shown.until("42-mine")
        shown.press("C-b", "d")
        await shown.until("write to the agent")
        await shown.until("42-mine")


async def test_a_second_program_on_one_workspace_is_told_who_has_it(
    home: Home, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    argv = [sys.executable, "-m", "pocketcoder_tui", str(home.workspace)]
    async with home.started() as first:
        await first.until("box ready")
        async with screen(other, argv, home.env, size=(80, 24)) as second:
            seen = await second.until("owns this")
            assert "(process " in seen
            assert "not open" in await second.until("not open")
            first.press("C-q")
            await first.until("ended with 0")
            second.press("C-r")
            await second.until("box ready")


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("/", "The whole machine (/) cannot be a workspace."),
        ("HOME", "Your home folder cannot be a workspace"),
        ("missing", "There is no folder"),
        ("/etc/passwd", "/etc/passwd is not a folder."),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_drawn(
    home: Home, where: str, sentence: str
) -> None:
    place = str(home.folder) if where == "HOME" else where
    argv = [sys.executable, "-m", "pocketcoder_tui", place]
    script = ["script", "-qec", " ".join(argv), "/dev/null"]
    done = subprocess.run(
        script, capture_output=True, text=True, env=home.env, cwd=home.folder, check=False
    )
    assert done.returncode == 1
    assert sentence in done.stdout
    assert "\x1b[?1049h" not in done.stdout


async def test_a_wrong_setting_is_named_and_can_be_corrected_meanwhile(home: Home) -> None:
    config = home.folder / "config" / "pocketcoder"
    config.mkdir(parents=True, mode=0o700)
    (config / "config.toml").write_text('memory = "lots"\n')
    async with home.started(size=(80, 24)) as shown:
        seen = _flat(await shown.until("^R tries again"))
        assert "memory" in seen
        assert "config.toml" in seen
        (config / "config.toml").write_text('memory = "2g"\n')
        shown.press("C-r")
        await shown.until("box ready")


def _flat(seen: str) -> str:
    """The screen as one line, without the frames of its panes."""
    return " ".join("".join(c if c not in "│╭╮╰╯─" else " " for c in seen).split())
