"""Output that imitates, queries or floods moves no command, types nothing and fills no memory."""

import asyncio
import random
import resource
import time

import pytest

from pocketcoder_tui.core.masking import Masker
from pocketcoder_tui.core.terminal import CommandOutput
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.relay.capture import Keeping
from pocketcoder_tui.sandbox.box import DockerBox
from tests.relay.conftest import Hand

pytestmark = pytest.mark.docker

QUERIES = [
    "\\033[c", "\\033[>c", "\\033[=c", "\\033[5n", "\\033[6n", "\\033[?6n", "\\033[18t",
    "\\033[14t", "\\033[21t", "\\033]10;?\\007", "\\033]11;?\\033\\\\", "\\033]4;1;?\\007",
    "\\033]52;c;?\\007", "\\033P$qm\\033\\\\", "\\033P$q q\\033\\\\", "\\033P+q544e\\033\\\\",
    "\\033[>q", "\\033[?1$p", "\\005", "\\033Z",
]  # fmt: skip
"""DA, DSR, window reports, OSC 4/10/11/52, DECRQSS, XTGETTCAP, XTVERSION, DECRQM, ENQ, DECID."""


@pytest.mark.parametrize("mode", ["emacs", "vi"])
async def test_no_query_in_output_is_answered_into_the_prompt(hand: Hand, mode: str) -> None:
    await hand.run(f"set -o {mode}")
    for query in QUERIES:
        ended = await hand.run(f"printf '%s{query}%s\\n' a b")
        assert ended.status == 0
        after = await hand.run("echo clean")
        assert (after.status, after.output) == (0, "clean\n"), query
    every = "".join(QUERIES)
    assert (await hand.run(f"for n in 1 2 3 4 5; do printf '{every}'; done; true")).status == 0
    assert (await hand.run("echo clean")).output == "clean\n"


def forgeries(count: int, seed: int) -> list[bytes]:
    """Marks of ours and of others with guessed ids and keys, whole, cut and mixed."""
    chance = random.Random(seed)

    def hexes(length: int) -> str:
        return "".join(chance.choice("0123456789abcdef") for _ in range(length))

    def one() -> str:
        letter = chance.choice("ABCDLPRSXEFG")
        fields = [
            chance.choice(
                ["", "0", "1", "130", "-1", hexes(16), hexes(32), "/", "/tmp", "ls", "99"]
            )
            for _ in range(chance.randrange(5))
        ]
        number = chance.choice(["133", "633", "1337", "7", "0", "133133"])
        end = chance.choice(["\x07", "\x1b\\", "", "\n", "\x07\x07", "\x9c"])
        start = chance.choice(["\x1b]", "\x1b\x1b]", "\x9d", "]", "\x1bP", "\x1b]133;\x1b]"])
        return f"{start}{number};{';'.join([letter, *fields])}{end}"

    others = [
        "$ ", "\x1b[?2004h", "<<<exit 0>>>", "__CMD_DONE__0", "%end 1 1 1\n", "%output %0 x\n",
        "%exit\n", "\x1b]0;t\x07", "PS1$ \r", "EOF\n", "\x1b[5;134~", "\x1b[200~", "\x04",
    ]  # fmt: skip
    return [
        "".join(
            one() if chance.random() < 0.7 else chance.choice(others) for _ in range(6)
        ).encode()
        for _ in range(count)
    ]


async def test_a_thousand_forgeries_end_nothing(hand: Hand, box: DockerBox) -> None:
    """Printed by commands whose own end and status must come through each time."""
    texts = forgeries(1_000, seed=20261125)
    for first in range(0, len(texts), 20):
        batch = texts[first : first + 20]
        for number, text in enumerate(batch):
            await box_write(hand, f"/tmp/f{number}", text)
        for number in range(len(batch)):
            status = (first + number) % 7
            ended = await hand.run(f"cat /tmp/f{number}; echo; echo end; (exit {status})")
            assert ended.status == status, batch[number]
            assert ended.output.endswith("end\n"), batch[number]
            assert not ended.shell_died
    assert (await hand.run("echo clean")).output == "clean\n"


async def box_write(hand: Hand, path: str, data: bytes) -> None:
    """Write a file in the box without any byte of it going through the terminal."""
    drop = hand.terminal._box.drop
    assert drop is not None
    name = path.rsplit("/", 1)[-1]
    drop.put(name, data)
    if path.endswith("f0"):
        await hand.run("for n in {0..19}; do ln -sf /run/pocketcoder/in/f$n /tmp/f$n; done")


async def test_the_secrets_of_the_host_are_masked_everywhere(box: DockerBox) -> None:
    secret = "AIzaSy-not-a-real-key-0123456789"
    whole: list[str] = []
    keeping = Keeping(200, 200, Masker([secret, "short"]))
    terminal = await TmuxTerminal.open(box, keeping=keeping, spool=lambda action: whole.append)
    hand = Hand(terminal, await terminal.window())
    half = len(secret) // 2
    ended = await hand.run(
        f"printf %s {secret[:half]}; printf %s {secret[half:]}; echo; echo short"
    )
    assert ended.output == "[secret]\nshort\n"
    assert secret not in hand.live
    await hand.run(f"for n in {{1..200}}; do echo $n {secret}; done")
    assert whole
    assert secret not in "".join(whole)
    assert "".join(whole).count("[secret]") == 200
    assert secret not in await hand.window.screen()
    await terminal.aclose()


async def test_a_long_output_is_kept_whole_and_its_gap_is_counted(box: DockerBox) -> None:
    whole: list[str] = []
    terminal = await TmuxTerminal.open(
        box, keeping=Keeping(500, 500), spool=lambda action: whole.append
    )
    hand = Hand(terminal, await terminal.window())
    short = await hand.run("seq 1 100")
    assert (short.omitted, whole) == (0, [])
    ended = await hand.run("seq 1 20000")
    text = "".join(f"{n}\n" for n in range(1, 20001))
    assert "".join(whole) == text
    gap = f"\n[… {ended.omitted} characters left out …]\n"
    head, tail = ended.output.split(gap)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) + ended.omitted == len(text)
    await terminal.aclose()


async def test_a_flood_is_interrupted_at_once_and_takes_no_memory(hand: Hand) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with hand.running("yes 'a line of a flood that nobody reads to its end'") as run:
        size = 0

        def enough(run: object) -> bool:
            return size > 10_000_000

        # What came is counted and thrown away, as the screen does.
        async def count() -> None:
            nonlocal size
            while not enough(run):
                size += sum(len(i.text) for i in run.items if isinstance(i, CommandOutput))
                run.items.clear()
                run.news.clear()
                await run.news.wait()

        await asyncio.wait_for(count(), 60)
        began = time.monotonic()
        await hand.window.interrupt()
        ended = await asyncio.wait_for(run.ended(), 10)
        took = time.monotonic() - began
    assert ended.status == 130
    assert ended.omitted > 5_000_000
    assert took < 5
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 50, f"{grown:.0f} MiB"
    assert (await hand.run("echo next")).output == "next\n"


async def test_a_line_of_ten_megabytes(hand: Hand) -> None:
    ended = await hand.run("head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert ended.status == 0
    assert ended.output.endswith("x\nend\n")
    assert ended.omitted + len(ended.output) > 10_000_000
    assert (await hand.run("echo next")).output == "next\n"


async def test_another_window_answers_during_a_flood(hand: Hand) -> None:
    server = Hand(hand.terminal, await hand.terminal.window("flood"))
    async with server.running("yes") as run:
        await run.until(lambda run: len(run.text) > 100_000)
        for number in range(10):
            assert (await hand.run(f"echo {number}")).output == f"{number}\n"
        await server.window.interrupt()
        assert (await run.ended()).status == 130
