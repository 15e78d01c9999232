"""`pocketcoder network`: each connection once, with its bytes, and hostile names made plain."""

import asyncio
import json
from pathlib import Path

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.network import ConnectionClosed, ConnectionOpened, ConnectionRefused
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.ownership import Ownership
from tests.cli.conftest import Run
from tests.ledger.samples import OPENING, SESSION

HOST = "files.example.org"
EVENTS = [
    ConnectionOpened("c1", "a1", HOST, 443, "192.0.2.7", 100.0),
    ConnectionClosed("c1", "a1", HOST, 443, 1200, 5_000_000, 1.25, "", 101.0),
    ConnectionOpened("c2", "a1", HOST, 80, "192.0.2.7", 102.0),
    ConnectionClosed("", "a1", HOST, 443, 0, 0, 0.0, "It cannot be reached.", 103.0),
    ConnectionRefused("http://10.0.0.1\x1b]0;x\x07\n/", "Addresses are refused.", 104.0),
]


@pytest.fixture
def ledger(paths: Paths) -> Path:
    """A ledger in which the box had connections."""

    async def fill() -> None:
        async with await SqliteLedger.open(paths.ledger) as ledger:
            await ledger.record(SESSION, *OPENING, *EVENTS)

    paths.prepare()
    asyncio.run(fill())
    return paths.ledger


def test_each_connection_is_told_once(run: Run, ledger: Path) -> None:
    done = run("network")
    assert (done.returncode, done.stderr) == (0, "")
    closed, open_, failed, refused = done.stdout.splitlines()
    assert f"{HOST}:443  1.2 kB out, 5.0 MB in, 1.2 s" in closed
    assert f"{HOST}:80  open, at 192.0.2.7" in open_
    assert "It cannot be reached." in failed
    assert "10.0.0.1" in refused
    assert "refused: Addresses are refused." in refused
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_the_json_has_every_event_and_the_last_ones_can_be_asked_for(
    run: Run, ledger: Path
) -> None:
    rows = [json.loads(line) for line in run("network", "--json").stdout.splitlines()]
    assert [row["kind"].removeprefix("connection_") for row in rows] == [
        "opened",
        "closed",
        "opened",
        "closed",
        "refused",
    ]
    assert rows[1]["received"] == 5_000_000
    assert {row["session"] for row in rows} == {SESSION}
    assert len(run("network", "--json", "--last", "2").stdout.splitlines()) == 2
    assert len(run("network", "--last", "0").stdout.splitlines()) == 4


def test_it_is_told_while_a_pocketcoder_works_and_without_a_ledger(
    run: Run, paths: Paths, ledger: Path
) -> None:
    with Ownership(ledger):
        assert HOST in run("network").stdout
    ledger.unlink()
    assert "has asked for a host yet" in run("network").stdout
    assert run("network", "--json").stdout == ""
