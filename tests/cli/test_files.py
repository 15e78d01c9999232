"""`pocketcoder files`, as a person runs it."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from tests.cli.conftest import Run, Typed

NAME = "evil\x1b]0;x\x07.txt"


@pytest.fixture
def workspace(paths: Paths) -> Path:
    (paths.workspace / "sub").mkdir()
    (paths.workspace / NAME).write_bytes(b"one\x1b]0;owned\x07\n")
    (paths.workspace / "data").write_bytes(b"\0\xff\x1b")
    return paths.workspace


@pytest.mark.usefixtures("workspace")
def test_a_folder_is_listed_for_a_person_and_a_program(run: Run) -> None:
    done = run("files")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "evil<U+001B>]0;x<U+0007>.txt" in done.stdout
    rows = [json.loads(line) for line in run("files", "ls", "--json").stdout.splitlines()]
    kinds = {row["name"]: row["kind"] for row in rows}
    assert kinds == {"sub": "folder", "data": "file", NAME: "file"}
    assert run("files", "ls", "sub").stdout == ""


def test_a_file_comes_whole_and_a_new_file_is_made_of_it(
    run: Run, workspace: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    to = tmp_path / "out"
    assert run("files", "get", "data", "--to", str(to)).returncode == 0
    assert to.read_bytes() == b"\0\xff\x1b"
    again = run("files", "get", "data", "--to", str(to))
    assert again.returncode == 1
    assert "already" in again.stderr
    argv = [sys.executable, "-m", "pocketcoder_tui", "files", "get", "data"]
    piped = subprocess.run(argv, cwd=workspace, env=environ, capture_output=True, check=True)
    assert piped.stdout == b"\0\xff\x1b"


@pytest.mark.usefixtures("workspace")
def test_a_terminal_is_told_nothing(typed: Typed) -> None:
    status, seen = typed("files", "get", NAME)
    assert status == 0
    assert "one<U+001B>]0;owned<U+0007>" in seen
    assert "\x1b]0" not in seen
    status, seen = typed("files", "get", "data")
    assert status == 1
    assert "--to FILE" in seen


def test_a_file_is_put_and_not_over_another(run: Run, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert run("files", "put", str(tmp_path / "mine")).returncode == 0
    assert (workspace / "mine").read_text() == "mine"
    done = run("files", "put", str(tmp_path / "mine"))
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert run("files", "put", str(tmp_path / "mine"), "--as", "sub/x").returncode == 0
    assert run("files", "put", str(tmp_path / "mine"), "--as", "data", "--force").returncode == 0
    assert (workspace / "data").read_text() == "mine"
    (workspace / "leak").symlink_to("/etc/hostname")
    done = run("files", "put", str(workspace / "leak"), "--as", "copy")
    assert done.returncode == 1
    assert "in the workspace already" in done.stderr
    assert not (workspace / "copy").exists()
    assert "cannot be read" in run("files", "put", str(tmp_path / "none")).stderr


def test_the_route_answers_until_it_is_told_to_end(
    workspace: Path, environ: dict[str, str]
) -> None:
    argv = [sys.executable, "-m", "pocketcoder_tui", "files", "serve"]
    with subprocess.Popen(argv, cwd=workspace, env=environ, stdout=subprocess.PIPE) as served:
        assert served.stdout is not None
        url = served.stdout.readline().decode().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{43}/", url)
        with urllib.request.urlopen(f"{url}data", timeout=10) as answer:
            assert answer.read() == b"\0\xff\x1b"
        served.terminate()
        assert served.wait(20) == 0
