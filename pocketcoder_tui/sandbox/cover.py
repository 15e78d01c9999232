"""What lies over parts of the workspace in the box: masks over secrets, read-only git files.

Mounts are made when the box starts and belong to a file, not to its name: what the host replaces
by renaming (an editor that saves, ``git config``) is uncovered from then on, and a file that comes
later is not covered. Both are found by looking (``exposed``) and said; the next start of the box
covers everything again. Nothing in the box can take a mount away: the kernel refuses to remove or
rename it (EBUSY), and it moves along with its folder.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.hiding import MARK, Hiding
from pocketcoder_tui.sandbox.flags import WORKSPACE, bind
from pocketcoder_tui.sandbox.inspection import Finding
from pocketcoder_tui.sandbox.survey import Survey, survey

__all__ = ["Cover", "Covered", "findings_of", "mounted_in"]

_FILE, _FOLDER = "file", "folder"
_TEXT = f"{MARK}\n".encode()
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Covered:
    """What a running box is kept from, by paths below the workspace."""

    hidden: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    """What is to be hidden, and is not in this box."""
    open: tuple[str, ...] = ()
    """Settings and hooks of nested repositories that this box can change."""
    unguarded: int = 0
    """Nested repositories beyond the limit."""


class Cover:
    """Owns the masks, two of the host's, in a folder of ours."""

    def __init__(self, workspace: Path, folder: Path | None, hiding: Hiding | None) -> None:
        """``folder``: where the masks are. Nothing is hidden when either is None."""
        self._workspace = workspace
        self._folder = folder
        self._hiding = hiding if folder is not None else None
        self.survey = Survey()
        """What the last look found."""
        self._numbers: dict[str, int] = {}
        """The files that are hidden, by their numbers (st_ino)."""

    def prepare(self) -> None:
        """Make the masks, if something is hidden. Blocking. Raises SandboxError."""
        if self._folder is not None and self.survey.hidden:
            _make_masks(self._folder)

    def mounts(self) -> list[dict[str, Any]]:
        """Look at the workspace and return its mounts. Blocking. Raises SandboxError."""
        self.survey = survey(self._workspace, self._hiding)
        mounts = [
            bind(self._workspace / path, f"{WORKSPACE}/{path}", read_only=True)
            for path in self.survey.guards
        ]
        if self._folder is None:
            return mounts
        for hidden in self.survey.hidden:
            mask = self._folder / (_FOLDER if hidden.folder else _FILE)
            mounts.append(bind(mask, f"{WORKSPACE}/{hidden.path}", read_only=True))
        return mounts

    def hidden(self) -> frozenset[str]:
        """What is to be hidden, by the last look: paths of files and folders."""
        return frozenset(hidden.path for hidden in self.survey.hidden)

    def compared(self, mounted: set[str]) -> Covered:
        """What is and what is not covered, by the mounts that a running box says it has."""
        there = {place.removeprefix(f"{WORKSPACE}/") for place in mounted}
        wanted = [hidden.path for hidden in self.survey.hidden]
        covered = [path for path in wanted if path in there]
        self._numbers = {path: _number(self._workspace / path) for path in covered}
        return Covered(
            tuple(covered),
            tuple(path for path in wanted if path not in there),
            tuple(path for path in self.survey.guards if path not in there),
            self.survey.unguarded,
        )

    def replaced(self) -> tuple[str, ...]:
        """Hidden files that were replaced since, so that their mask is gone; told once.

        A look at each, some microseconds; one that was moved or removed is not told.
        """
        gone: list[str] = []
        for path, number in list(self._numbers.items()):
            now = _number(self._workspace / path)
            if now not in (0, number):
                gone.append(path)
                del self._numbers[path]
        return tuple(gone)


def findings_of(covered: Covered) -> list[Finding]:
    """For doctor: what is hidden, and the nested repositories. No reason to refuse the box, since
    the host's own programs uncover files by saving them."""
    hidden, exposed = ", ".join(covered.hidden), ", ".join(covered.exposed)
    said = f"not hidden until the next start: {exposed}; hidden: {hidden or 'none'}"
    loose = [f"{path} until the next start" for path in covered.open]
    loose += [f"{covered.unguarded} repositories beyond the limit"] if covered.unguarded else []
    return [
        ("secret files hidden", not exposed, said if exposed else hidden or "none"),
        ("nested repositories guarded", not loose, f"can be changed: {', '.join(loose)}"
         if loose else "all"),
    ]  # fmt: skip


def mounted_in(text: str) -> set[str]:
    """The places of all mounts in what inspection.LOOK printed."""
    lines = [line.split(" ") for line in text.splitlines() if line.startswith("mount ")]
    return {_ESCAPED.sub(_character, line[1]) for line in lines if line[1:]}


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))


def _number(path: Path) -> int:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return 0


def _make_masks(folder: Path) -> None:
    """A file with one line, and an empty folder; what is as it should be is left alone."""
    file, empty = folder / _FILE, folder / _FOLDER
    try:
        empty.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not file.is_file() or file.read_bytes() != _TEXT:
            new = folder / "new"
            new.write_bytes(_TEXT)
            new.chmod(0o444)
            new.replace(file)
        empty.chmod(0o555)
        if os.listdir(empty):
            raise SandboxError(f"{empty} lies over hidden folders and is not empty.")
    except OSError as error:
        raise SandboxError(
            f"Secret files cannot be hidden: {error.strerror} ({folder}).",
            hint="Look at the disk and at the permissions of that folder.",
        ) from error
