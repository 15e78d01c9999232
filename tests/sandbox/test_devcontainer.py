"""The image that a repository names: read from a file that the agent can write."""

import os
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import WorkspaceError
from pocketcoder_tui.sandbox.devcontainer import Proposal, proposal_of, without_comments

FILE = ".devcontainer/devcontainer.json"


def put(workspace: Path, text: str, name: str = FILE) -> None:
    """Write the file."""
    place = workspace / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)


def test_an_image_is_taken_and_what_else_is_there_is_named(tmp_path: Path) -> None:
    put(
        tmp_path,
        '// ours\n{"image": "a/b:1", /* x */ "features": {}, "runArgs": ["--privileged",],}',
    )
    assert proposal_of(tmp_path) == Proposal(FILE, "a/b:1", ("features", "runArgs"))


def test_the_other_place_counts_too(tmp_path: Path) -> None:
    put(tmp_path, '{"image": "a:1"}', ".devcontainer.json")
    assert proposal_of(tmp_path).image == "a:1"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('{"a": "x // no"}', '{"a": "x // no"}'),
        ('{"a": "x \\" /* no */"}', '{"a": "x \\" /* no */"}'),
        ('{"a": ",]"}', '{"a": ",]"}'),
        ('{"a": [1, // one\n]}', '{"a": [1  \n]}'),
        ('{"a": 1, /* x */ }', '{"a": 1   }'),
    ],
)
def test_comments_go_and_texts_stay(text: str, bare: str) -> None:
    assert without_comments(text) == bare


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "names no image"),
        ('{"build": {"dockerfile": "Dockerfile"}}', "names no image"),
        ('{"image": ["a"]}', "names no image"),
    ],
)
def test_a_file_without_an_image_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    put(tmp_path, text)
    with pytest.raises(WorkspaceError, match=sentence):
        proposal_of(tmp_path)


def test_links_and_pipes_are_no_file(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text('{"image": "evil:1"}')
    workspace = tmp_path / "shop"
    (workspace / ".devcontainer").mkdir(parents=True)
    (workspace / FILE).symlink_to(outside)
    os.mkfifo(workspace / ".devcontainer.json")
    with pytest.raises(WorkspaceError, match="There is no devcontainer"):
        proposal_of(workspace)
