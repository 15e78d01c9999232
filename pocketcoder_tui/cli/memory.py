"""What the C library does with memory while libraries are loaded on threads.

glibc gives threads heaps of their own, and what was loaded on one keeps its holes there: 15 MiB of
118 here. One heap serves a program that the interpreter's lock keeps to one thread at a time.
"""

from contextlib import suppress

_M_ARENA_MAX = -8
"""mallopt(3)."""


def share_one_heap() -> None:
    """Let threads that start from now on use the heap that is there (glibc; elsewhere nothing)."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
