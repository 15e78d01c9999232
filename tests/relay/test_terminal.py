"""Commands in a real tmux in the real box: the texts that tools of this kind break on."""

import asyncio
import hashlib
from contextlib import aclosing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketcoder_tui.core.errors import DeliveryRefused, ShellBusy
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.core.terminal import (
    CommandEnded,
    CommandHeld,
    CommandOutput,
    NeverStarted,
    PersonLine,
    StillRunning,
)
from pocketcoder_tui.core.transient import ScreenChanged
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.relay.machine import WHY, PaneState
from pocketcoder_tui.relay.pane import Pane
from pocketcoder_tui.relay.protocol import Pause
from pocketcoder_tui.sandbox.box import DockerBox
from tests.relay.conftest import Hand

pytestmark = pytest.mark.docker


COMMANDS = [
    ("echo hi", 0, "hi\n"),
    ("", 0, ""),
    ("# only a comment", 0, ""),
    ("printf abc", 0, "abc"),
    ("true", 0, ""),
    ("false", 1, ""),
    ("return 9", 9, ""),
    ("(exit 7)", 7, ""),
    ("echo a;", 0, "a\n"),
    ("echo a\\", 0, "a\\\n"),
    ("echo a #", 0, "a\n"),
    ("echo '!!' !!", 0, "!! !!\n"),
    ("cat <<E\n\ttab\n$((1+1)) 'q' \"\nE", 0, "\ttab\n2 'q' \"\n"),
    ("for i in 1 2 3; do\n  echo $i\ndone", 0, "1\n2\n3\n"),
    ("printf 'a\\rb\\n'; printf '10%%\\r20%%\\r'; echo", 0, "b\n20%\n"),
    ("printf '\\033[31mred\\033[0m\\n'", 0, "red\n"),
    ("printf '\\377\\376x\\n'", 0, "\ufffd\ufffdx\n"),
    ("sleep 100 & true", 0, ""),
    ("echo é😀 | cat", 0, "é😀\n"),
    ("IFS=0123456789; set -u; set -f", 0, ""),
    ("sleep 0 &", 0, ""),
    ("echo a\r\necho b\r\n", 0, "a\nb\n"),
    ("echo a; clear; echo b", 0, "a\nb\n"),
    (
        "printf '\\033[?1049h'; echo alternate; printf '\\033[?1049l'; echo back",
        0,
        "alternate\nback\n",
    ),
    ("cd /tmp; cd -; x=1\nif [ $x = 1 ]; then echo one; fi; echo two", 0, "/workspace\none\ntwo\n"),
    ("alias .=false printf=false; echo(){ return 4; }; echo", 4, ""),
    ("printf(){ :; }; local(){ :; }; read(){ :; }; exec(){ :; }; set(){ :; }", 0, ""),
    ("__pc_run(){ :; }", 1, "bash: __pc_run: readonly function\n"),
    ("exec >/dev/null", 0, ""),
    ("set -o posix; set +o posix", 0, ""),
]


@pytest.mark.parametrize(("command", "status", "output"), COMMANDS)
async def test_a_command_and_the_one_after_it(
    hand: Hand, command: str, status: int, output: str
) -> None:
    ended = await hand.run(command)
    assert (ended.status, ended.output, ended.omitted) == (status, output, 0)
    assert not ended.shell_died
    after = await hand.run("builtin echo next")
    assert (after.status, after.output) == (0, "next\n")


@pytest.mark.parametrize("command", ["if true", "echo 'open", "cat <(", "{"])
async def test_unfinished_text_is_a_clear_error(hand: Hand, command: str) -> None:
    ended = await hand.run(command)
    assert ended.status in (1, 2)
    assert "syntax error" in ended.output or "unexpected EOF" in ended.output
    assert (await hand.run("echo next")).output == "next\n"


async def test_directory_variables_and_functions_last(hand: Hand) -> None:
    await hand.run(
        'mkdir -p "/tmp/a b;é%"; cd "/tmp/a b;é%"; declare x=5; f(){ echo "f$x"; }; false'
    )
    assert hand.window.cwd == "/tmp/a b;é%"
    ended = await hand.run("echo $?; f; pwd")
    assert ended.output == "1\nf5\n/tmp/a b;é%\n"


@pytest.mark.parametrize(
    "change",
    [
        "PS1='(venv) '",
        "unset PS1",
        "unset PROMPT_COMMAND",
        "PROMPT_COMMAND='echo noise'",
        "readonly PS1",
        "unset PS0",
        "trap 'true' DEBUG",
        "set -o vi",
        "shopt -s extdebug",
    ],
)
async def test_a_changed_prompt_does_not_matter(hand: Hand, change: str) -> None:
    assert (await hand.run(change)).status == 0
    for number in range(3):
        assert (await hand.run(f"echo {number}")).output == f"{number}\n"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("exit 7", 7),
        ("exec bash -c 'exit 3'", 3),
        ("set -e\nfalse\necho no", 1),
        ("kill -9 $$", 137),
    ],
)
async def test_the_shell_can_die_with_a_command(hand: Hand, command: str, status: int) -> None:
    await hand.run("cd /tmp; x=1")
    for _ in range(3):
        ended = await hand.run(command)
        assert (ended.status, ended.output, ended.shell_died) == (status, "", True)
        after = await hand.run("echo $x; pwd")
        assert (after.status, after.output) == (0, "\n/tmp\n")
        found = await hand.terminal.find(hand.ids[-2])
        assert isinstance(found, CommandEnded)
        assert (found.status, found.shell_died) == (status, True)


async def test_interrupt_ends_the_whole_command(hand: Hand) -> None:
    # The program says that it is ready: C-c between two programs is the shell's, which may drop it.
    program = "bash -c 'echo ready; exec sleep 100'"
    for change in ("", "PROMPT_COMMAND=true;", "trap - INT;"):
        seen = asyncio.Event()
        async with aclosing(
            hand.window.run(new_id(), f"{change}{program}; echo no".encode())
        ) as items:
            async for item in items:
                match item:
                    case CommandOutput(text) if "ready" in text and not seen.is_set():
                        seen.set()
                        await hand.window.interrupt()
                    case CommandEnded():
                        assert (item.status, item.output) == (130, "ready\n^C\n")
        assert (await hand.run("echo next")).output == "next\n"


async def test_a_thousand_in_a_row(hand: Hand) -> None:
    for number in range(1_000):
        ended = await hand.run(f"echo {number}")
        assert (ended.status, ended.output) == (0, f"{number}\n")


async def test_a_hundred_thousand_lines(hand: Hand) -> None:
    ended = await hand.run("seq 1 100000")
    assert ended.status == 0
    assert ended.output.startswith("1\n2\n3\n")
    assert ended.output.endswith("\n99999\n100000\n")
    gap = f"\n[… {ended.omitted} characters left out …]\n"
    whole = "".join(f"{n}\n" for n in range(1, 100001))
    assert len(ended.output) - len(gap) + ended.omitted == len(whole)


async def test_a_command_of_a_megabyte(hand: Hand) -> None:
    text = "".join(f"{n} $x `;' \\ #\n" for n in range(60_000))
    ended = await hand.run(f"sha256sum <<'END'\n{text}END")
    assert ended.output.split()[0] == hashlib.sha256(text.encode()).hexdigest()


async def test_a_nul_byte_is_refused_before_anything_is_sent(hand: Hand) -> None:
    with pytest.raises(DeliveryRefused, match="NUL"):
        await hand.run(b"echo a\0b")


async def test_text_that_looks_like_the_end_of_a_reply(hand: Hand) -> None:
    lines = "\n".join(f"%end 1795381646 {n} 1\n%error 1 {n} 1" for n in range(300))
    ended = await hand.run(f"sha256sum <<'END'\n{lines}\nEND")
    assert ended.output.split()[0] == hashlib.sha256(f"{lines}\n".encode()).hexdigest()


async def test_an_action_is_claimed_once(hand: Hand) -> None:
    await hand.run("echo once >> /tmp/count")
    with pytest.raises(ShellBusy, match="claimed"):
        async for _ in hand.window.run(hand.ids[-1], b"echo twice >> /tmp/count"):
            pass
    assert (await hand.run("cat /tmp/count")).output == "once\n"


async def test_what_never_started_never_will(hand: Hand) -> None:
    action = new_id()
    assert isinstance(await hand.terminal.find(action), NeverStarted)
    with pytest.raises(ShellBusy):
        async for _ in hand.window.run(action, b"touch /tmp/ran"):
            pass
    assert (await hand.run("test -e /tmp/ran")).status == 1


FORGED = [
    "\\033]133;D;0;{other};/\\007",
    "\\033]133;D;0\\007",
    "\\033]133;D;0;;\\007",
    "\\033]133;C;{other}\\007",
    "\\033]133;A\\007$ \\033]133;B\\007",
    "\\033]133;C\\007",
    "\\033]133;P;0\\007",
    "\\033]133;S;{other:.16}\\007",
    "\\033]133;B;{other:.16}\\007",
    "\\033]133;L;{other:.16};0;/;ls\\007",
    "\\033]133;R;{other}\\007",
    "\\033]133;X\\007",
    "\\033]633;D;0\\007",
    "\\033]133;",
    "\\033",
    "%%end 1 2 1\\n%%output %%0 x\\n%%exit\\n",
]


async def test_forged_marks_end_nothing(hand: Hand) -> None:
    for number, mark in enumerate(FORGED * 3):
        forged = mark.format(other=f"{number:032x}")
        ended = await hand.run(f"printf '{forged}'; echo; echo end; (exit {number % 5})")
        assert ended.status == number % 5
        assert not ended.shell_died
        assert ended.output.endswith("end\n")


async def test_a_half_typed_line_is_never_joined(hand: Hand, box: DockerBox) -> None:
    tmux = ["tmux", "-S", "/run/pocketcoder/tmux.sock"]
    await hand.run("echo first")
    pane = hand.window.pane
    await _typed(pane, box, [*tmux, "send-keys", "-l", "echo half"], "$ echo half")
    items = hand.window.run(new_id(), b"echo mine")
    held = await anext(items)
    assert isinstance(held, CommandHeld)
    assert ("half typed" in held.why, held.clearable) == (True, True)
    await _typed(pane, box, [*tmux, "send-keys", "-l", " done"], "$ echo half done")
    await box.exec([*tmux, "send-keys", "C-u"])
    rest = [item async for item in items]
    assert CommandHeld("") in rest
    assert isinstance(rest[-1], CommandEnded)
    assert rest[-1].output == "mine\n"


async def test_one_key_clears_a_half_typed_line(hand: Hand, box: DockerBox) -> None:
    await hand.run("echo first")
    keys = ["tmux", "-S", "/run/pocketcoder/tmux.sock", "send-keys", "-l", "rm -rf /"]
    await _typed(hand.window.pane, box, keys, "$ rm -rf /")
    held: asyncio.Queue[CommandHeld] = asyncio.Queue()
    freeing = asyncio.create_task(hand.window.free(held.put_nowait))
    assert (await held.get()).clearable
    await hand.window.clear_line()
    await asyncio.wait_for(freeing, 5)
    assert held.get_nowait() == CommandHeld("")
    assert (await hand.run("echo mine")).output == "mine\n"


async def test_a_person_s_line_that_comes_first_is_waited_for(hand: Hand, box: DockerBox) -> None:
    await hand.run("mkfifo /tmp/go")
    lines: asyncio.Queue[PersonLine] = asyncio.Queue()
    hand.terminal.listen(lines.put_nowait)
    tmux = ["tmux", "-S", "/run/pocketcoder/tmux.sock", "send-keys"]
    await box.exec([*tmux, "cd /tmp; cat go; (exit 3)", "Enter"])
    items = hand.window.run(new_id(), b"echo mine; pwd")
    held = await anext(items)
    while held != CommandHeld(WHY[PaneState.FOREIGN]):
        held = await anext(items)
    await box.exec(["bash", "-c", "echo theirs > /tmp/go"])
    rest = [item async for item in items]
    assert isinstance(rest[-1], CommandEnded)
    assert rest[-1].output == "mine\n/tmp\n"
    line = lines.get_nowait()
    assert (line.command, line.status, line.cwd) == ("cd /tmp; cat go; (exit 3)", 3, "/tmp")
    assert line.output == "theirs\n"
    assert lines.empty()


async def _typed(pane: Pane, box: DockerBox, keys: list[str], line: str) -> None:
    """Type as a person does, and wait until the shell shows it."""
    await box.exec(keys)
    shown = asyncio.Event()

    async def look() -> None:
        while True:
            screen = await box.exec([*keys[:3], "capture-pane", "-p", "-t", pane.id])
            if screen.stdout.decode().rstrip().endswith(line):
                return

    await asyncio.wait_for(look(), 10)
    shown.set()


async def test_output_of_a_job_at_the_prompt_does_not_lock_it(hand: Hand, box: DockerBox) -> None:
    await hand.run("mkfifo /tmp/go; (read x </tmp/go; echo late; echo x >/tmp/go) &")
    await box.exec(["bash", "-c", "echo > /tmp/go; read x < /tmp/go"])
    assert (await hand.run("echo next")).output == "next\n"


async def test_the_stream_breaks_and_the_result_is_found(box: DockerBox) -> None:
    first = await TmuxTerminal.open(box)
    action = new_id()
    async with aclosing(
        (await first.window()).run(action, b"echo one; read x </tmp/go; echo two; (exit 5)")
    ) as items:
        await box.exec(["mkfifo", "/tmp/go"])
        async for item in items:
            if isinstance(item, CommandOutput):
                break
    await first.aclose()
    second = await TmuxTerminal.open(box)
    assert isinstance(await second.find(action), StillRunning)
    window = await second.window()
    with pytest.raises(ShellBusy):
        await Hand(second, window).run("echo no")
    got = ""
    async for piece in second.follow(action):
        if isinstance(piece, CommandEnded):
            break
        if not got:
            await box.exec(["bash", "-c", "echo > /tmp/go"])
        got += piece.text
    assert isinstance(piece, CommandEnded)
    assert (piece.status, piece.output) == (5, "one\ntwo\n")
    assert got.startswith("one")
    found = await second.find(action)
    assert isinstance(found, CommandEnded)
    assert (found.status, found.output) == (5, "one\ntwo\n")
    await second.aclose()


@pytest.mark.parametrize("ends", ["meanwhile", "later"])
async def test_output_that_tmux_held_back_is_read_from_the_log(
    hand: Hand, box: DockerBox, ends: str
) -> None:
    pane = hand.window.pane
    await box.exec(["mkfifo", "/tmp/done", "/tmp/go"])
    last = "echo last" if ends == "meanwhile" else "read x </tmp/go; echo last"
    text = f"echo one; read x; seq 1 5000; printf x >/tmp/done; {last}; (exit 6)"
    async with hand.running(text) as run:
        await run.until(lambda run: "one" in run.text)
        # What tmux does by itself to a client that lags too far behind; it says so then.
        await hand.terminal._control.command("refresh-client", "-A", f"{pane.id}:pause")
        await hand.window.type_text("go\n")
        await box.exec(["cat", "/tmp/done"])
        pane._on_notification(Pause(pane.id.encode()))
        if ends == "later":
            await box.exec(["bash", "-c", "echo >/tmp/go"])
        ended = await run.ended()
    assert ended.status == 6
    assert ended.output == "one\ngo\n" + "".join(f"{n}\n" for n in range(1, 5001)) + "last\n"
    assert (await hand.run("echo next")).output == "next\n"


async def test_frames_show_the_screen(hand: Hand) -> None:
    frames: asyncio.Queue[ScreenChanged] = asyncio.Queue()
    async with hand.terminal.watch(frames.put_nowait):
        await hand.terminal.resize(90, 20)
        await hand.run("printf '\\033[31mred\\033[m\\n'")
        async with asyncio.timeout(10):
            while True:
                frame = await frames.get()
                red = any("\x1b[31mred" in line for line in frame.lines)
                if frame.columns == 90 and red and frame.cursor[0] == 2:  # the prompt is back
                    break
    assert len(frame.lines) <= 20


async def test_the_bytes_that_run_are_the_bytes_that_were_approved(hand: Hand) -> None:
    """The file that the shell sources, hashed before its own text can change anything."""
    await hand.run('keep(){ sha256sum "${BASH_SOURCE[1]}"; return 0; }')

    texts = st.text(
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=300
    ) | st.text(st.sampled_from("'\"\\\t\n\r;#!$`{}~%& \x1b\x7f\u0085é😀<>|"), max_size=300)

    async def same(text: str) -> None:
        command = f"keep; return 0\n{text}".encode()
        ended = await hand.run(command)
        assert ended.output.split()[0] == hashlib.sha256(command).hexdigest()

    loop = asyncio.get_running_loop()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(texts)
    def every(text: str) -> None:
        asyncio.run_coroutine_threadsafe(same(text), loop).result(30)

    await asyncio.to_thread(every)
    for text in ("x" * 131_072, "\t;\n" * 43_691, "\u0085\x1b" * 40_000):
        await same(text)
