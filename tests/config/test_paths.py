"""State is private, apart from the workspace, and one folder for each workspace."""

import os
import stat
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.errors import ConfigError, WorkspaceError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_places_follow_the_environment(tmp_path: Path) -> None:
    env = {"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CONFIG_HOME": "/c"}
    paths = Paths.for_workspace(tmp_path / "shop", env)
    assert paths.state.parent == Path("/s/pocketcoder")
    assert paths.state.name.startswith("shop-")
    assert paths.env_file == Path("/c/pocketcoder/.env")
    assert paths.ledger == paths.state / "ledger.db"


@pytest.mark.parametrize("value", ["", "relative/state"])
def test_a_relative_base_is_ignored_as_the_specification_says(value: str) -> None:
    env = {"HOME": "/h", "XDG_STATE_HOME": value, "XDG_CONFIG_HOME": value}
    paths = Paths.for_workspace(Path("/w"), env)
    assert paths.state_root == Path("/h/.local/state/pocketcoder")
    assert paths.config == Path("/h/.config/pocketcoder")


def test_without_home_the_password_database_is_asked() -> None:
    import pwd

    expected = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert Paths.for_workspace(Path("/w"), {}).config == expected / ".config/pocketcoder"


def test_two_folders_of_one_name_do_not_share_state(tmp_path: Path) -> None:
    env = {"HOME": "/h"}
    one = Paths.for_workspace(tmp_path / "a/shop", env)
    two = Paths.for_workspace(tmp_path / "b/shop", env)
    assert one.state != two.state
    assert one.state.name[:5] == two.state.name[:5] == "shop-"


def test_a_link_and_its_folder_are_one_workspace(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "link").symlink_to("shop")
    env = {"HOME": "/h"}
    assert Paths.for_workspace(tmp_path / "link", env) == Paths.for_workspace(
        tmp_path / "shop", env
    )


@pytest.mark.parametrize("name", ["..x", "é\n", "a b", "-" * 200, "\udcff"])
def test_state_folder_names_are_harmless(tmp_path: Path, name: str) -> None:
    made = Paths.for_workspace(tmp_path / name, {"HOME": "/h"}).state.name
    assert made.isascii()
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not made.startswith(".")
    assert len(made) < 64


def test_prepare_makes_private_folders_that_name_their_workspace(paths: Paths) -> None:
    os.umask(0o022)
    paths.prepare()
    assert mode(paths.state) == mode(paths.state_root) == 0o700
    assert paths.marker.read_bytes() == os.fsencode(paths.workspace)


def test_prepare_closes_a_folder_that_was_open_to_others(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.state.chmod(0o755)
    paths.prepare()
    assert mode(paths.state) == 0o700


def test_prepare_says_what_stands_in_the_way(paths: Paths) -> None:
    paths.state_root.parent.mkdir(parents=True)
    paths.state_root.write_text("a file")
    with pytest.raises(ConfigError, match=r"state folder .* cannot be made"):
        paths.prepare()


@pytest.mark.parametrize("inside", ["", "home", "home/.config", "home/.local/state/pocketcoder"])
def test_a_workspace_that_reaches_our_files_is_refused(paths: Paths, inside: str) -> None:
    top = paths.workspace.parent
    with pytest.raises(WorkspaceError, match="pocketcoder's own files"):
        Paths.for_workspace(top / inside).check_apart()
    paths.check_apart()


def test_a_link_does_not_hide_that_our_files_are_in_the_workspace(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").symlink_to(paths.workspace)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(WorkspaceError):
        Paths.for_workspace(paths.workspace).check_apart()


def test_others_are_the_workspaces_with_state_that_still_exist(paths: Paths) -> None:
    other = paths.workspace.parent / "other"
    gone = paths.workspace.parent / "gone"
    other.mkdir()
    for each in (paths, Paths.for_workspace(other), Paths.for_workspace(gone)):
        each.prepare()
    (paths.state_root / "stray").write_text("")
    assert paths.others() == [other]
    ledger = Paths.for_workspace(other).ledger
    assert paths.others(lambda asked: asked == ledger) == [other]
    assert paths.others(lambda asked: asked != ledger) == []


def test_a_folder_that_went_away_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(WorkspaceError, match="does not exist any more"):
        Paths.for_workspace(Path())
