"""What the engine is joined from, over the real Docker."""

import shutil
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.config.settings import Settings
from pocketcoder_tui.engine.assembly import LazySandbox, size_bytes
from pocketcoder_tui.engine.options import Options
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.labels import list_boxes


@pytest.mark.docker
async def test_a_box_whose_folder_is_gone_is_removed_by_the_next_session(
    tmp_path: Path, workspace: Path, sandbox_image: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    async with DockerSandbox(gone, image=sandbox_image) as left:
        await left.ensure()
    shutil.rmtree(gone)
    assert left.name in [box.name for box in await list_boxes()]
    paths = Paths.for_workspace(workspace, {"HOME": str(tmp_path)})
    lazy = LazySandbox(Options(paths, Settings()))
    try:
        made = await lazy.ensure()
        names = [box.name for box in await list_boxes()]
        assert left.name not in names
        assert made.name in names
    finally:
        await lazy.aclose()
        async with DockerSandbox(workspace, image=sandbox_image) as own:
            await own.remove()


@pytest.mark.parametrize(("size", "count"), [("512m", 512 << 20), ("4g", 4 << 30), ("1k", 1024)])
def test_sizes(size: str, count: int) -> None:
    assert size_bytes(size) == count
