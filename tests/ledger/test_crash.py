"""kill -9 at any moment: what was acknowledged is there, and the ledger opens again."""

import subprocess
import sys
from pathlib import Path

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.ledger import SqliteLedger, owner_of, schema_report
from tests.ledger.samples import OPENING, SESSION

WRITER = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.core.events import MessageQueued
from pocketcoder_tui.ledger import SqliteLedger
async def main():
    path, session, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    async with await SqliteLedger.open(path) as ledger:
        for n in range(first, first + 1_000_000):
            pair = [MessageQueued(f"{n}{half}", "x" * (n * 7919 % 9000), 1.0) for half in "ab"]
            await ledger.record(session, *pair)
            print(n, flush=True)
asyncio.run(main())
"""


def write_until_killed(path: Path, first: int, acknowledged: int) -> int:
    """Record pairs in another process; kill it after so many answers. Returns the last answer."""
    command = [sys.executable, "-c", WRITER, str(path), SESSION, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(acknowledged):
            assert process.stdout.readline()
        process.kill()
        rest = process.stdout.read().split()
    last = first + acknowledged - 1
    return int(rest[-1]) if rest else last


async def test_nothing_acknowledged_is_lost_and_no_transaction_is_half(path: Path) -> None:
    async with await SqliteLedger.open(path) as ledger:
        await ledger.record(SESSION, *OPENING)
    first = 0
    for acknowledged in (1, 3, 17, 60, 1, 140):
        last = write_until_killed(path, first, acknowledged)
        assert owner_of(path) is None
        assert schema_report(path).problem == ""
        async with await SqliteLedger.open(path) as ledger:
            events = await ledger.replay(SESSION)
        ids = [event.message_id for event in events if isinstance(event, ev.MessageQueued)]
        whole = [f"{n}{half}" for n in range(len(ids) // 2) for half in "ab"]
        assert ids == whole
        # One more may be there: committed, and killed before it could say so.
        assert len(ids) // 2 - 1 in {last, last + 1}
        first = len(ids) // 2


CREATOR = """
import asyncio, sys
from pathlib import Path
from pocketcoder_tui.ledger import SqliteLedger
async def main():
    print("ready", flush=True)
    for n in range(1_000_000):
        async with await SqliteLedger.open(Path(sys.argv[1]) / str(n) / "ledger.db"):
            print(n, flush=True)
asyncio.run(main())
"""


def folders_of_a_killed_creator(root: Path, answers: int) -> list[Path]:
    """Make ledgers in another process; kill it after so many answers."""
    root.mkdir()
    command = [sys.executable, "-c", CREATOR, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(answers):
            process.stdout.readline()
        process.kill()
        process.stdout.read()
    return list(root.iterdir())


async def test_killed_while_a_ledger_is_made(tmp_path: Path) -> None:
    for answers in (1, 2, 3, 5, 8):
        for folder in folders_of_a_killed_creator(tmp_path / str(answers), answers):
            async with await SqliteLedger.open(folder / "ledger.db") as ledger:
                await ledger.record(SESSION, *OPENING)
                assert await ledger.replay(SESSION) == list(OPENING)
