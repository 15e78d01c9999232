"""A ledger in a folder of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pocketcoder_tui.ledger import SqliteLedger
from tests.ledger.tampering import fill, put_files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger would be; neither it nor its folder exists."""
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """An empty ledger, open."""
    async with await SqliteLedger.open(path) as opened:
        yield opened


@pytest.fixture(scope="session")
def sittings(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """The files of a ledger with many actions, after each of four sittings."""
    return asyncio.run(fill(tmp_path_factory.mktemp("whole") / "ledger.db"))


@pytest.fixture
def filled(path: Path, sittings: list[dict[str, bytes]]) -> Path:
    """A ledger with many actions, closed."""
    return put_files(path.parent, sittings[-1])
