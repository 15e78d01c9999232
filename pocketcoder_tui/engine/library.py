"""Sessions as wholes, with what is kept of them in files beside the ledger."""

import asyncio
import time

from pocketcoder_tui.core.errors import LedgerError
from pocketcoder_tui.core.shelf import Shelf
from pocketcoder_tui.engine.outputs import Outputs

SECONDS_OF_A_DAY = 86_400


class Library:
    """Deletes and prunes in both places. Borrows the shelf and the folder of outputs."""

    def __init__(self, shelf: Shelf, outputs: Outputs) -> None:
        self.shelf = shelf
        """All that concerns the ledger alone: search, rename, archive, fork, export, import."""
        self._outputs = outputs

    async def delete(self, session_id: str) -> None:
        """Remove what was said, done and printed in a session. Raises LedgerError."""
        gone = await self.shelf.delete(session_id)
        try:
            await asyncio.to_thread(self._outputs.forget, gone)
        except OSError as error:
            raise LedgerError(
                f"The session is deleted, but not its long outputs: {error.strerror}.",
                hint="Delete the folder of outputs beside the ledger by hand.",
            ) from error

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
