"""The folders that no agent gets, each refused in its own sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import WorkspaceError
from pocketcoder_tui.sandbox.workspace import check_workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "kim"
    folder.mkdir(parents=True)
    return folder


def test_an_ordinary_folder_is_taken_with_links_resolved(home: Path) -> None:
    (home / "src").mkdir()
    (home / "link").symlink_to(home / "src")

    assert check_workspace(home / "link", home=home) == (home / "src").resolve()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/", "whole machine"),
        ("/etc", "system"), ("/usr/share", "system"), ("/var/log", "system"), ("/dev", "system"),
        ("/proc", "system"), ("/proc/self", "system"), ("/sys/kernel", "system"),
        ("/var/tmp", "system"), ("/srv", "shared"), ("/opt", "shared"),
        ("/no/such/folder", "does not exist"), ("/etc/passwd/x", "part of"),
    ],
)  # fmt: skip
def test_the_system_s_folders_are_refused(path: str, why: str, home: Path) -> None:
    with pytest.raises(WorkspaceError, match=why) as caught:
        check_workspace(Path(path), home=home)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "why"),
    [("", "Your home folder"), ("..", "holds your home"), (".ssh", "keys"), (".config/x", "keys")],
)
def test_home_and_its_private_folders_are_refused(name: str, why: str, home: Path) -> None:
    (home / ".ssh").mkdir()
    (home / ".config" / "x").mkdir(parents=True)

    with pytest.raises(WorkspaceError, match=why):
        check_workspace(home / name, home=home)


def test_a_link_does_not_hide_what_a_folder_is(home: Path) -> None:
    (home / "etc").symlink_to("/etc")
    (home / "me").symlink_to(home)

    with pytest.raises(WorkspaceError, match="system"):
        check_workspace(home / "etc", home=home)
    with pytest.raises(WorkspaceError, match="home folder"):
        check_workspace(home / "me", home=home)


def test_a_file_is_refused_and_its_folder_offered(home: Path) -> None:
    (home / "file").write_text("x")

    with pytest.raises(WorkspaceError, match="not a folder") as caught:
        check_workspace(home / "file", home=home)

    assert str(home) in caught.value.hint


def test_a_loop_of_links_is_refused(home: Path) -> None:
    (home / "loop").symlink_to(home / "loop")

    with pytest.raises(WorkspaceError):
        check_workspace(home / "loop", home=home)


def test_another_session_s_workspace_is_refused_from_both_sides(home: Path) -> None:
    inner = home / "src" / "shop"
    inner.mkdir(parents=True)

    with pytest.raises(WorkspaceError, match="is inside"):
        check_workspace(inner, home=home, others=[home / "src"])
    with pytest.raises(WorkspaceError, match="contains"):
        check_workspace(home / "src", home=home, others=[inner])
    assert check_workspace(inner, home=home, others=[inner, home / "srcs"]) == inner.resolve()


def test_a_name_that_is_not_utf8_is_refused(home: Path) -> None:
    os.mkdir(os.fsencode(home) + b"/bad\xff")

    with pytest.raises(WorkspaceError, match="UTF-8"):
        check_workspace(Path(os.fsdecode(os.fsencode(home) + b"/bad\xff")), home=home)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
@pytest.mark.parametrize(("mode", "why"), [(0o700, "may not read"), (0o755, "may not write")])
def test_folders_that_this_person_may_not_use(mode: int, why: str, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=mode)
    folder.chmod(mode)
    for parent in tmp_path.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    program = (
        "import os, sys, pathlib\n"
        "from pocketcoder_tui.core.errors import WorkspaceError\n"
        "from pocketcoder_tui.sandbox.workspace import check_workspace\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: check_workspace(pathlib.Path(sys.argv[1]), home=pathlib.Path('/nonexistent'))\n"
        "except WorkspaceError as error: print(error.sentence)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )

    assert why in done.stdout
