"""One container for a workspace: made once, found again, replaced when it must be."""

import asyncio
import sys
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import ImageMissing, SandboxError
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.flags import Limits

pytestmark = pytest.mark.docker


def _names_like(name: str) -> list[str]:
    api = connect()
    try:
        found = api.containers(all=True, filters={"name": name})
    finally:
        api.close()
    return [facts["Id"] for facts in found]


async def test_the_same_container_is_found_again(sandbox: DockerSandbox) -> None:
    first = await sandbox.ensure()
    again = await sandbox.ensure()

    assert (again.id, again.started, again.name) == (first.id, first.started, first.name)


async def test_a_link_to_the_workspace_is_the_same_workspace(
    sandbox: DockerSandbox, workspace: Path, tmp_path: Path, sandbox_image: str
) -> None:
    (tmp_path / "link").symlink_to(workspace)
    first = await sandbox.ensure()

    link, hatch = tmp_path / "link", tmp_path / "hatch"
    async with DockerSandbox(link, image=sandbox_image, tied=True, hatch=hatch) as other:
        assert (await other.ensure()).id == first.id


async def test_ensuring_at_once_makes_one_container(workspace: Path, sandbox_image: str) -> None:
    sandboxes = [DockerSandbox(workspace, image=sandbox_image, tied=True) for _ in range(5)]
    try:
        boxes = await asyncio.gather(*(sandbox.ensure() for sandbox in sandboxes))

        assert len({box.id for box in boxes}) == 1
        assert _names_like(boxes[0].name) == [boxes[0].id]
    finally:
        await sandboxes[0].remove()
        for sandbox in sandboxes:
            await sandbox.aclose()


async def test_replacing_at_once_ends_with_one_container(
    sandbox: DockerSandbox, workspace: Path, sandbox_image: str
) -> None:
    old = await sandbox.ensure()
    limits = Limits(pids=99)
    others = [
        DockerSandbox(workspace, image=sandbox_image, limits=limits, tied=True) for _ in range(4)
    ]
    try:
        boxes = await asyncio.gather(*(other.ensure() for other in others))

        assert len({box.id for box in boxes}) == 1
        assert boxes[0].id != old.id
        assert _names_like(old.name) == [boxes[0].id]
    finally:
        for other in others:
            await other.aclose()


async def test_a_stopped_container_is_started_again(sandbox: DockerSandbox) -> None:
    first = await sandbox.ensure()
    await first.exec(["touch", "/tmp/memory", "/workspace/kept"])

    await sandbox.stop()
    again = await sandbox.ensure()

    assert again.id == first.id
    assert again.started > first.started
    assert (await again.exec(["test", "-e", "/tmp/memory"])).status == 1
    assert (await again.exec(["test", "-e", "/workspace/kept"])).status == 0


async def test_a_paused_container_goes_on(sandbox: DockerSandbox) -> None:
    first = await sandbox.ensure()
    api = connect()
    try:
        api.pause(first.id)
    finally:
        api.close()

    again = await sandbox.ensure()

    assert again.id == first.id
    assert (await again.exec(["true"])).status == 0


async def test_stopping_and_removing_what_is_not_there_is_harmless(sandbox: DockerSandbox) -> None:
    await sandbox.stop()
    await sandbox.remove()


async def test_kill_9_of_the_host_process_leaves_the_container(
    sandbox: DockerSandbox, workspace: Path, tmp_path: Path, sandbox_image: str
) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from pocketcoder_tui.sandbox.container import DockerSandbox\n"
        "async def main():\n"
        "    folder, image, hatch = sys.argv[1:]\n"
        "    folder, hatch = pathlib.Path(folder), pathlib.Path(hatch)\n"
        "    sandbox = DockerSandbox(folder, image=image, hatch=hatch)\n"
        "    box = await sandbox.ensure()\n"
        "    stream = await box.open(['sh', '-c', 'echo $$; exec sleep 1000'])\n"
        "    said = lambda data: print(box.id, data.decode().strip(), flush=True)\n"
        "    stream.follow(said, lambda: None)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(workspace), sandbox_image, str(tmp_path / "hatch"),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    container, pid = (await process.stdout.readline()).decode().split()
    process.kill()
    await process.wait()

    box = await sandbox.ensure()

    assert box.id == container
    assert (await box.exec(["kill", "-0", pid])).status == 0


async def test_another_image_makes_another_container(
    sandbox: DockerSandbox, workspace: Path, sandbox_image: str
) -> None:
    first = await sandbox.ensure()
    api = connect()
    try:
        made = api.commit(first.id, repository="pc-test-image", tag=first.id[:12])
    finally:
        api.close()
    try:
        async with DockerSandbox(workspace, image=made["Id"], tied=True) as other:
            second = await other.ensure()
            assert second.id != first.id
            await other.remove()
    finally:
        api = connect()
        api.remove_image(f"pc-test-image:{first.id[:12]}", force=True)
        api.close()


async def test_a_missing_image_is_said_so(workspace: Path) -> None:
    async with DockerSandbox(workspace, image="pc-no-such-image:1") as sandbox:
        with pytest.raises(ImageMissing):
            await sandbox.ensure()


async def test_an_unknown_runtime_is_said_so(workspace: Path, sandbox_image: str) -> None:
    async with DockerSandbox(workspace, image=sandbox_image, runtime="nonesuch") as sandbox:
        with pytest.raises(SandboxError, match="nonesuch"):
            await sandbox.ensure()


async def test_a_container_of_somebody_else_with_our_name_is_left_alone(
    sandbox: DockerSandbox, sandbox_image: str
) -> None:
    api = connect()
    made = api.create_container_from_config({"Image": sandbox_image, "Cmd": ["true"]}, sandbox.name)
    try:
        with pytest.raises(SandboxError, match="is not PocketCoder's"):
            await sandbox.ensure()
        with pytest.raises(SandboxError, match="is not PocketCoder's"):
            await sandbox.remove()
        assert api.inspect_container(made["Id"])["State"]["Status"] == "created"
    finally:
        api.remove_container(made["Id"], force=True)
        api.close()


ODD = ["a:b", "sp ace", "quo'te\"s", "wörk-✓", "-dash", "new\nline", "a,b=c"]


@pytest.mark.parametrize("name", ODD)
async def test_odd_folder_names(name: str, tmp_path: Path, sandbox_image: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    async with DockerSandbox(folder, image=sandbox_image, tied=True) as sandbox:
        try:
            box = await sandbox.ensure()
            await box.exec(["sh", "-c", "echo inside > made"])
        finally:
            await sandbox.remove()

    assert (folder / "made").read_text() == "inside\n"


async def test_a_container_without_our_seal_is_not_adopted(
    sandbox: DockerSandbox, workspace: Path, sandbox_image: str
) -> None:
    """Somebody else's container with our name and labels."""
    await sandbox.ensure()
    async with DockerSandbox(workspace, image=sandbox_image, tied=True, seal="mine") as other:
        with pytest.raises(SandboxError, match="configuration's secret"):
            await other.ensure()


async def test_a_sealed_container_is_found_again(workspace: Path, sandbox_image: str) -> None:
    async with DockerSandbox(workspace, image=sandbox_image, tied=True, seal="mine") as first:
        try:
            made = await first.ensure()
            assert (await first.ensure()).id == made.id
        finally:
            await first.remove()
