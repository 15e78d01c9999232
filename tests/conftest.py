"""What tests share: a Docker engine or a loud reason, the sandbox image, and a fresh box.

A test that is marked ``docker`` is skipped with a reason where no engine runs, and fails instead
when ``POCKETCODER_REQUIRE_DOCKER=1`` or ``CI=true``: nobody may take a green run for a whole one.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import engine_check
from pocketcoder_tui.sandbox.image import build_image, image_check, image_tag
from pocketcoder_tui.sandbox.labels import reap_orphans

settings.register_profile("house", deadline=None)
settings.load_profile("house")
"""No test fails for taking long: the machines are noisy, and speed is measured in bench/."""


def docker_required() -> bool:
    """True where a missing engine is a failure."""
    told = os.environ.get("POCKETCODER_REQUIRE_DOCKER", ""), os.environ.get("CI", "")
    return told[0] == "1" or told[1].lower() in ("1", "true")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the image before the first test's clock runs, if any selected test needs it."""
    needed = any(item.get_closest_marker("docker") for item in session.items)
    if needed and not session.config.option.collectonly and _engine_missing() == "":
        asyncio.run(_prepare())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold a marked test to the rule, whether it asks for a fixture or not."""
    if item.get_closest_marker("docker"):
        _require_engine()


def _engine_missing() -> str:
    check = engine_check()
    return "" if check.state is CheckState.OK else f"{check.sentence} {check.hint}"


def _require_engine() -> None:
    why = _engine_missing()
    if why and docker_required():
        pytest.fail(f"Docker is required and cannot be used: {why}", pytrace=False)
    if why:
        pytest.skip(f"NOT TESTED, Docker cannot be used: {why}")


async def _prepare() -> None:
    await reap_orphans()
    if image_check().state is not CheckState.OK:
        async for _step in build_image():
            pass


@pytest.fixture(scope="session")
def docker_ready() -> None:
    """A running engine, or the test is skipped or failed."""
    _require_engine()


@pytest.fixture(scope="session")
def sandbox_image(docker_ready: None) -> str:
    """The sandbox image's name; it was built before the first test."""
    return image_tag()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
async def sandbox(
    sandbox_image: str, workspace: Path, tmp_path: Path
) -> AsyncIterator[DockerSandbox]:
    """A sandbox for ``workspace``, not started; its container is removed afterwards."""
    async with DockerSandbox(
        workspace, image=sandbox_image, tied=True, hatch=tmp_path / "hatch"
    ) as made:
        try:
            yield made
        finally:
            await made.remove()


@pytest.fixture
async def box(sandbox: DockerSandbox) -> DockerBox:
    """A fresh running box on ``workspace``."""
    return await sandbox.ensure()
