"""Commands that take long, want input, fill the screen, or are interrupted."""

import pytest

from pocketcoder_tui.core.errors import RelayError, ShellBusy
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.terminal import CommandEnded, CommandWaits, WindowState
from pocketcoder_tui.relay.keys import key_name
from pocketcoder_tui.sandbox.box import DockerBox
from tests.relay.conftest import TMUX, Hand

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    "command",
    [
        "read -p 'name? ' x; echo hello $x",
        "bash -c 'read -p \"name? \" x; echo hello $x'",
        'python3 -c \'x = input("name? "); print("hello", x)\'',
        'sh -c \'printf "name? "; head -n 1 | sed "s/^/hello /"\'',
    ],
)
async def test_a_command_that_waits_for_a_line_is_recognised(hand: Hand, command: str) -> None:
    async with hand.running(command) as run:
        await run.until(lambda run: run.waits)
        assert hand.window.state is WindowState.NEEDS_INPUT
        progress = hand.window.progress(run.id)
        assert progress is not None
        assert (progress.output, progress.needs_input) == ("name? ", True)
        await hand.window.type_text("Ada\n")
        ended = await run.ended()
    assert (ended.status, ended.output) == (0, "name? Ada\nhello Ada\n")
    assert (await hand.run("echo next")).output == "next\n"


async def test_a_silent_command_that_only_works_is_not_taken_for_one_that_waits(hand: Hand) -> None:
    async with hand.running("echo begun; sleep 2; echo done") as run:
        ended = await run.ended()
    assert ended.output == "begun\ndone\n"
    assert [item for item in run.items if isinstance(item, CommandWaits)] == []


async def test_a_python_prompt_is_worked_with(hand: Hand) -> None:
    async with hand.running("python3 -i -c ''") as run:
        await run.until(lambda run: run.waits)
        for line, answer in (("6*7", "42"), ("'a' + 'b'", "'ab'")):
            await hand.window.type_text(f"{line}\n")
            await run.until(lambda run, answer=answer: answer in run.text)
        await hand.window.press(["C-d"])
        ended = await run.ended()
    assert ended.status == 0
    assert "42" in ended.output


async def test_full_screen_programs_and_their_screen(hand: Hand, box: DockerBox) -> None:
    await hand.run("seq 1 500 >/tmp/numbers")
    async with hand.running("less /tmp/numbers") as run:
        await run.until(lambda run: run.waits)
        assert "\n39\n" in await hand.window.screen()
        await hand.window.press(["Space"])
        await run.until(lambda run: "\n60" in run.text or "60\r" in run.text)
        await hand.window.press(["G"])
        await run.until(lambda run: "500" in run.text)
        assert "500" in await hand.window.screen()
        await hand.window.press(["q"])
        ended = await run.ended()
    assert ended.status == 0
    # The alternate screen is gone, and the shell's own is back.
    assert "less /tmp/numbers" in await hand.window.screen()


async def test_an_interactive_rebase_is_edited_and_finished(hand: Hand) -> None:
    await hand.run(
        "cd /tmp && git init -q r && cd r && git config user.email a@b.c && git config user.name a"
        " && for n in 1 2 3; do echo $n >f; git add f; git commit -qm c$n; done"
    )
    await hand.run(
        "printf '%s\\n' 'echo editing; read -n 1 key; sed -i s/^pick/drop/ \"$1\"' >/tmp/editor"
    )
    command = "GIT_SEQUENCE_EDITOR='bash /tmp/editor' git rebase -i HEAD~1"
    async with hand.running(command) as run:
        await run.until(lambda run: run.waits)
        await hand.window.press(["x"])
        ended = await run.ended()
    assert ended.status == 0, ended.output
    assert (await hand.run("git log --format=%s | head -n 1")).output == "c2\n"


async def test_what_was_told_is_not_told_again(hand: Hand, box: DockerBox) -> None:
    await hand.run("mkfifo /tmp/a /tmp/b")
    told = []
    async with hand.running("echo 1; read x </tmp/a; echo 2; read x </tmp/b; echo 3") as run:
        for number, fifo in ((1, "a"), (2, "b")):
            await run.until(lambda run, number=number: str(number) in run.text)
            told.append(hand.window.progress(run.id))
            await box.exec(["bash", "-c", f"echo >/tmp/{fifo}"])
        ended = await run.ended()
        told.append(hand.window.progress(run.id))
    assert [progress.output for progress in told if progress] == ["1\n", "2\n", "3\n"]
    assert ended.output == "1\n2\n3\n"


async def test_nothing_is_typed_at_a_prompt(hand: Hand) -> None:
    await hand.run("true")
    with pytest.raises(ShellBusy, match="No command runs"):
        await hand.window.type_text("rm -rf /\n")
    with pytest.raises(ShellBusy, match="No command runs"):
        await hand.window.press(["Enter"])
    assert (await hand.run("echo clean")).output == "clean\n"


async def test_c_c_ends_a_command_that_ignores_everything_else(hand: Hand) -> None:
    async with hand.running("echo up; while true; do read x; echo no; done") as run:
        await run.until(lambda run: "up" in run.text)
        await hand.window.interrupt()
        ended = await run.ended()
    assert (ended.status, ended.interrupted) == (130, True)
    assert (await hand.run("echo next")).output == "next\n"


async def test_a_pane_in_copy_mode_is_typed_into_all_the_same(hand: Hand, box: DockerBox) -> None:
    await box.exec([*TMUX, "copy-mode", "-t", hand.window.pane.id])
    assert (await hand.run("echo through")).output == "through\n"
    async with hand.running("read x; echo got $x") as run:
        await run.until(lambda run: run.waits)
        await box.exec([*TMUX, "copy-mode", "-t", hand.window.pane.id])
        await hand.window.press(["a", "Enter"])
        assert (await run.ended()).output == "a\ngot a\n"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("C-c", "C-c"), ("ctrl+c", "C-c"), ("Enter", "Enter"), ("enter", "Enter"), ("Up", "Up"),
        ("esc", "Escape"), ("a", "a"), ("+", "+"), ("alt+x", "M-x"), ("F5", "F5"),
        ("C-M-x", "C-M-x"), ("-", "-"), (";", ";"), ("ctrl+alt+Up", "C-M-Up"),
    ],
)  # fmt: skip
def test_keys_are_named_as_people_name_them(asked: str, name: str) -> None:
    assert key_name(asked) == name


@pytest.mark.parametrize("asked", ["", "rm -rf /", "C-", "Entr", "ctrl+", "\n", "é", "F13", "-t"])
def test_what_is_no_key_is_refused(asked: str) -> None:
    with pytest.raises(RelayError, match="no key"):
        key_name(asked)


async def test_a_limit_is_the_caller_s_and_the_command_goes_on(hand: Hand, box: DockerBox) -> None:
    await hand.run("mkfifo /tmp/go")
    async with hand.running("echo a; read x </tmp/go; echo b") as run:
        await run.until(lambda run: "a" in run.text)
        with pytest.raises(ShellBusy):
            await hand.run("echo too early")
        await box.exec(["bash", "-c", "echo >/tmp/go"])
        assert (await run.ended()).output == "a\nb\n"
    assert (await hand.run("echo after")).output == "after\n"


async def test_a_flood_is_not_held_in_the_box_s_memory(hand: Hand, box: DockerBox) -> None:
    """tmux holds what its log did not take yet, without a limit of its own."""
    flood = f"yes {'z' * 99} | head -c 100000000".encode()
    async for item in hand.window.run(new_id(), flood):
        last = item
    assert isinstance(last, CommandEnded)
    assert last.status == 0
    look = "for p in /proc/[0-9]*; do grep -q '^tmux: server' $p/comm && cat $p/status; done"
    told = (await box.exec(["bash", "-c", look])).stdout.decode()
    highest = int(told.partition("VmHWM:")[2].split()[0])
    assert 1_000 < highest < 70_000, f"{highest} KiB at the most"
