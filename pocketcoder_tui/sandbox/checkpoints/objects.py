"""Git's objects in its SHA-256 form, written and read here. Pure.

Source: gitformat-pack(5) and git's documentation of the hash function transition. Modes are kept
whole (``100600``, ``40750``), which git reads and takes for the nearest of its own. No git runs: it
would look for filters, hooks and settings in places that the agent can write to.
"""

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BLOB", "EMPTY_TREE", "TREE", "Item", "Items", "decode_tree", "encode_tree", "object_id"]

TREE, BLOB = 2, 3
"""Types of objects, by their number in a pack."""
_NAMES = {TREE: b"tree", BLOB: b"blob"}
_ID = 32
"""Bytes of an id."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree."""

    mode: int
    """As lstat(2) has it; of a link only that it is one."""
    id: bytes

    @property
    def is_folder(self) -> bool:
        """True for a tree."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """True for a symbolic link; its blob is where it leads."""
        return stat.S_ISLNK(self.mode)


Items = dict[bytes, Item]
"""A tree by its names."""


def object_id(kind: int, data: bytes) -> bytes:
    """The name of an object: sha256 over its type, its length and its content."""
    return hashlib.sha256(b"%s %d\0%s" % (_NAMES[kind], len(data), data)).digest()


def encode_tree(items: Mapping[bytes, Item]) -> bytes:
    """Write a tree: names in git's order, where a folder's name ends with a slash."""
    ordered = sorted(items.items(), key=lambda pair: pair[0] + b"/" * pair[1].is_folder)
    return b"".join(b"%o %s\0%s" % (item.mode, name, item.id) for name, item in ordered)


def decode_tree(data: bytes) -> Items:
    """Read a tree. Raises ValueError when it is none."""
    items: Items = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        items[data[space + 1 : end]] = Item(int(data[at:space], 8), data[end + 1 : end + 1 + _ID])
        at = end + 1 + _ID
    return items


EMPTY_TREE = object_id(TREE, b"")
