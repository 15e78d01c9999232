"""The person in the same shell: their lines are theirs, and none is joined to a command."""

import asyncio

import pytest

from pocketcoder_tui.core.terminal import CommandHeld, PersonLine
from pocketcoder_tui.relay.machine import WHY, PaneState
from pocketcoder_tui.sandbox.box import DockerBox
from tests.relay.conftest import TMUX, Hand

pytestmark = pytest.mark.docker

KEYS = (*TMUX, "send-keys")


class Lines:
    """What the terminal reports of the person."""

    def __init__(self, hand: Hand) -> None:
        self._lines: asyncio.Queue[PersonLine] = asyncio.Queue()
        hand.terminal.listen(self._lines.put_nowait)

    async def next(self) -> PersonLine:
        return await asyncio.wait_for(self._lines.get(), 10)

    @property
    def none(self) -> bool:
        return self._lines.empty()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("echo hi", ("echo hi", 0, "hi\n")),
        ("false", ("false", 1, "")),
        ("echo 'a;b' \"é😀\" % ~", ("echo 'a;b' \"é😀\" % ~", 0, "a;b é😀 % /home/agent\n")),
        ("printf 'no newline'", ("printf 'no newline'", 0, "no newline")),
        (" echo private", ("", 0, "private\n")),
    ],
)
async def test_a_typed_line_is_told_whole(
    hand: Hand, box: DockerBox, typed: str, told: tuple[str, int, str]
) -> None:
    await hand.run("true")
    lines = Lines(hand)
    await box.exec([*KEYS, "-l", "--", typed])
    await box.exec([*KEYS, "Enter"])
    line = await lines.next()
    assert (line.command, line.status, line.output) == told
    assert (line.window, line.cwd) == ("agent", "/workspace")
    assert (await hand.run("echo mine")).output == "mine\n"
    assert lines.none


async def test_a_command_of_several_lines_is_one(hand: Hand, box: DockerBox) -> None:
    await hand.run("true")
    lines = Lines(hand)
    await box.exec([*KEYS, "if true; then", "Enter", "echo in it", "Enter", "fi", "Enter"])
    line = await lines.next()
    assert line.command.split() == ["if", "true;", "then", "echo", "in", "it;", "fi"]
    assert line.output == "in it\n"
    assert lines.none


async def test_the_same_line_twice_is_told_twice(hand: Hand, box: DockerBox) -> None:
    await hand.run("true")
    lines = Lines(hand)
    for _ in range(2):
        await box.exec([*KEYS, "echo again", "Enter"])
        assert (await lines.next()).command == "echo again"


async def test_commands_of_the_agent_are_not_taken_for_the_person_s(hand: Hand) -> None:
    lines = Lines(hand)
    for command in ("true", "false", "cd /tmp", "sleep 0 &", "(exit 3)", "exit 1", "true"):
        await hand.run(command)
    assert lines.none


async def test_an_empty_line_and_an_interrupted_one_are_no_commands(
    hand: Hand, box: DockerBox
) -> None:
    await hand.run("true")
    lines = Lines(hand)
    await box.exec([*KEYS, "Enter", "Enter"])
    await box.exec([*KEYS, "echo not this", "C-c"])
    await box.exec([*KEYS, "echo this", "Enter"])
    assert (await lines.next()).command == "echo this"


async def test_a_person_s_program_holds_the_agent_s_command(hand: Hand, box: DockerBox) -> None:
    await hand.run("true")
    lines = Lines(hand)
    await box.exec([*KEYS, "python3 -i -c ''", "Enter"])
    held: asyncio.Queue[CommandHeld] = asyncio.Queue()

    async def mine() -> str:
        await hand.window.free(held.put_nowait)
        return (await hand.run("echo mine")).output

    task = asyncio.create_task(mine())
    assert await asyncio.wait_for(held.get(), 10) == CommandHeld(WHY[PaneState.FOREIGN])
    await box.exec([*KEYS, "print(6*7)", "Enter"])
    await box.exec([*KEYS, "C-d"])
    assert await asyncio.wait_for(task, 10) == "mine\n"
    line = await lines.next()
    assert line.command == "python3 -i -c ''"
    assert "42" in line.output


async def test_a_line_typed_at_the_same_moment_is_never_joined(hand: Hand, box: DockerBox) -> None:
    """Whoever is first, the two never meet on one line, and both run."""
    await hand.run("true")
    lines = Lines(hand)
    for number in range(8):
        typing = asyncio.create_task(box.exec([*KEYS, f"echo theirs {number}", "Enter"]))
        ended = await hand.run(f"echo mine {number}")
        await typing
        assert ended.output == f"mine {number}\n"
        line = await lines.next()
        assert (line.command, line.output) == (f"echo theirs {number}", f"theirs {number}\n")
    assert lines.none


async def test_what_a_person_changes_is_seen_by_the_agent(hand: Hand, box: DockerBox) -> None:
    await hand.run("true")
    lines = Lines(hand)
    await box.exec([*KEYS, "cd /tmp && export X=7", "Enter"])
    assert (await lines.next()).cwd == "/tmp"
    assert hand.window.cwd == "/tmp"
    assert (await hand.run("pwd; echo $X")).output == "/tmp\n7\n"


@pytest.mark.parametrize(
    "change",
    ["HISTCONTROL=ignoreboth", "set +o history", "HISTTIMEFORMAT='%F '", "PS0=x", "PS1='> '"],
)
async def test_a_changed_shell_is_told_of_as_far_as_it_can_be(
    hand: Hand, box: DockerBox, change: str
) -> None:
    await hand.run(change)
    lines = Lines(hand)
    await box.exec([*KEYS, "echo one", "Enter"])
    line = await lines.next()
    assert line.command in ("echo one", "")
    assert line.output.replace("x", "") == "one\n"
    assert (await hand.run("echo mine")).output == "mine\n"
