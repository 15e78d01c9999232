"""The first frame's settings are those that the full settings say, and never a failure."""

import subprocess
import sys

import pytest

from pocketcoder_tui.config.looks import Looks, first_looks
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import load_settings


@pytest.mark.parametrize("toml", ["", "theme = 'toml'\n", "ascii = true\n", "ascii = false\n"])
@pytest.mark.parametrize(
    "file", ["", "POCKETCODER_THEME=file\n", "POCKETCODER_ASCII=no\n", "POCKETCODER_ASCII=\n"]
)
@pytest.mark.parametrize(
    "variable", [("POCKETCODER_THEME", "env"), ("POCKETCODER_ASCII", "yes"), ("OTHER", "x")]
)
def test_it_agrees_with_the_settings(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, toml: str, file: str, variable: tuple[str, str]
) -> None:
    paths.config_file.write_text(toml)
    paths.env_file.write_text(file)
    monkeypatch.setenv(*variable)
    settings = load_settings(paths)
    assert first_looks(paths) == Looks(settings.theme, settings.ascii)


@pytest.mark.parametrize("broken", [b"\xff", b"theme = ", b"theme = 5\nascii = []"])
def test_what_is_broken_is_the_default_for_now(paths: Paths, broken: bytes) -> None:
    paths.config_file.write_bytes(broken)
    paths.env_file.write_bytes(b"POCKETCODER_THEME=\xff\n")
    assert first_looks(paths).ascii is False


def test_the_defaults_are_the_settings_defaults(paths: Paths) -> None:
    settings = load_settings(paths)
    assert first_looks(paths) == Looks() == Looks(settings.theme, settings.ascii)


def test_it_loads_no_settings_library(paths: Paths) -> None:
    paths.env_file.write_text("POCKETCODER_THEME=x\n")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from pocketcoder_tui.config.paths import Paths\n"
        "from pocketcoder_tui.config.looks import first_looks\n"
        "assert first_looks(Paths.for_workspace(Path('.'))).theme == 'x'\n"
        "assert 'pydantic' not in sys.modules and 'pydantic_settings' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
