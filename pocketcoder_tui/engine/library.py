"""Sessions as wholes, with what is kept of them in files beside the ledger."""

import asyncio
import time
from collections.abc import Iterable
from typing import Protocol

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.shelf import Shelf
from pocketcoder_tui.engine.outputs import Outputs

SECONDS_OF_A_DAY = 86_400


class Forgets(Protocol):
    """Another place in which something of an action is kept."""

    async def forget(self, action_ids: Iterable[str]) -> None:
        """Drop what is kept of them. Raises PocketCoderError."""


class Library:
    """Deletes and prunes in all places. Borrows them."""

    def __init__(self, shelf: Shelf, outputs: Outputs, elsewhere: Forgets) -> None:
        self.shelf = shelf
        """All that concerns the ledger alone: search, rename, archive, fork, export, import."""
        self._outputs = outputs
        self._elsewhere = elsewhere

    async def delete(self, session_id: str) -> None:
        """Remove what was said, done, printed and kept of a session.

        Raises LedgerError or CheckpointError.
        """
        gone = await self.shelf.delete(session_id)
        try:
            await asyncio.to_thread(self._outputs.forget, gone)
        except OSError as error:
            raise LedgerError(
                f"The session is deleted, but not its long outputs: {error.strerror}.",
                hint="Delete the folder of outputs beside the ledger by hand.",
            ) from error
        await self._elsewhere.forget(gone)

    async def prune(self, days: int) -> int:
        """Remove output that is older than so many days, 0 for none; returns how many.

        Raises LedgerError.
        """
        if not days:
            return 0
        before = time.time() - days * SECONDS_OF_A_DAY
        count = await self.shelf.prune(before)
        try:
            await asyncio.to_thread(self._outputs.prune, before)
        except OSError as error:
            raise LedgerError(f"Old long outputs cannot be deleted: {error.strerror}.") from error
        return count
