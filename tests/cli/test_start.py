"""What `pocketcoder FOLDER` refuses before anything is drawn, on a real terminal."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketcoder_tui.cli import start
from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import ConfigError, WorkspaceError
from tests.cli.conftest import Typed


def test_a_folder_that_is_not_there(typed: Typed, paths: Paths) -> None:
    status, seen = typed("nowhere")
    assert status == 1
    assert seen == (
        f"There is no folder {paths.workspace}/nowhere.\n"
        "Make it, or name another one: pocketcoder PATH.\n"
    )


def test_a_misspelt_command_is_recognised(typed: Typed) -> None:
    status, seen = typed("docter")
    assert status == 1
    assert "If you meant the command, it is: pocketcoder doctor.\n" in seen


def test_a_folder_that_holds_our_own_files(typed: Typed, paths: Paths) -> None:
    status, seen = typed(str(paths.config.parent.parent.parent))
    assert status == 1
    assert "holds your home folder" in seen
    assert "\x1b" not in seen


@pytest.fixture
def at_home(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the test's home in this process, and give logging back as it was."""
    before = logging.root.handlers[:]
    monkeypatch.setenv("HOME", environ["HOME"])
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "POCKETCODER_MODEL"):
        monkeypatch.delenv(name, raising=False)
    yield
    for handler in set(logging.root.handlers) - set(before):
        logging.root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(False)


@pytest.mark.usefixtures("at_home")
def test_options_come_from_the_command_line_and_the_settings(paths: Paths) -> None:
    args = Arguments(resume="abc", model="another", tour=True)
    options = start.prepare(args, paths)
    assert (options.resume, options.latest, options.tour) == ("abc", False, True)
    assert options.settings.model == "another"
    assert options.settings.local_secret is not None
    assert options.paths == paths
    assert paths.state.is_dir()


@pytest.mark.usefixtures("at_home")
def test_a_refused_folder_leaves_no_state_behind(paths: Paths, tmp_path: Path) -> None:
    outside = Paths(Path("/etc"), paths.state_root, paths.state, paths.config)
    with pytest.raises(WorkspaceError):
        start.prepare(Arguments(), outside)
    assert not paths.state_root.exists()


@pytest.mark.usefixtures("at_home")
def test_a_wrong_setting_is_an_error_of_the_settings(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKETCODER_PIDS", "none")
    with pytest.raises(ConfigError, match="POCKETCODER_PIDS"):
        start.prepare(Arguments(), paths)


@pytest.mark.usefixtures("at_home")
def test_what_libraries_log_goes_to_the_log(paths: Paths) -> None:
    start.prepare(Arguments(), paths)
    logging.getLogger("some.library").warning("odd \udcff")
    assert "some.library odd" in paths.log.read_text()
