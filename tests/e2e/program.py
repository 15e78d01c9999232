"""The program as a person starts it, in a folder of its own, against a local model server."""

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from pocketcoder_tui.sandbox.container import DockerSandbox
from tests.e2e.screen import Screen, screen
from tests.support.gemini_server import KEY, GeminiServer

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_HOST")


class Home:
    """A person's home, configuration and workspace below one folder."""

    def __init__(self, folder: Path, server: GeminiServer | None) -> None:
        self.folder = folder
        self.workspace = folder / "shop"
        self.workspace.mkdir()
        kept = {name: os.environ[name] for name in CERTIFICATES if name in os.environ}
        self.env = {
            **kept,
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        if server is not None:
            self.env["POCKETCODER_GEMINI_BASE_URL"] = server.base_url
            self.env["GEMINI_API_KEY"] = KEY

    @contextlib.asynccontextmanager
    async def started(
        self, *words: str, size: tuple[int, int] = (120, 36)
    ) -> AsyncIterator[Screen]:
        """Run pocketcoder on the workspace in a terminal."""
        argv = [sys.executable, "-m", "pocketcoder_tui", *words, str(self.workspace)]
        async with screen(self.folder, argv, self.env, cwd=self.folder, size=size) as shown:
            yield shown

    async def remove_box(self, image: str) -> None:
        """Take the workspace's container away."""
        async with DockerSandbox(self.workspace, image=image) as sandbox:
            await sandbox.remove()


def pocketcoder(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run another command of the program to its end."""
    argv = [sys.executable, "-m", "pocketcoder_tui", *words]
    return subprocess.run(
        argv, env=home.env, cwd=home.workspace, capture_output=True, text=True, check=False
    )


async def ask(shown: Screen, text: str) -> None:
    """Wait until the box is ready, then send a message."""
    await shown.until("box ready")
    shown.type(text)
    await shown.until(text)
    shown.press("Enter")


TOO_SOON = "then press the key again"
"""What the pane says to a key that was pressed in a row's first moment; it decides nothing."""


async def press_decision(shown: Screen, key: str, done: str, *, go: bool = True) -> None:
    """Go to what waits (``go``), wait until the keys decide, press one, and see it done.

    When something waited before, the focus may be there already.
    """
    await shown.until("Waiting for you · ")
    if go:
        seen = await shown.until(lambda text: "│ ^Y decide" in text or "y allow once" in text)
        if "y allow once" not in seen:
            shown.press("C-y")
    for _ in range(5):
        await shown.until("y allow once")
        shown.press(key)
        seen = await shown.until(lambda text: done in text or TOO_SOON in text)
        if done in seen:
            return
    raise AssertionError(f"{key!a} was too soon five times")
