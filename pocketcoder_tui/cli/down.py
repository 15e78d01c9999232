"""`pocketcoder down`: stop the box of a workspace; its files and its history stay."""

import asyncio
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import say
from pocketcoder_tui.config.paths import Paths

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.container import DockerSandbox
    from pocketcoder_tui.sandbox.labels import BoxSummary

STOPPED = ("exited", "created", "dead")
"""Docker's words for a container in which nothing runs."""


def run(args: Arguments, paths: Paths) -> int:
    """Stop it, and what runs in it. Raises SandboxError."""
    say(asyncio.run(_stop(paths)))
    return 0


async def _stop(paths: Paths) -> str:
    box = await find_box(paths)
    if box is None or box.status in STOPPED:
        return f"No box of {paths.workspace} is running."
    async with found_sandbox(paths, box) as sandbox:
        await sandbox.stop()
    return f"The box {box.name} is stopped. It starts again with pocketcoder."


async def find_box(paths: Paths) -> "BoxSummary | None":
    """Return the workspace's container, running or not; None without one. Raises SandboxError."""
    from pocketcoder_tui.sandbox.labels import container_name, list_boxes

    names = [container_name(paths.workspace, elsewhere=there) for there in (False, True)]
    return next((box for box in await list_boxes() if box.name in names and box.ours), None)


def found_sandbox(paths: Paths, box: "BoxSummary") -> "DockerSandbox":
    """What stops or removes a box that was found; needs no settings, which may be wrong.

    Secret files are hidden as they are by default: nothing is sent to the box any more.
    """
    from pocketcoder_tui.core.hiding import Hiding
    from pocketcoder_tui.sandbox.container import DockerSandbox
    from pocketcoder_tui.sandbox.labels import container_name

    there = box.name == container_name(paths.workspace, elsewhere=True)
    carried = paths.carried if there else None
    return DockerSandbox(paths.workspace, image=box.id, carried=carried, hiding=Hiding())
