"""SSH keys as they are kept: who may come to the box's terminal from another device.

What an OpenSSH line means is the gatekeeper's affair (gatekeeper/sshkeys.py); here it is text.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One public key, with what became of it."""

    kind: str
    """Its type as OpenSSH names it, for example ssh-ed25519."""
    blob: str
    """The key itself, canonical base64."""
    fingerprint: str
    """``SHA256:`` and 43 characters, as ssh-keygen -l prints it."""
    name: str
    """What the person calls it; no two that are there have the same."""
    added: float
    """Unix seconds."""
    added_by: str
    """The person's login name."""
    number: int = 0
    """From 1, in the order in which they were added, never used again; 0 before it is kept."""
    disabled: bool = False
    removed: float = 0.0
    """When it was removed, Unix seconds; 0 while it is there. It stays for the account."""

    @property
    def lets_in(self) -> bool:
        """Whether its owner may come in now."""
        return not self.disabled and not self.removed


@dataclass(frozen=True, slots=True)
class DoorState:
    """Whether somebody can come in, and how."""

    listens: str
    """``ADDRESS:PORT`` on the host; empty while nothing listens."""
    why: str
    """Why nothing listens, one sentence; empty while something does."""
    host_key: str
    """The fingerprint that a client is shown at its first visit; empty before there is one."""
    visitors: int = 0
    """Connections that are in now."""


def fingerprint_of(blob: str) -> str:
    """``SHA256:`` and the base64 of the hash without its padding. Raises ValueError."""
    digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class KeyShelf(Protocol):
    """The keys of a workspace. Every change has its record in the audit chain, in one step.

    Every method raises LedgerError.
    """

    async def all(self) -> list[KeptKey]:
        """Every key that ever was, the removed ones too, the oldest first."""

    async def add(self, key: KeptKey) -> KeptKey:
        """Keep a new key; returns it with its number.

        Raises TransitionRefused when the key or its name is there already.
        """

    async def disable(self, number: int, disabled: bool, by: str) -> None:
        """Let its owner in no more, or again."""

    async def remove(self, number: int, by: str) -> None:
        """Let its owner in no more, for good."""
