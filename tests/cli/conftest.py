"""A home and a workspace of the test's own, and ways to run the command in or out of a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths

Run = Callable[..., subprocess.CompletedProcess[str]]


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
