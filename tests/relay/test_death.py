"""What can die: the stream, the server, the container. Each is noticed soon, and said."""

import asyncio

import pytest

from pocketcoder_tui.core.errors import ContainerGone, PocketCoderError, RelayError
from pocketcoder_tui.core.terminal import CannotTell, CommandEnded, StillRunning
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from tests.relay.conftest import TMUX, Hand

pytestmark = pytest.mark.docker

SOON = 2.0
"""Seconds within which a death is noticed."""


async def test_the_stream_is_cut_and_the_command_goes_on(hand: Hand, box: DockerBox) -> None:
    await box.exec(["mkfifo", "/tmp/go"])
    async with hand.running("echo up; read x </tmp/go; echo over; (exit 3)") as run:
        await run.until(lambda run: "up" in run.text)
        await box.exec(["bash", "-c", "kill -9 $(pgrep -f 'tmux.*-C new-session' | head -1)"])
        with pytest.raises(RelayError):
            await asyncio.wait_for(run.task, SOON)
    assert await asyncio.wait_for(hand.terminal.lost(), SOON)
    with pytest.raises(PocketCoderError):
        await hand.run("echo no")

    again = await TmuxTerminal.open(box)
    assert isinstance(await again.find(run.id), StillRunning)
    following = again.follow(run.id)
    await anext(following)
    await box.exec(["bash", "-c", "echo >/tmp/go"])
    rest = [item async for item in following]
    assert isinstance(rest[-1], CommandEnded)
    assert (rest[-1].status, rest[-1].output) == (3, "up\nover\n")
    await again.aclose()


async def test_a_command_that_ended_meanwhile_is_read_back(hand: Hand, box: DockerBox) -> None:
    await box.exec(["mkfifo", "/tmp/go", "/tmp/done"])
    text = "echo up; read x </tmp/go; echo later; printf x >/tmp/done; (exit 9)"
    async with hand.running(text) as run:
        await run.until(lambda run: "up" in run.text)
        await hand.terminal.aclose()
    await box.exec(["bash", "-c", "echo >/tmp/go; cat /tmp/done"])
    again = await TmuxTerminal.open(box)
    found = await again.find(run.id)
    while isinstance(found, StillRunning):
        found = await again.find(run.id)
    assert isinstance(found, CommandEnded)
    assert (found.status, found.output) == (9, "up\nlater\n")
    await again.aclose()


async def test_the_server_is_killed(hand: Hand, box: DockerBox) -> None:
    async with hand.running("echo up; exec sleep 1000") as run:
        await run.until(lambda run: "up" in run.text)
        await box.exec([*TMUX, "kill-server"])
        with pytest.raises(RelayError, match=r"closed|ended"):
            await asyncio.wait_for(run.task, SOON)
    again = await TmuxTerminal.open(box)
    found = await again.find(run.id)
    assert isinstance(found, CannotTell)
    assert "gone" in found.why
    mine = Hand(again, await again.window())
    assert (await mine.run("echo new")).output == "new\n"
    await again.aclose()


async def test_the_server_is_killed_hard(hand: Hand, box: DockerBox) -> None:
    await hand.run("true")
    await box.exec(["bash", "-c", f"kill -9 $({' '.join(TMUX)} display-message -p '#{{pid}}')"])
    assert await asyncio.wait_for(hand.terminal.lost(), SOON)
    again = await TmuxTerminal.open(box)
    assert (await Hand(again, await again.window()).run("echo new")).output == "new\n"
    await again.aclose()


@pytest.mark.parametrize("how", ["stop", "remove"])
async def test_the_container_goes(
    hand: Hand, box: DockerBox, sandbox: DockerSandbox, how: str
) -> None:
    async with hand.running("echo up; exec sleep 1000") as run:
        await run.until(lambda run: "up" in run.text)
        going = asyncio.create_task(getattr(sandbox, how)())
        with pytest.raises(PocketCoderError):
            await asyncio.wait_for(run.task, 5)
        await going
    assert await asyncio.wait_for(hand.terminal.lost(), SOON)
    with pytest.raises(ContainerGone):
        await box.exec(["true"])
    # A new box knows nothing of the action, and says that nobody can.
    fresh = await sandbox.ensure()
    again = await TmuxTerminal.open(fresh)
    assert isinstance(await again.find(run.id), CannotTell)
    assert (await Hand(again, await again.window()).run("echo new")).output == "new\n"
    await again.aclose()


async def test_every_process_of_the_box_is_killed(
    hand: Hand, box: DockerBox, sandbox: DockerSandbox
) -> None:
    async with hand.running("echo up; kill -9 -1; sleep 1000") as run:
        with pytest.raises(PocketCoderError):
            await asyncio.wait_for(run.task, SOON)
    # The pipes tell before Docker knows.
    await asyncio.wait_for(_gone(box), 10)
    again = await TmuxTerminal.open(await sandbox.ensure())
    assert (await Hand(again, await again.window()).run("echo new")).output == "new\n"
    await again.aclose()


async def _gone(box: DockerBox) -> None:
    """Return when Docker knows that the container is gone."""
    try:
        while True:
            await box.exec(["true"])
    except ContainerGone:
        return


async def test_a_shell_s_end_that_tmux_tells_nobody_is_seen_by_a_look(
    hand: Hand, box: DockerBox
) -> None:
    await box.exec([*TMUX, "set-hook", "-gu", "pane-died"])
    async with hand.running("echo up; sleep 0.3; kill -9 $PPID; exec sleep 1000") as run:
        ended = await run.ended()
    assert (ended.status, ended.output, ended.shell_died) == (None, "up\n", True)
    assert (await hand.run("echo back")).output == "back\n"


async def test_a_shell_that_says_early_that_it_ends_is_looked_at_again(
    hand: Hand, box: DockerBox
) -> None:
    await box.exec([*TMUX, "set-hook", "-gu", "pane-died"])
    window = hand.window
    shell = int((await hand.run("echo $PPID")).output)
    await hand.run(r"""(sleep 0.3; printf '\e]133;X\a'; sleep 0.6; kill -9 $PPID) & disown""")
    async with asyncio.timeout(15):
        await window.pane.changes.until(lambda: window.pane.pid != shell)
    assert (await hand.run("echo back")).output == "back\n"
    assert "new one was started" in window.news
