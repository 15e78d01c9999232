"""Whatever happens is one sentence and an exit status; a traceback goes to the log alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui import __version__
from pocketcoder_tui.cli import boundary, main
from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import SandboxError
from tests.cli.conftest import Run


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def dispatch(_args: Arguments) -> int:
        raise error

    monkeypatch.setattr(boundary, "_dispatch", dispatch)


def test_the_module_is_the_command(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"pocketcoder {__version__}\n", "")


def test_the_installed_script_is_the_command() -> None:
    script = Path(sys.executable).parent / "pocketcoder"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == f"pocketcoder {__version__}\n"


def test_a_mistyped_command_line_is_status_2(run: Run) -> None:
    done = run("--nonsense")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: pocketcoder")
    assert "--nonsense" in done.stderr


def test_without_a_terminal_the_workbench_says_so(run: Run) -> None:
    done = run()
    assert done.returncode == 1
    assert done.stderr.startswith("The workbench needs a terminal")
    assert len(done.stderr.splitlines()) == 2
    assert done.stdout == ""


def test_a_known_error_is_its_sentence_and_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, SandboxError("The box\x1b[2J fell over.", hint="Lift it."))
    assert main([]) == 1
    assert capsys.readouterr().err == "The box<U+001B>[2J fell over.\nLift it.\n"


def test_an_interrupt_is_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert main([]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize("prepared", [True, False])
def test_a_defect_is_logged_and_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    prepared: bool,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    (tmp_path / "shop").mkdir()
    paths = Paths.for_workspace(tmp_path / "shop")
    if prepared:
        paths.prepare()
    failing(monkeypatch, ZeroDivisionError("a detail"))
    assert main([str(tmp_path / "shop")]) == 70
    log = paths.log if prepared else paths.state_root / "pocketcoder.log"
    shown = capsys.readouterr().err
    assert shown == (
        f"Something went wrong that should not: ZeroDivisionError.\nThe details are in {log}.\n"
    )
    assert "Traceback" in log.read_text()
    assert "a detail" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_defect_whose_log_cannot_be_written_is_still_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    failing(monkeypatch, ZeroDivisionError())
    assert main([]) == 70
    assert "The log could not be written either" in capsys.readouterr().err


def test_nobody_reads_the_output(paths: Paths, environ: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pocketcoder_tui", "sessions"],
        cwd=paths.workspace,
        env=environ,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == ""


def test_there_is_no_output_at_all(paths: Paths, environ: dict[str, str]) -> None:
    command = f'exec "{sys.executable}" -m pocketcoder_tui sessions >&-'
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=paths.workspace,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_current_folder_that_went_away(run: Run, paths: Paths, environ: dict[str, str]) -> None:
    script = (
        "import os, sys; os.rmdir(os.getcwd())\n"
        "from pocketcoder_tui.cli import main; sys.exit(main(['sessions']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=paths.workspace,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The current folder does not exist any more.")
