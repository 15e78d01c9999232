"""The image's name follows its files; its base comes from a registry, a mirror or the person."""

import asyncio
import io
import shutil
from pathlib import Path

import pytest

from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox import bootstrap, image
from pocketcoder_tui.sandbox.bootstrap import (
    bootstrap_base,
    bootstrap_command,
    host_sources,
    progress_of,
)
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.image import (
    Recipe,
    build_image,
    image_check,
    image_folder,
    image_tag,
)
from pocketcoder_tui.sandbox.threads import Engine


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The image's files in a folder that a test may change."""
    folder = tmp_path / "sandbox"
    shutil.copytree(image_folder(), folder)
    monkeypatch.setattr(image, "image_folder", lambda: folder)
    return folder


def _images(name: str) -> list[str]:
    api = connect()
    try:
        return list(api.images(name=name, quiet=True))
    finally:
        api.close()


def _forget(tag: str) -> None:
    api = connect()
    try:
        api.remove_image(tag, force=True)
    finally:
        api.close()


def test_every_source_file_is_part_of_the_name(copied: Path) -> None:
    seen = {image_tag()}
    for path in [copied / "Dockerfile", copied / "packages.txt", copied / "new.conf"]:
        with path.open("a") as file:
            file.write("# more\n")
        seen.add(image_tag())

    assert len(seen) == 4
    assert all(tag.startswith("pocketcoder-sandbox:") and len(tag) == 32 for tag in seen)


def test_a_base_and_packages_are_part_of_the_name_and_nothing_chosen_is_none() -> None:
    chosen = (
        Recipe("debian:trixie"),
        Recipe(packages=("tree",)),
        Recipe(packages=("tree", "nano")),
    )

    assert image_tag(Recipe()) == image_tag()
    assert len({image_tag(), *map(image_tag, chosen)}) == 4


IMPORT = """
FROM {image}
RUN rm -f /etc/passwd /etc/group; cp /opt/pocketcoder/passwd /etc/passwd; {break_it}
"""


@pytest.mark.docker
@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        ("rm $(command -v tmux) /var/lib/dpkg -r; rm $(command -v dpkg-query)", "has no tmux"),
        (
            "rm $(command -v dpkg-query); printf '#!/bin/sh\\necho tmux 3.1c\\n' >/usr/bin/tmux",
            "has a tmux before 3.2",
        ),
    ],
)
async def test_an_image_that_cannot_be_a_box_is_told_what_it_lacks(
    sandbox_image: str, break_it: str, sentence: str
) -> None:
    text = IMPORT.format(image=sandbox_image, break_it=break_it)
    api = connect()
    try:
        for _ in api.build(fileobj=io.BytesIO(text.encode()), tag="pc-test-lacks:1", rm=True):
            pass
    finally:
        api.close()
    try:
        with pytest.raises(SandboxError, match=sentence):
            async for _step in build_image(Recipe("pc-test-lacks:1")):
                pass
    finally:
        _forget("pc-test-lacks:1")


def test_the_seccomp_profile_is_no_part_of_the_image(copied: Path) -> None:
    before = image_tag()
    (copied / "seccomp.json").write_text("{}")

    assert image_tag() == before


@pytest.mark.docker
def test_the_image_is_there_and_a_changed_one_is_not(copied: Path) -> None:
    assert image_check().state is CheckState.OK

    (copied / "packages.txt").write_text("bash\ntmux\n")

    check = image_check()
    assert (check.state, check.mend) == (CheckState.MISSING, "build the image")


def test_without_an_engine_the_image_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")

    check = image_check()

    assert check.state is CheckState.MISSING
    assert check.mend == ""


@pytest.mark.docker
async def test_any_image_with_bash_and_tmux_can_be_the_base(
    copied: Path, sandbox_image: str
) -> None:
    (copied / "extra.conf").write_text("# another image\n")
    try:
        steps = [step async for step in build_image(Recipe(sandbox_image))]

        assert image_check(Recipe(sandbox_image)).state is CheckState.OK
        known = [step.done for step in steps if step.done is not None]
        assert known == sorted(known)
        assert known[-1] == 1.0
    finally:
        _forget(image_tag(Recipe(sandbox_image)))


@pytest.mark.docker
async def test_a_base_that_nobody_has_is_said_so() -> None:
    with pytest.raises(SandboxError, match="neither here nor"):
        async for _step in build_image(Recipe("pc-no-such-base:1")):
            pass


@pytest.mark.docker
async def test_a_build_that_fails_shows_its_last_lines(copied: Path, sandbox_image: str) -> None:
    with (copied / "Dockerfile").open("a") as file:
        file.write("RUN echo the reason; exit 9\n")

    with pytest.raises(SandboxError, match="the reason"):
        async for _step in build_image(Recipe(sandbox_image)):
            pass

    assert _images(image_tag(Recipe(sandbox_image))) == []


@pytest.mark.docker
async def test_a_closed_bootstrap_ends_the_program_and_leaves_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ended"
    fake = tmp_path / "mmdebstrap"
    fake.write_text(
        "#!/bin/bash\n"
        f"trap 'echo ended >{marker}; exit 1' TERM\n"
        "echo 'I: running apt-get update...' >&2\n"
        "tar -c -C / etc/hostname\n"
        "echo 'I: creating tarball...' >&2\n"
        "sleep 1000 & wait\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(bootstrap, "host_sources", lambda: ["deb mirror bookworm main"])
    tag = "pc-test-bootstrap:1"
    async with Engine() as engine:
        building = bootstrap_base(engine, tag, ["bash"])
        first = await anext(building)
        assert first.sentence == "Reading the package lists."

        await asyncio.wait_for(building.aclose(), 20)

    assert marker.read_text() == "ended\n"
    assert _images("pc-test-bootstrap") == []


def test_the_bootstrap_runs_as_root_by_sudo_or_in_a_namespace() -> None:
    assert bootstrap_command(["bash"], uid=0, sudo=False)[0] == "mmdebstrap"
    assert bootstrap_command(["bash"], uid=1000, sudo=True)[:3] == ["sudo", "-n", "mmdebstrap"]
    unprivileged = bootstrap_command(["bash", "tmux"], uid=1000, sudo=False)
    assert unprivileged[:2] == ["mmdebstrap", "--mode=unshare"]
    assert "--include=bash,tmux" in unprivileged


def test_a_system_without_a_mirror_is_told_what_to_do(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text("ID=fedora\n")

    with pytest.raises(SandboxError) as caught:
        host_sources(tmp_path, release)

    assert "bash and tmux" in caught.value.hint


def test_progress_follows_the_programs_own_words() -> None:
    lines = [
        "I: automatically chosen mode: root",
        "I: running apt-get update...",
        "I: downloading packages with apt...",
        "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
        "Get:1 somewhere a",
        "Get:2 somewhere b",
        "I: installing essential packages...",
        "Setting up a ...",
        "Setting up b ...",
        "I: creating tarball...",
    ]
    stage, counts, seen = 0, (0, 0), []
    for line in lines:
        stage, counts = progress_of(line, stage, counts)
        seen.append((stage, counts))

    assert seen == [
        (0, (0, 0)), (0, (0, 0)), (1, (0, 0)), (1, (0, 2)), (1, (1, 2)), (1, (2, 2)),
        (3, (0, 2)), (3, (1, 2)), (3, (2, 2)), (6, (0, 2)),
    ]  # fmt: skip
