"""The kills of bench/crash.py over a real box: of the process, the container, tmux; and a stop.

Imported by bench/crash.py when it is asked for Docker.
"""

import asyncio
import json
import os
import random
import select
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.core.terminal import Terminal
from pocketcoder_tui.ledger.inspection import open_to_read
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.image import image_tag
from tests.support.accounting import Account, check
from tests.support.crashing import Told, World, one_life

FIRST, LAST = 0.2, 2.0
"""Seconds between which a kill comes; a life begins its first command after about half of one."""
STOPPED = 60.0
"""Seconds for which one life is stopped (SIGSTOP) in the middle."""
EFFECTS = "effects"
Blow = Callable[[Path], Awaitable[None]]
"""What becomes of the box after the process was killed."""


def kills_in_docker(count: int, folder: Path, draw: random.Random, account: Account) -> None:
    """Kill lives over one container, in turn alone, with the container, with the tmux server."""
    workspace = folder / "workspace"
    (workspace / EFFECTS).mkdir(parents=True)
    world = _world(folder / "docker", workspace)
    world.state.mkdir()
    after: list[Blow | None] = [None, _kill_container, _kill_tmux]
    told: list[Told] = []
    try:
        for n in range(count):
            told.append(one_life(world, seconds=draw.uniform(FIRST, LAST)))
            account.deaths += 1
            if (blow := after[n % len(after)]) is not None:
                asyncio.run(blow(workspace))
        told.append(one_life(world, seconds=LAST, on_deadline=_stop_for_a_while))
        account.deaths += 1
        told.append(one_life(_world(world.state, workspace, world.session_id, turns=1)))
        account.lives_over += told[-1].over
        if not told[-1].over:
            account.damaged.append("the last life did not come to its end")
        account.settled += [seconds for life in told for seconds in life.settled]
        check(world, told, _effects(world, workspace), account)
    finally:
        asyncio.run(_remove(workspace))


def _world(state: Path, workspace: Path, session_id: str = "", turns: int = 1_000_000) -> World:
    def command() -> str:
        name = new_id()
        return f"echo {name} >> /workspace/{EFFECTS}/{name}; sleep 0.2"

    async def open_terminal(box: Box) -> Terminal:
        return await TmuxTerminal.open(box)

    def sandbox() -> DockerSandbox:
        return DockerSandbox(workspace, image=image_tag())

    return World(state, session_id or new_id(), sandbox, open_terminal, command, turns)


def _effects(world: World, workspace: Path) -> dict[str, list[str]]:
    """What was done in the container, by the id of the action that left for it."""
    with closing(open_to_read(world.ledger)) as db:
        rows = db.execute(
            "SELECT a.id, a.arguments FROM action AS a JOIN dispatch AS d ON d.action_id = a.id"
        ).fetchall()
    actions = {json.loads(arguments)["command"].split()[1]: action for action, arguments in rows}
    return {
        actions.get(file.name, file.name): file.read_text().splitlines()
        for file in (workspace / EFFECTS).iterdir()
    }


def _stop_for_a_while(child: int) -> None:
    """Let a life stand still while the container goes on, and then go on for a moment itself."""
    os.kill(child, signal.SIGSTOP)
    select.select([], [], [], STOPPED)
    os.kill(child, signal.SIGCONT)
    select.select([], [], [], LAST)


async def _kill_container(workspace: Path) -> None:
    async with DockerSandbox(workspace, image=image_tag()) as sandbox:
        await sandbox.stop()


async def _kill_tmux(workspace: Path) -> None:
    async with DockerSandbox(workspace, image=image_tag()) as sandbox:
        try:
            box = await sandbox.ensure()
            await box.exec(["pkill", "-9", "tmux"])
        except ContainerGone:
            return


async def _remove(workspace: Path) -> None:
    async with DockerSandbox(workspace, image=image_tag()) as sandbox:
        await sandbox.remove()
