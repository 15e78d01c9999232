"""Several windows: each has its own shell, directory and command, and one that died comes back."""

import asyncio

import pytest

from pocketcoder_tui.core.errors import RelayError
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.terminal import CommandEnded, CommandOutput, StillRunning, WindowState
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.relay.terminal import MADE_AGAIN
from pocketcoder_tui.sandbox.box import DockerBox
from tests.relay.conftest import TMUX, Hand

pytestmark = pytest.mark.docker


async def other(hand: Hand, name: str) -> Hand:
    return Hand(hand.terminal, await hand.terminal.window(name))


async def test_windows_have_their_own_directory_and_variables(hand: Hand) -> None:
    server = await other(hand, "server")
    await hand.run("cd /tmp; x=1")
    assert (await server.run("pwd; echo [$x]")).output == "/workspace\n[]\n"
    assert (hand.window.cwd, server.window.cwd) == ("/tmp", "/workspace")
    assert [facts.name for facts in hand.terminal.windows()] == ["agent", "server"]
    assert (await hand.terminal.window("server")) is server.window


async def test_a_command_in_one_window_does_not_hold_another(hand: Hand, box: DockerBox) -> None:
    server = await other(hand, "server")
    async with server.running("echo up; exec cat") as run:
        await run.until(lambda run: "up" in run.text)
        assert (await hand.run("echo here")).output == "here\n"
        assert server.window.state in (WindowState.BUSY, WindowState.NEEDS_INPUT)
        await server.window.interrupt()
        assert (await run.ended()).shell_died


async def test_four_windows_at_once_lose_double_and_merge_nothing(hand: Hand) -> None:
    hands = [hand, *[await other(hand, f"w{n}") for n in range(3)]]

    async def work(number: int, mine: Hand) -> None:
        for turn in range(50):
            ended = await mine.run(f"echo {number} {turn} >>/tmp/w{number}; echo {number} {turn}")
            assert (ended.status, ended.output) == (0, f"{number} {turn}\n")

    async with asyncio.TaskGroup() as group:
        for number, mine in enumerate(hands):
            group.create_task(work(number, mine))
    for number in range(4):
        kept = (await hand.run(f"cat /tmp/w{number}")).output
        assert kept == "".join(f"{number} {turn}\n" for turn in range(50))


@pytest.mark.parametrize("name", ["", "A", "a b", "-x", "é", "x" * 25, "a;b", "%0", "../x"])
async def test_a_name_that_cannot_be_is_refused(hand: Hand, name: str) -> None:
    with pytest.raises(RelayError, match="cannot be called"):
        await hand.terminal.window(name)


async def test_a_window_that_was_closed_is_made_again_and_says_so(
    hand: Hand, box: DockerBox
) -> None:
    server = await other(hand, "server")
    async with server.running("echo up; exec sleep 1000") as run:
        await run.until(lambda run: "up" in run.text)
        await box.exec([*TMUX, "kill-window", "-t", "pocketcoder:server"])
        with pytest.raises(RelayError, match="closed"):
            await asyncio.wait_for(run.task, 2)
    assert [facts.name for facts in hand.terminal.windows()] == ["agent"]
    again = await other(hand, "server")
    assert again.window.news == MADE_AGAIN
    assert again.window.news == ""
    assert (await again.run("echo back")).output == "back\n"
    assert (await hand.run("echo main")).output == "main\n"


async def test_a_shell_that_died_at_its_prompt_comes_back_and_says_so(hand: Hand) -> None:
    server = await other(hand, "server")
    await server.run("cd /tmp")
    pid = int((await server.run("echo $$")).output)
    await hand.run(f"kill -9 {pid}")
    ended = await server.run("pwd")
    assert (ended.status, ended.output) == (0, "/tmp\n")
    assert "new one was started" in server.window.news


async def test_windows_and_their_commands_are_found_again(hand: Hand, box: DockerBox) -> None:
    server = await other(hand, "server")
    await box.exec(["mkfifo", "/tmp/go"])
    action = new_id()
    items = server.window.run(action, b"echo up; read x </tmp/go; echo over; (exit 4)")
    await anext(items)
    await hand.terminal.aclose()

    second = await TmuxTerminal.open(box)
    names = {facts.name: facts for facts in second.windows()}
    assert set(names) == {"agent", "server"}
    assert names["server"].action_id == action
    assert isinstance(await second.find(action), StillRunning)
    following = second.follow(action)
    first = await anext(following)
    assert isinstance(first, CommandOutput)
    assert "up" in first.text
    await box.exec(["bash", "-c", "echo >/tmp/go"])
    rest = [item async for item in following]
    assert isinstance(rest[-1], CommandEnded)
    assert (rest[-1].status, rest[-1].output) == (4, "up\nover\n")
    main = Hand(second, await second.window())
    assert (await main.run("echo main")).output == "main\n"
    await second.aclose()


async def test_the_window_that_is_shown_is_the_one_that_is_watched(hand: Hand) -> None:
    server = await other(hand, "server")
    frames: asyncio.Queue[ScreenChanged] = asyncio.Queue()
    async with hand.terminal.watch(frames.put_nowait):
        await hand.run("echo in the main one")
        await hand.terminal.show("server")
        await server.run("echo in the server")
        async with asyncio.timeout(10):
            while True:
                frame = await frames.get()
                if frame.window == "server" and any("in the server" in row for row in frame.lines):
                    break
    assert not any("in the main one" in row for row in frame.lines)
