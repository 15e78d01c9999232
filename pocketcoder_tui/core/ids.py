"""Identifiers: 32 lower-case hexadecimal digits that sort by the time they were made."""

import secrets
import time

ID_LENGTH = 32


def new_id() -> str:
    """Return a fresh identifier: 12 digits of Unix milliseconds, then 80 random bits.

    The random part is what keeps a command's output from naming its own end mark in advance.
    """
    return f"{int(time.time() * 1000) & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(10)}"


def is_id(text: str) -> bool:
    """Say whether ``text`` has the form of an identifier; nothing else may reach a shell."""
    return len(text) == ID_LENGTH and all(c in "0123456789abcdef" for c in text)
