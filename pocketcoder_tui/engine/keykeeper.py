"""What a person does with SSH keys; the door knows of it before they are told that it is done."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.audit import AuditKind, AuditNote, Fact
from pocketcoder_tui.core.keys import DoorState, KeptKey, KeyShelf
from pocketcoder_tui.core.ports import Box, Ledger
from pocketcoder_tui.engine.boxkeeper import BoxKeeper
from pocketcoder_tui.engine.crew import Crew
from pocketcoder_tui.engine.journal import Journal
from pocketcoder_tui.engine.keybook import Door
from pocketcoder_tui.engine.login import login_name
from pocketcoder_tui.gatekeeper.sshkeys import checked_name, read_public_key

T = TypeVar("T")
OFF = DoorState("", "The way in over SSH is off; the setting ssh turns it on.", "")
UNTOLD = DoorState("", "No pocketcoder works in this folder, so nobody can come in.", "")

MakeDoor = Callable[[Callable[[], Box | None], Callable[[KeptKey], None]], Door]
"""Makes the door from what tells the running box, and what is called with a key that came in."""


class KeyList:
    """Implements keybook.Keybook where there is no door: at rest. Borrows the shelf."""

    def __init__(self, shelf: KeyShelf) -> None:
        self._shelf = shelf

    @property
    def door(self) -> DoorState:
        """See Keybook."""
        return UNTOLD

    async def listed(self) -> Sequence[KeptKey]:
        """See Keybook."""
        return [key for key in await self._shelf.all() if not key.removed]

    async def add(self, line: str, name: str = "", *, who: str = "") -> KeptKey:
        """See Keybook."""
        key = read_public_key(line)
        called = checked_name(name or key.comment or key.fingerprint[7:15])
        kept = KeptKey(
            key.kind, key.blob, key.fingerprint, called, time.time(), who or login_name()
        )
        return await self._then_told(self._shelf.add(kept))

    async def disable(self, number: int, disabled: bool, *, who: str = "") -> None:
        """See Keybook."""
        await self._then_told(self._shelf.disable(number, disabled, who or login_name()))

    async def remove(self, number: int, *, who: str = "") -> None:
        """See Keybook."""
        await self._then_told(self._shelf.remove(number, who or login_name()))

    async def _then_told(self, change: Coroutine[Any, Any, T]) -> T:
        """Make a change; also when its caller gave up meanwhile, the door is told of it."""
        try:
            return await change
        finally:
            await asyncio.shield(self._tell())

    async def _tell(self) -> None:
        """Nobody is to be told."""


class KeyKeeper(KeyList):
    """The same while a workbench is open. Owns the door."""

    def __init__(
        self, ledger: Ledger, journal: Journal, crew: Crew, keeper: BoxKeeper, make: MakeDoor | None
    ) -> None:
        super().__init__(ledger.keys)
        self._ledger = ledger
        self._journal = journal
        self._crew = crew
        self._keeper = keeper
        self._door = make(self._box, self._came_in) if make is not None else None
        self._telling = asyncio.Lock()
        """Held while the door is told, so that an older list never follows a newer one."""

    @property
    def door(self) -> DoorState:
        """See Keybook."""
        return OFF if self._door is None else self._door.state

    async def open(self) -> None:
        """Open the door, if there is one. Raises SandboxError, LedgerError."""
        if self._door is not None:
            await self._tell()
            await self._door.start()

    async def aclose(self) -> None:
        """Close the door."""
        if self._door is not None:
            await self._door.aclose()

    async def _tell(self) -> None:
        if self._door is not None:
            async with self._telling:
                await self._door.admit([key for key in await self._shelf.all() if key.lets_in])

    def _box(self) -> Box | None:
        return self._keeper.ready.box if self._keeper.ready is not None else None

    def _came_in(self, key: KeptKey) -> None:
        self._crew.start(self._account(key), "a visit over SSH")

    async def _account(self, key: KeptKey) -> None:
        """Say on the screen and in the records that a key came in, as the box's sshd tells it."""
        sentence = f"Somebody came in over SSH with the key {key.number}, {key.name}."
        hint = "pocketcoder keys lists them; disable or remove puts them out."
        await self._journal.tell(ev.Noticed("info", sentence, hint, time.time()))
        facts: dict[str, Fact] = {
            "what": "came in",
            "key": key.number,
            "fingerprint": key.fingerprint,
        }
        await self._ledger.note(AuditNote(AuditKind.SSH_KEY, facts))
