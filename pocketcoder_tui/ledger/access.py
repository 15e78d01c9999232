"""How the ledger's parts reach the one connection: reading at once, writing once verified."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from pocketcoder_tui.ledger.writing import Writer

T = TypeVar("T")


class Access(Protocol):
    """What store.SqliteLedger offers to the parts that it owns."""

    @property
    def path(self) -> Path:
        """The ledger's file."""

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call ``work`` in the connection's thread. Raises LedgerError."""

    async def write(self, work: Callable[[Writer], T]) -> T:
        """Call ``work`` in the connection's thread, once all is verified. Raises LedgerError."""
