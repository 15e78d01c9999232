"""A home and a workspace of the test's own, and ways to run the command in or out of a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths

Run = Callable[..., subprocess.CompletedProcess[str]]
Typed = Callable[..., tuple[int, str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The machine's environment without anything that sets pocketcoder, and a fresh home."""
    ours = ("POCKETCODER_", "XDG_", "GEMINI_", "GOOGLE_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    (tmp_path / "home").mkdir()
    return kept | {"HOME": str(tmp_path / "home"), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def paths(tmp_path: Path, environ: Mapping[str, str]) -> Paths:
    """The places of a workspace in that home."""
    (tmp_path / "shop").mkdir()
    return Paths.for_workspace(tmp_path / "shop", environ)


@pytest.fixture
def run(environ: dict[str, str], paths: Paths) -> Run:
    """Run `pocketcoder ARGS` in the workspace, with pipes for a terminal."""

    def run(*argv: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pocketcoder_tui", *argv],
            cwd=paths.workspace,
            env=environ | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def typed(environ: dict[str, str], paths: Paths) -> Typed:
    """Run `pocketcoder ARGS` on a terminal; ``answer`` is typed once ``question`` is seen."""

    def typed(*argv: str, question: str = "", answer: str = "", **more: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "-m", "pocketcoder_tui", *argv],
            cwd=paths.workspace,
            env=environ | {"TERM": "xterm"} | more,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        try:
            while piece := _piece(ours):
                seen += piece
                if question and question.encode() in seen:
                    question = ""
                    os.write(ours, answer.encode())
            status = child.wait(timeout=60)
        finally:
            child.kill()
            os.close(ours)
        return status, seen.decode().replace("\r\n", "\n")

    return typed


def _piece(terminal: int) -> bytes:
    """Read what a terminal shows next; nothing once its last program is gone (EIO on Linux)."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
