"""What was chosen for a box is kept whole, and only what can be an image or a package."""

import json
import stat
from pathlib import Path

import pytest

from pocketcoder_tui.config.boxes import BoxChoices, check_image, check_package, keep, read
from pocketcoder_tui.core.errors import ConfigError

CHOICES = BoxChoices("debian:trixie", ("nodejs", "npm"))


def test_choices_are_read_as_they_were_kept_and_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "boxes" / "shop.json"
    assert read(file) == BoxChoices()
    keep(file, CHOICES)
    assert read(file) == CHOICES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["shop.json"]


def test_choices_that_are_none_leave_no_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    keep(file, CHOICES)
    keep(file, BoxChoices())
    keep(file, BoxChoices())
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"image": 1, "packages": []}',
        json.dumps({"image": "-v /:/host", "packages": []}),
        json.dumps({"image": "", "packages": ["tree; rm -rf /"]}),
        json.dumps({"image": "", "packages": ["tree"] * 201}),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shop.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["nodejs", "g++", "libstdc++-12-dev", "python3.11", "0ad"])
def test_names_of_packages(name: str) -> None:
    assert check_package(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a", "-y", "--purge", "Tree", "tree=1", "tree/sid", "tree\n", "a b", "$(id)", "a;b"],
)
def test_what_is_no_package(name: str) -> None:
    with pytest.raises(ConfigError):
        check_package(name)


@pytest.mark.parametrize("name", ["", "-v", "a b", "x\ny", "$(id)", "a;b", "ü", "x" * 300])
def test_what_is_no_image(name: str) -> None:
    with pytest.raises(ConfigError):
        check_image(name)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "boxes").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be written"):
        keep(tmp_path / "boxes" / "shop.json", CHOICES)
