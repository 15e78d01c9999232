"""Our containers are listed; orphans among them are removed, and nothing else."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.labels import list_boxes, reap_orphans

pytestmark = pytest.mark.docker


def _names_like(name: str) -> list[str]:
    api = connect()
    try:
        found = api.containers(all=True, filters={"name": name})
    finally:
        api.close()
    return [facts["Id"] for facts in found]


async def test_boxes_are_listed(sandbox: DockerSandbox, workspace: Path) -> None:
    box = await sandbox.ensure()

    mine = [found for found in await list_boxes() if found.id == box.id]

    assert [(found.workspace, found.status) for found in mine] == [(workspace, "running")]


async def test_orphans_are_reaped_and_nothing_else(
    sandbox: DockerSandbox, tmp_path: Path, sandbox_image: str
) -> None:
    kept = await sandbox.ensure()
    gone = tmp_path / "gone"
    gone.mkdir()
    async with DockerSandbox(gone, image=sandbox_image) as other:
        orphan = await other.ensure()
    api = connect()
    foreign = api.create_container_from_config({"Image": sandbox_image, "Cmd": ["true"]}, None)
    try:
        await reap_orphans()
        assert _names_like(orphan.name) == [orphan.id]
        gone.rmdir()

        reaped = await reap_orphans()

        assert orphan.id in [box.id for box in reaped]
        assert _names_like(orphan.name) == []
        assert _names_like(kept.name) == [kept.id]
        assert api.inspect_container(foreign["Id"])["Id"] == foreign["Id"]
    finally:
        api.remove_container(foreign["Id"], force=True)
        api.close()


async def test_the_box_of_a_dead_test_process_is_reaped(
    workspace: Path, sandbox_image: str
) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from pocketcoder_tui.sandbox.container import DockerSandbox\n"
        "sandbox = DockerSandbox(pathlib.Path(sys.argv[1]), image=sys.argv[2], tied=True)\n"
        "print(asyncio.run(sandbox.ensure()).id)\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(workspace), sandbox_image],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout.strip() in [box.id for box in await reap_orphans()]
