"""What a workspace says to agents: its ``AGENTS.md``, and where further ones are.

The convention is that of agents.md: one file at the top, nested ones for folders below, the nearest
counts. The folder is untrusted: a file is opened through no link, waits for nobody and is bounded,
and what it says is the authors' wish, never the person's word.
"""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pocketcoder_tui.core.events import Noticed

__all__ = ["NAME", "Guidance", "guidance_of"]

NAME = "AGENTS.md"
LIMIT = 32_000
"""Bytes of the file that go to the model."""
DEPTH = 6
"""Folders within folders in which further ones are looked for."""
ENTRIES = 20_000
"""Entries that are looked at."""
NESTED = 50
"""Further ones that are named."""
_SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "__pycache__", "target", "dist"})
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Guidance:
    """What was found."""

    text: str = ""
    """The file at the top; empty without one."""
    cut: bool = False
    """True when it is longer than what goes to the model."""
    nested: tuple[str, ...] = ()
    """Paths of further ones, below the workspace."""

    @property
    def notice(self) -> Noticed | None:
        """What the person is told of it; None when there is nothing."""
        if not self.text:
            return None
        lines = self.text.count("\n") + 1
        sentence = f"The agent is given this folder's {NAME}, {lines} lines."
        level: Literal["info", "warning"] = "warning" if self.cut else "info"
        hint = f"It is too long: its first {LIMIT:,} bytes are used." if self.cut else ""
        return Noticed(level, sentence, hint, time.time())


def guidance_of(workspace: Path) -> Guidance:
    """Read it. Blocking; whatever cannot be read is left out."""
    try:
        root = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return Guidance()
    try:
        text, cut = _read(root)
        return Guidance(text, cut, tuple(_nested(root)))
    finally:
        os.close(root)


def _read(folder: int) -> tuple[str, bool]:
    try:
        file = os.open(NAME, _OPEN, dir_fd=folder)
    except OSError:
        return "", False
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return "", False
        data = b""
        while len(data) <= LIMIT and (piece := os.read(file, LIMIT + 1 - len(data))):
            data += piece
    except OSError:
        return "", False
    finally:
        os.close(file)
    text = data[:LIMIT].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.strip(), len(data) > LIMIT


def _nested(root: int) -> Iterator[str]:
    """Paths below the top, in the order of the alphabet; bounded in every way."""
    found = 0
    seen = 0
    for place, folders, names, _ in os.fwalk(dir_fd=root, follow_symlinks=False):
        depth = place.count("/")
        folders[:] = sorted(f for f in folders if f not in _SKIPPED) if depth < DEPTH else []
        seen += len(names) + len(folders)
        if depth and NAME in names and place.isprintable():
            yield f"{place.removeprefix('./')}/{NAME}"
            found += 1
        if found >= NESTED or seen > ENTRIES:
            return
