"""A home folder of the test's own; nothing of the machine's settings reaches a test."""

import os
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Places below a fresh home, with a workspace beside them."""
    for name in list(os.environ):
        if name.startswith("POCKETCODER_") or name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
            monkeypatch.delenv(name)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    workspace = tmp_path / "shop"
    workspace.mkdir()
    found = Paths.for_workspace(workspace)
    found.config.mkdir(parents=True)
    return found
