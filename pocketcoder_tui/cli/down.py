"""`pocketcoder down`: stop the box of a workspace; its files and its history stay."""

import asyncio
from typing import TYPE_CHECKING

from pocketcoder_tui.cli.arguments import Arguments
from pocketcoder_tui.cli.output import say
from pocketcoder_tui.config.paths import Paths

if TYPE_CHECKING:
    from pocketcoder_tui.sandbox.labels import BoxSummary

STOPPED = ("exited", "created", "dead")
"""Docker's words for a container in which nothing runs."""


def run(args: Arguments, paths: Paths) -> int:
    """Stop it, and what runs in it. Raises SandboxError."""
    say(asyncio.run(_stop(paths)))
    return 0


async def _stop(paths: Paths) -> str:
    from pocketcoder_tui.sandbox.container import DockerSandbox

    box = await find_box(paths)
    if box is None or box.status in STOPPED:
        return f"No box of {paths.workspace} is running."
    async with DockerSandbox(paths.workspace, image=box.id) as sandbox:
        await sandbox.stop()
    return f"The box {box.name} is stopped. It starts again with pocketcoder."


async def find_box(paths: Paths) -> "BoxSummary | None":
    """Return the workspace's container, running or not; None without one. Raises SandboxError."""
    from pocketcoder_tui.sandbox.labels import container_name, list_boxes

    name = container_name(paths.workspace)
    return next((box for box in await list_boxes() if box.name == name), None)
