"""Which line is an SSH public key that may be kept: read strictly, refused with the reason.

One line, ``TYPE BASE64 [COMMENT]``, as ssh-keygen writes it. The base64 must be the one way to
write its bytes, and the bytes exactly one key of the type that stands before them. Sources:
sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4; OpenSSH's
PROTOCOL.u2f; the mpint of RFC 4251, 5.
"""

import base64
import binascii
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.keys import fingerprint_of

__all__ = [
    "LONGEST_LINE",
    "LONGEST_NAME",
    "PublicKey",
    "SshKeyRefused",
    "checked_name",
    "kinds",
    "read_public_key",
]

LONGEST_LINE = 8_192
"""Characters; an RSA key of the largest size that is taken has under 3,000."""
LONGEST_NAME = 64
"""Characters of a name or comment."""
LEAST_RSA, MOST_RSA = 2_048, 16_384
"""Bits of an RSA key; the second is OpenSSH's own limit (sshbuf's SSHBUF_MAX_BIGNUM)."""
_APPLICATION = 255
"""Bytes of what a key of a security key is for; it is "ssh:" or begins so."""

_PRIVATE = ("PRIVATE KEY", "PuTTY-User-Key-File", "openssh-key-v1", "SSH PRIVATE")
_OTHER_FORMS = ("---- BEGIN SSH2 PUBLIC KEY", "-----BEGIN")
_MAKE = "Make one with: ssh-keygen -t ed25519, and add the file that ends in .pub."


class SshKeyRefused(PocketCoderError):
    """What was given is no public key that can be kept."""

    hint = _MAKE


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and nothing else."""

    kind: str
    """Its type, for example ssh-ed25519."""
    blob: str
    """Canonical base64."""
    comment: str
    """What stood behind it; may be empty."""
    bits: int

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l prints it."""
        return fingerprint_of(self.blob)


def kinds() -> tuple[str, ...]:
    """The types that are taken."""
    return tuple(_KINDS)


def read_public_key(text: str) -> PublicKey:
    """Read one line. Raises SshKeyRefused with the reason; never says what stood in the text."""
    if any(word in text for word in _PRIVATE):
        raise SshKeyRefused(
            "This is a private key. It stays where it is and is shown to nobody.",
            hint="Add the public one, the file beside it that ends in .pub.",
        )
    if any(word in text for word in _OTHER_FORMS):
        raise SshKeyRefused(
            "This is a key in another form than OpenSSH's one line.",
            hint="ssh-keygen -i -f FILE prints a public key as one line.",
        )
    line = text.removesuffix("\n").removesuffix("\r")
    if not line.strip():
        raise SshKeyRefused("There is no key: the text is empty.")
    if len(line) > LONGEST_LINE:
        raise SshKeyRefused(f"The line is too long for a key: over {LONGEST_LINE:,} characters.")
    if any(end in line for end in "\n\r"):
        raise SshKeyRefused(
            "These are several lines. One key is one line.", hint="Add them singly."
        )
    if _unseen(line.replace("\t", " ")):
        raise SshKeyRefused("The line holds control characters, or some that cannot be seen.")
    return _read(line.strip(" \t"))


def checked_name(name: str) -> str:
    """A name that a key can have. Raises SshKeyRefused."""
    name = " ".join(name.split())
    hint = "Give it one with --name."
    if not name:
        raise SshKeyRefused("A key needs a name.", hint=hint)
    if len(name) > LONGEST_NAME:
        raise SshKeyRefused(f"A key's name has at most {LONGEST_NAME} characters.", hint=hint)
    if _unseen(name):
        raise SshKeyRefused("The name holds characters that cannot be seen.", hint=hint)
    if name.isdigit() or name.startswith("SHA256:"):
        raise SshKeyRefused("This name could be taken for a number or a fingerprint.", hint=hint)
    return name


def _read(line: str) -> PublicKey:
    words = line.replace("\t", " ").split(" ", 1)
    kind = words[0]
    if kind not in _KINDS:
        raise _unknown(kind, line)
    rest = words[1].strip(" ") if len(words) > 1 else ""
    blob, _, comment = rest.partition(" ")
    if not blob:
        raise SshKeyRefused("Behind the key's type there is no key.")
    reader = _Reader(_decoded(blob))
    inside = reader.string()
    if inside != kind.encode():
        raise SshKeyRefused("The key is of another type inside than its line says.")
    bits = _KINDS[kind](reader)
    reader.end()
    return PublicKey(kind, blob, " ".join(comment.split()), bits)


def _unknown(kind: str, line: str) -> SshKeyRefused:
    """Why a line does not begin with a type that is taken."""
    if "-cert-v0" in kind:
        return SshKeyRefused("This is a certificate. Only plain public keys are taken.")
    if kind == "ssh-dss":
        return SshKeyRefused("DSA keys are too weak and are not taken.")
    if kind == "ssh-rsa1" or (kind.isdigit() and line.replace(" ", "").isdigit()):
        return SshKeyRefused("Keys of SSH's first version are not taken.")
    if any(f"{known} " in line for known in (*_KINDS, "ssh-dss")):
        return SshKeyRefused(
            "Options stand before the key. pocketcoder sets a key's options itself.",
            hint="Leave them out: the line begins with the key's type, for example ssh-ed25519.",
        )
    return SshKeyRefused("This is no public key of a type that is taken.")


def _decoded(blob: str) -> bytes:
    try:
        data = base64.b64decode(blob.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise SshKeyRefused("The key is not base64; a part of it may be missing.") from error
    if base64.b64encode(data).decode() != blob:
        raise SshKeyRefused("The key's base64 is not written as ssh-keygen writes it.")
    return data


def _unseen(text: str) -> bool:
    """Whether a character is a control, a format, half of one, or a blank (category C*, Z*)."""
    return any(c != " " and unicodedata.category(c)[0] in "CZ" for c in text)


class _Reader:
    """Takes a key's parts from its bytes. Raises SshKeyRefused."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def string(self) -> bytes:
        """A length of four bytes and as many bytes."""
        start = self._at + 4
        end = start + int.from_bytes(self._data[self._at : start], "big")
        if start > len(self._data) or end > len(self._data):
            raise SshKeyRefused("The key is cut off.")
        self._at = end
        return self._data[start:end]

    def number(self) -> int:
        """A positive number, written with as few bytes as it takes."""
        data = self.string()
        value = int.from_bytes(data, "big")
        if not data or data[0] & 0x80 or len(data) != value.bit_length() // 8 + 1:
            raise SshKeyRefused("A number in the key is not written as it should be.")
        return value

    def end(self) -> None:
        """Nothing follows."""
        if self._at != len(self._data):
            raise SshKeyRefused("Something follows the key inside its base64.")


def _ed25519(reader: _Reader) -> int:
    if len(reader.string()) != 32:
        raise SshKeyRefused("An Ed25519 key has 32 bytes, and this one has not.")
    return 256


def _ecdsa(bits: int) -> Callable[[_Reader], int]:
    def read(reader: _Reader) -> int:
        if reader.string() != f"nistp{bits}".encode():
            raise SshKeyRefused("The key is for another curve than its line says.")
        point = reader.string()
        if len(point) != 1 + 2 * ((bits + 7) // 8) or point[:1] != b"\x04":
            raise SshKeyRefused("The key's point has another length than its curve's.")
        return bits

    return read


def _rsa(reader: _Reader) -> int:
    exponent, modulus = reader.number(), reader.number()
    bits = modulus.bit_length()
    if bits < LEAST_RSA:
        raise SshKeyRefused(
            f"An RSA key needs {LEAST_RSA:,} bits or more, and this one has {bits:,}."
        )
    if bits > MOST_RSA:
        raise SshKeyRefused(f"An RSA key has at most {MOST_RSA:,} bits, and this one {bits:,}.")
    if exponent < 3 or not exponent & 1 or exponent >= modulus or not modulus & 1:
        raise SshKeyRefused("The numbers of this RSA key cannot be a key.")
    return bits


def _of_security_key(read: Callable[[_Reader], int]) -> Callable[[_Reader], int]:
    """The same, and what the key in the device is for."""

    def read_all(reader: _Reader) -> int:
        bits = read(reader)
        application = reader.string()
        if not application.startswith(b"ssh:") or len(application) > _APPLICATION:
            raise SshKeyRefused("The security key's key is not for SSH.")
        if not application.isascii() or not application.decode().isprintable():
            raise SshKeyRefused("What the security key's key is for holds odd characters.")
        return bits

    return read_all


_KINDS: dict[str, Callable[[_Reader], int]] = {
    "ssh-ed25519": _ed25519,
    "ecdsa-sha2-nistp256": _ecdsa(256),
    "ecdsa-sha2-nistp384": _ecdsa(384),
    "ecdsa-sha2-nistp521": _ecdsa(521),
    "ssh-rsa": _rsa,
    "sk-ssh-ed25519@openssh.com": _of_security_key(_ed25519),
    "sk-ecdsa-sha2-nistp256@openssh.com": _of_security_key(_ecdsa(256)),
}
