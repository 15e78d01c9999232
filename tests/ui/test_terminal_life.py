"""On a real pseudo-terminal: what the first frame loads, and that the terminal is given back."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, logging, sys
logging.disable(logging.CRITICAL)
from pocketcoder_tui.ui import run_app
async def make():
    heavy = {{"google", "docker", "pydantic", "aiosqlite", "libtmux", "markdown_it"}}
    print("HEAVY", sorted(heavy & set(sys.modules)), file=sys.__stderr__, flush=True)
    from tests.ui.bench import ScriptedWorkbench
    {more}
    return ScriptedWorkbench()
sys.exit(run_app(make))
"""
QUIT, ATTACH = b"\x11", b"\x14"
NO_BOX = """
    from pocketcoder_tui.core.errors import SandboxError
    def attach(self):
        raise SandboxError("The box does not run yet.", hint="")
    ScriptedWorkbench.attach = attach
"""
CRASH = """
    def crash():
        raise RuntimeError("secret detail")
    from textual.app import active_app
    active_app.get().call_later(crash)
"""


Step = tuple[bytes, bytes | int]
"""Text to wait for; then keys to press, or a signal to send."""


def run(more: str, *steps: Step) -> tuple[int, bytes, str]:
    """Run the app on a pseudo-terminal; returns exit status and all that it wrote, twice."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(more=more.strip())],
        stdin=slave, stdout=slave, stderr=slave, cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(slave)
    seen, looked = b"", 0
    left = list(steps)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 1 << 16)
            except OSError:  # the other side has closed
                break
        if left and left[0][0] in seen[looked:]:
            looked = len(seen)
            act = left.pop(0)[1]
            if isinstance(act, int):
                process.send_signal(act)
            else:
                os.write(master, act)
    assert not left, f"never came: {left[0][0]!r}"
    status = process.wait(timeout=10)
    os.close(master)
    return status, seen, seen.decode(errors="replace")


def gave_back(seen: bytes) -> bool:
    """The alternate screen was left, the cursor shown, mouse and paste modes switched off."""
    left = [b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"]
    entered = seen.rindex(b"\x1b[?1049h")
    return all(code in seen[entered:] for code in left)


def test_the_first_frame_loads_nothing_heavy_and_quit_gives_the_terminal_back() -> None:
    status, seen, text = run("", (b"box ready", QUIT))
    assert "HEAVY []" in text, text[-2000:]
    assert status == 0
    assert gave_back(seen)


def test_sigterm_gives_the_terminal_back() -> None:
    status, seen, text = run("", (b"box ready", signal.SIGTERM))
    assert status == 143
    assert gave_back(seen)
    assert "Traceback" not in text


def test_an_exception_gives_the_terminal_back_and_shows_a_sentence() -> None:
    status, seen, text = run(CRASH)
    assert status == 1
    assert gave_back(seen)
    assert "error of its own" in text
    assert "Traceback" not in text
    assert "secret detail" not in text


def test_a_failed_attach_comes_back_to_the_screen() -> None:
    status, seen, _ = run(NO_BOX, (b"box ready", ATTACH), (b"does not run yet", QUIT))
    assert status == 0
    assert seen.count(b"\x1b[?1049h") == 2, "it stepped aside, and came back"
    assert gave_back(seen)


def test_attaching_steps_aside_and_comes_back() -> None:
    status, seen, _ = run("", (b"box ready", ATTACH), (b"\x1b[?1049h", b""), (b"box ready", QUIT))
    assert status == 0
    assert gave_back(seen)


BEFORE = """
import sys
from pathlib import Path
from pocketcoder_tui import ui
from pocketcoder_tui.cli import start
from pocketcoder_tui.cli.arguments import parse
from pocketcoder_tui.config.paths import Paths
ui.run_app = lambda *rest, **named: print("textual" in sys.modules)
start.is_terminal = lambda *rest: True
start.run(parse([sys.argv[1]]), Paths.for_workspace(Path(sys.argv[1])))
"""


def test_the_command_line_loads_nothing_of_the_screen_itself(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    told = subprocess.run(
        [sys.executable, "-c", BEFORE, str(shop)],
        capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )  # fmt: skip
    assert told.stdout.split() == ["False"]
