"""The engine's part of SSH keys for the screen's tests: a list, and a door that stands as told."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.keys import DoorState, KeptKey
from pocketcoder_tui.gatekeeper.sshkeys import read_public_key


class ScriptedKeybook:
    """See Keybook: the gatekeeper's own reading, and keys in a list."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.kept: list[KeptKey] = []
        self.error: PocketCoderError | None = None
        self.door = DoorState("127.0.0.1:2222", "", "SHA256:" + "h" * 43, 1)

    async def listed(self) -> Sequence[KeptKey]:
        self._note("keys")
        return [key for key in self.kept if not key.removed]

    async def add(self, line: str, name: str = "", *, who: str = "") -> KeptKey:
        self._note("add key", line)
        self._require()
        key = read_public_key(line)
        number = len(self.kept) + 1
        made = KeptKey(key.kind, key.blob, key.fingerprint, key.comment, 1.0, "dana", number)
        self.kept.append(made)
        return made

    async def disable(self, number: int, disabled: bool, *, who: str = "") -> None:
        self._note("disable key", number, disabled)
        self._require()
        self.kept = [replace(k, disabled=disabled) if k.number == number else k for k in self.kept]

    async def remove(self, number: int, *, who: str = "") -> None:
        self._note("remove key", number)
        self._require()
        self.kept = [replace(k, removed=2.0) if k.number == number else k for k in self.kept]

    def _require(self) -> None:
        if self.error:
            raise self.error
