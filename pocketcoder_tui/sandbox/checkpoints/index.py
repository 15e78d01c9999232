"""What the walker knows, kept beside the store, so that a new process reads only what changed.

It is a cache: a file that is damaged, of another version, or that names content which the store has
not, is as good as none. marshal's form may differ between versions of Python, so that is in front.
"""

import contextlib
import hashlib
import marshal
import os
import sys
from pathlib import Path
from typing import Any

from pocketcoder_tui.sandbox.checkpoints.store import Store
from pocketcoder_tui.sandbox.checkpoints.walking import Node

__all__ = ["load", "save"]

_VERSION = f"pocketcoder index 1, {sys.version_info[:2]}, marshal {marshal.version}\n".encode()


def save(path: Path, root: Node) -> None:
    """Write it; a crash leaves the old one. Raises OSError."""
    body = marshal.dumps(_plain(root))
    temporary = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(_VERSION + hashlib.sha256(body).digest() + body)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def load(path: Path, store: Store) -> Node:
    """Read it; an empty one when there is none that can be used."""
    try:
        data = path.read_bytes()
        head, sum_ = len(_VERSION), data[len(_VERSION) : len(_VERSION) + 32]
        if data[:head] != _VERSION or hashlib.sha256(data[head + 32 :]).digest() != sum_:
            return Node()
        return _node(marshal.loads(data[head + 32 :]), store)
    except (OSError, ValueError, EOFError, TypeError):
        return Node()


def _plain(node: Node) -> tuple[Any, ...]:
    folders = {name: _plain(child) for name, child in node.folders.items()}
    return node.mode, node.files, folders, node.id


def _node(plain: tuple[Any, ...], store: Store) -> Node:
    mode, files, folders, id_ = plain
    kept = {name: known for name, known in files.items() if known[1] in store}
    below = {name: _node(child, store) for name, child in folders.items()}
    whole = len(kept) == len(files) and all(child.id for child in below.values())
    return Node(mode, kept, below, {}, id_ if whole and id_ in store else b"")
