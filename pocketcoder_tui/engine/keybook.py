"""What a front end may ask about SSH keys, and what stands at the door that they open."""

from collections.abc import Collection, Sequence
from typing import Protocol

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.keys import DoorState, KeptKey

LEAST_OF_FINGERPRINT = 4
"""Characters of a fingerprint, behind its SHA256:, that may name a key."""


class NoSuchKey(PocketCoderError):
    """No key, or more than one, is called so."""

    hint = "Run: pocketcoder keys list."


class Door(Protocol):
    """The way in over SSH; sandbox.ssh.SshDoor is one."""

    @property
    def state(self) -> DoorState:
        """How it stands."""

    async def admit(self, keys: Collection[KeptKey]) -> None:
        """Let in these keys' owners and nobody else; whoever is in by another one is put out."""

    async def start(self) -> None:
        """Listen. Raises SandboxError."""

    async def aclose(self) -> None:
        """Put everybody out; harmless when it did not start."""


class Keybook(Protocol):
    """The person's SSH keys. Every method raises PocketCoderError subclasses only."""

    @property
    def door(self) -> DoorState:
        """Whether somebody can come in, and how."""

    async def listed(self) -> Sequence[KeptKey]:
        """The keys that are there, the oldest first."""

    async def add(self, line: str, name: str = "", *, who: str = "") -> KeptKey:
        """Keep a key; its comment is its name unless one is given.

        ``who`` names a person who does not sit at this screen.

        Raises SshKeyRefused with the reason, or TransitionRefused when it is there already.
        """

    async def disable(self, number: int, disabled: bool, *, who: str = "") -> None:
        """Let its owner in no more and put them out at once, or let them in again."""

    async def remove(self, number: int, *, who: str = "") -> None:
        """The same for good; that the key was stays in the records."""


def chosen(asked: str, keys: Sequence[KeptKey]) -> KeptKey:
    """The one key that a number, a name or the beginning of a fingerprint names.

    Raises NoSuchKey, also when it could be several.
    """
    short = asked.removeprefix("SHA256:")
    found = [
        key
        for key in keys
        if asked in (str(key.number), key.name)
        or (
            len(short) >= LEAST_OF_FINGERPRINT
            and key.fingerprint.removeprefix("SHA256:").startswith(short)
        )
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchKey(f"There is no key {asked!a}.")
    raise NoSuchKey(f"{asked!a} could be {len(found)} keys.", hint="Say it by its number.")
