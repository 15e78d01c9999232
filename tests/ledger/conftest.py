"""A ledger in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pocketcoder_tui.ledger import SqliteLedger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger would be; neither it nor its folder exists."""
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """An empty ledger, open."""
    async with await SqliteLedger.open(path) as opened:
        yield opened
