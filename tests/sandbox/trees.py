"""Workspaces for the tests of checkpoints: made by chance, changed by chance, compared exactly."""

import os
import random
import shutil
import stat
from pathlib import Path

Entry = tuple[int, bytes]
"""Mode, and content of a file or target of a link."""

NAMES = [b"a", b"b.txt", b"c c", b"new\nline", b"\xff\xfe", "ä€".encode(), b"-rf", b"d" * 60, b"z."]
FILE_MODES = [0o644, 0o755, 0o600, 0o640, 0o444]
FOLDER_MODES = [0o755, 0o700, 0o750, 0o775]


def picture(folder: Path) -> dict[bytes, Entry]:
    """Everything below a folder, .git apart: modes, contents, links, empty folders too."""
    found: dict[bytes, Entry] = {}
    pending = [b""]
    while pending:
        path = pending.pop()
        for name in os.listdir(os.fsencode(folder) + b"/" + path):
            if name == b".git":
                continue
            here = path + name
            place = os.fsencode(folder) + b"/" + here
            mode = os.lstat(place).st_mode
            content = b""
            if stat.S_ISDIR(mode):
                pending.append(here + b"/")
            elif stat.S_ISLNK(mode):
                content = os.readlink(place)
            elif stat.S_ISREG(mode):
                with open(place, "rb") as file:
                    content = file.read()
            found[here] = (mode, content)
    return found


def grow(folder: Path, chance: random.Random, count: int) -> None:
    """Make files, links and folders here and there."""
    for _ in range(count):
        change(folder, chance)


def change(folder: Path, chance: random.Random) -> None:
    """Make, change or remove one thing at a random place."""
    root = os.fsencode(folder)
    folders = [b"", *(p for p, (mode, _) in picture(folder).items() if stat.S_ISDIR(mode))]
    parent = chance.choice([p for p in folders if p.count(b"/") < 4])
    place = b"/".join(filter(None, [root, parent, chance.choice(NAMES)]))
    there = os.path.lexists(place)
    match chance.randrange(8):
        case 0 | 1 | 2:
            if os.path.islink(place):
                os.unlink(place)
            if not os.path.isdir(place):
                _write(place, chance)
        case 3:
            if not there:
                os.mkdir(place)
                os.chmod(place, chance.choice(FOLDER_MODES))
        case 4:
            _remove(place)
            os.symlink(chance.choice([b"a", b"/etc/passwd", b"../..", b"\xff", b"."]), place)
        case 5 | 6:
            _remove(place)
        case _:
            if there and not os.path.islink(place):
                modes = FOLDER_MODES if os.path.isdir(place) else FILE_MODES
                os.chmod(place, chance.choice(modes))


def _write(place: bytes, chance: random.Random) -> None:
    if os.path.exists(place):
        os.chmod(place, 0o600)
    with open(place, "wb") as file:
        file.write(chance.randbytes(chance.choice([0, 1, 30, 5_000])))
        file.write(b"line\n" * chance.randrange(4))
    os.chmod(place, chance.choice(FILE_MODES))


def _remove(place: bytes) -> None:
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place)
    elif os.path.lexists(place):
        os.unlink(place)
