"""The key by which a workspace's box is known to who comes in: made on the host, kept there.

It is an Ed25519 key of this workspace alone. The box can read it, so it tells one box from another
and protects nothing that the box does not know.
"""

import contextlib
import os
from pathlib import Path

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.keys import fingerprint_of

__all__ = ["host_key", "host_key_fingerprint"]

_MOST = 16_384
"""Bytes of a host key's file."""


def host_key(path: Path) -> tuple[bytes, str]:
    """The private key as OpenSSH writes it, and its fingerprint; made at the first need.

    Raises SandboxError when it cannot be read, kept or understood.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            data = _read(path)
            return data, _fingerprint(data, path)
        _make(path)
        data = _read(path)
    except OSError as error:
        raise SandboxError(
            f"The host key {path} cannot be used: {error.strerror}.",
            hint="Nobody can come in over SSH until it can.",
        ) from error
    return data, _fingerprint(data, path)


def host_key_fingerprint(path: Path) -> str:
    """The fingerprint of a key that was made; empty when there is none. Raises SandboxError."""
    return host_key(path)[1] if path.exists() else ""


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        return file.read(_MOST)


def _make(path: Path) -> None:
    """Write a new key, 0600; one that another process made meanwhile stays. Raises OSError."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    new = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.unlink(new)


def _fingerprint(data: bytes, path: Path) -> str:
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_ssh_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise SandboxError(
            f"The host key {path} is damaged.", hint="Remove the file; another one is made then."
        ) from error
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return fingerprint_of(public.split()[1].decode())
