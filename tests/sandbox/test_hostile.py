"""Every way in which the host reads or writes the workspace, against everything that can lie there.

What is planted stands for something outside: a file with a canary in it that must be as it was
afterwards, content, mode and times, and whose content must be in nothing that an operation returns.
No operation may wait for ever: a pipe has nobody at its other end. Races swap a folder for a link
while an operation runs.
"""

import contextlib
import io
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import PocketCoderError
from pocketcoder_tui.core.hiding import Hiding
from pocketcoder_tui.gatekeeper.paths import guarded
from pocketcoder_tui.sandbox import flags
from pocketcoder_tui.sandbox.artifacts import Tree
from pocketcoder_tui.sandbox.artifacts.web import FileServer
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits
from pocketcoder_tui.sandbox.checkpoints.copying import copy_git, lay_out, remove_all
from pocketcoder_tui.sandbox.checkpoints.folders import open_root
from pocketcoder_tui.sandbox.checkpoints.gitfiles import git_marks
from pocketcoder_tui.sandbox.checkpoints.sweeping import sweep
from pocketcoder_tui.sandbox.cover import Cover
from pocketcoder_tui.sandbox.devcontainer import proposal_of
from pocketcoder_tui.sandbox.survey import survey

CANARY = b"canary-7Qm2xV9"
SECONDS = 60
"""Longer than any of it takes; only what hangs takes so long."""
PLACES = ("x", "Makefile", ".env", ".git", ".devcontainer.json", "sub")
"""The names that something is planted under: each matters to another operation."""

Plant = Callable[[Path, Path], None]


def bind(place: Path) -> None:
    """A socket there; its path may be too long for bind(2)."""
    with socket.socket(socket.AF_UNIX) as made:
        folder = os.open(place.parent, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{folder}/{place.name}")
        os.close(folder)


def folder_of_links(place: Path, outside: Path) -> None:
    """A folder all of whose names lead out."""
    place.mkdir()
    for name in ("config", "hooks", "HEAD", "Makefile", ".env", "x"):
        (place / name).symlink_to(outside / "canary")
    (place / "objects").symlink_to(outside)


def folder_of_pipes(place: Path, _: Path) -> None:
    """A folder of pipes with nobody at their other end."""
    place.mkdir()
    for name in ("config", "HEAD", "Makefile", ".env", "x"):
        os.mkfifo(place / name)


def chain(place: Path, outside: Path) -> None:
    """A link to a link."""
    (place.parent / "y").symlink_to(outside / "canary")
    place.symlink_to("y")


def deep(place: Path, _: Path) -> None:
    """Deeper than a path can be written."""
    here = place
    here.mkdir()
    descriptor = os.open(here, os.O_RDONLY)
    for _level in range(300):
        os.mkdir("d" * 20, dir_fd=descriptor)
        inner = os.open("d" * 20, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)


def sparse(place: Path, _: Path) -> None:
    """A terabyte that takes no space."""
    with place.open("wb") as file:
        file.truncate(1 << 40)


def device(place: Path, _: Path) -> None:
    """A device that never ends."""
    os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 5))


SHAPES: dict[str, Plant] = {
    "a link to a file": lambda p, o: p.symlink_to(o / "canary"),
    "a relative link": lambda p, o: p.symlink_to(f"../{o.name}/canary"),
    "a link to a folder": lambda p, o: p.symlink_to(o),
    "a link to a link": chain,
    "a link to itself": lambda p, _: p.symlink_to(p.name),
    "a link to nothing": lambda p, o: p.symlink_to(o / "made"),
    "a link to the host's root": lambda p, _: p.symlink_to("/proc/self/root"),
    "a link to a device": lambda p, _: p.symlink_to("/dev/zero"),
    "a hard link": lambda p, o: os.link(o / "canary", p),
    "a pipe": lambda p, _: os.mkfifo(p),
    "a socket": lambda p, _: bind(p),
    "a device": device,
    "a folder of links": folder_of_links,
    "a folder of pipes": folder_of_pipes,
    "a deep folder": deep,
    "a terabyte": sparse,
}


# --- what the host does


def listing(workspace: Path, _: Path) -> object:
    tree = Tree(workspace)
    return [tree.listing(), *(_quietly(tree.listing, os.fsencode(name)) for name in PLACES)]


def reading(workspace: Path, _: Path) -> object:
    tree = Tree(workspace)
    found = []
    for name in PLACES:
        for below in (name, f"{name}/canary", f"{name}/config", f"{name}/x"):
            with contextlib.suppress(PocketCoderError), tree.opened(os.fsencode(below)) as file:
                found.append(b"".join(file.pieces(0, 1000)))
    return found


def putting(workspace: Path, _: Path) -> object:
    tree = Tree(workspace)
    for name in PLACES:
        for below in (name, f"{name}/canary", f"{name}/made"):
            _quietly(tree.put, io.BytesIO(b"ours"), os.fsencode(below))
            _quietly(lambda b=below: tree.put(io.BytesIO(b"ours"), os.fsencode(b), replace=True))
    return None


def serving(workspace: Path, _: Path) -> object:
    import http.client

    server = FileServer(workspace, shown=lambda text: text)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    found = []
    try:
        for name in PLACES:
            for below in (name, f"{name}/", f"{name}/canary", f"{name}/x"):
                asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
                asked.request("GET", f"/{server.token}/{below}", headers={"Range": "bytes=0-99"})
                found.append(asked.getresponse().read(1000))
                asked.close()
    finally:
        server.close()
        thread.join(SECONDS)
    return found


def keeping(workspace: Path, beside: Path) -> object:
    with keeper(workspace, beside) as kept:
        tree = kept.take("an action").tree
        return kept.since(tree), kept.strays()


def undoing(workspace: Path, beside: Path) -> object:
    """To a state in which every place was a plain file, and back."""
    aside = beside / "aside"
    aside.mkdir()
    with keeper(workspace, beside) as kept:
        kept.take("with what was planted")
        for name in PLACES:
            with contextlib.suppress(OSError):
                os.rename(workspace / name, aside / name)
                if name != ".git":
                    (workspace / name).write_text("plain\n")
        kept.take("without it")
        for name in PLACES:
            with contextlib.suppress(OSError):
                os.unlink(workspace / name)
            with contextlib.suppress(OSError):
                os.rename(aside / name, workspace / name)
        for number in (2, 1):
            with contextlib.suppress(PocketCoderError):
                kept.restore(kept.plan(number))
    return None


def holding(workspace: Path, beside: Path) -> object:
    """What the host runs is put back and placed again."""
    with keeper(workspace, beside) as kept:
        kept.since(kept.take("before").tree)
        kept.accept()
        (workspace / "conftest.py").write_text("new\n")
        kept.since(kept.look())
        hold = kept.hold()
        if hold is not None:
            kept.put_back(hold.tree)
            kept.place(hold.tree)
    return None


def trying(workspace: Path, beside: Path) -> object:
    """A throw-away copy, git's folder with it, and its end."""
    copy = beside / "copy"
    with keeper(workspace, beside) as kept:
        tree = bytes.fromhex(kept.take("an action").tree)
        lay_out(kept.store, tree, copy, 1 << 24)
    copy_git(workspace, copy, 1 << 24)
    found = [
        path.read_bytes()[:1000]
        for path in copy.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    remove_all(copy)
    return found


def sweeping(workspace: Path, _: Path) -> object:
    return sweep(workspace, 0.0)


def surveying(workspace: Path, _: Path) -> object:
    return survey(workspace, Hiding())


def covering(workspace: Path, beside: Path) -> object:
    cover = Cover(workspace, beside / "masks", Hiding())
    cover.prepare()
    return cover.mounts(), cover.replaced()


def marking(workspace: Path, _: Path) -> object:
    found = []
    for folder in (workspace, workspace / "sub"):
        with contextlib.suppress(OSError):
            descriptor = open_root(folder)
            try:
                found.append(git_marks(descriptor))
            finally:
                os.close(descriptor)
    return found


def mounting(workspace: Path, _: Path) -> object:
    return flags.git_mounts(workspace)


def proposing(workspace: Path, _: Path) -> object:
    return proposal_of(workspace)


OPERATIONS = (
    listing, reading, putting, serving, keeping, undoing, holding, trying, sweeping, surveying,
    covering, marking, mounting, proposing,
)  # fmt: skip


KEPT = {("a hard link", trying)}
"""A checkpoint keeps what has several names, as package managers make them. Nothing in the box can
link to what is outside its mount (link(2), EXDEV), so such a name is the person's own."""


def keeper(workspace: Path, beside: Path) -> CheckpointKeeper:
    """A keeper whose store is outside, with a small limit for one file."""
    return CheckpointKeeper(workspace, beside / "store", Limits(file=100_000), guarded=guarded)


def _quietly(work: Callable[..., object], *args: object) -> object:
    """What it returns; a refusal is one of its answers."""
    try:
        return work(*args)
    except PocketCoderError as error:
        return error.sentence


class Outside:
    """A folder beside the workspace, and what it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "canary").write_bytes(CANARY)
        (folder / "canary").chmod(0o640)
        os.utime(folder / "canary", ns=(10**18, 10**18))
        self._was = self._seen()

    def _seen(self) -> object:
        facts = (self.folder / "canary").stat()
        return (
            sorted(os.listdir(self.folder)),
            (self.folder / "canary").read_bytes(),
            facts.st_mode,
            facts.st_uid,
            facts.st_mtime_ns,
        )

    def require_untouched(self) -> None:
        assert self._seen() == self._was


def bounded(work: Callable[[], object]) -> object:
    """Do it on a thread; fails when it does not come back."""
    came: list[object] = []

    def do() -> None:
        came.append(_quietly(work))

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive(), "it hangs"
    assert came, "it raised something that is no refusal"
    return came[0]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda work: work.__name__)
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_leads_out_and_nothing_hangs(
    tmp_path: Path, workspace: Path, shape: str, operation: Callable[[Path, Path], object]
) -> None:
    outside, beside = Outside(tmp_path / "outside"), tmp_path / "beside"
    beside.mkdir()
    for name in PLACES:
        try:
            SHAPES[shape](workspace / name, outside.folder)
        except FileExistsError:
            continue  # a second of its kind has no room
        except PermissionError:
            pytest.skip("NOT TESTED: only root can make a device")
    result = bounded(lambda: operation(workspace, beside))
    outside.require_untouched()
    if (shape, operation) not in KEPT:
        assert CANARY not in repr(result).encode()


def test_there_are_more_than_two_hundred() -> None:
    assert len(SHAPES) * len(OPERATIONS) > 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda work: work.__name__)
def test_a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere(
    tmp_path: Path, workspace: Path, operation: Callable[[Path, Path], object]
) -> None:
    outside = Outside(tmp_path / "outside")
    real, away = workspace / "sub", workspace / "away"
    real.mkdir()
    for name in ("canary", "x", "Makefile", ".env", "config"):
        (real / name).write_text("inside\n")
    over = threading.Event()

    def swap() -> None:
        """The folder and a link out take turns in one name."""
        while not over.is_set():
            with contextlib.suppress(OSError):
                os.rename(real, away)
                os.symlink(outside.folder, real)
            with contextlib.suppress(OSError):
                os.unlink(real)
                os.rename(away, real)

    swapping = threading.Thread(target=swap, daemon=True)
    swapping.start()
    try:
        for round_ in range(12):
            beside = tmp_path / f"beside{round_}"
            beside.mkdir()
            result = bounded(lambda beside=beside: operation(workspace, beside))
            assert CANARY not in repr(result).encode()
    finally:
        over.set()
        swapping.join(SECONDS)
    outside.require_untouched()


def test_the_tables_can_fail(tmp_path: Path, workspace: Path) -> None:
    """The ordinary way of reading and writing finds the canary, and touches it."""
    outside = Outside(tmp_path / "outside")
    SHAPES["a link to a file"](workspace / "x", outside.folder)
    assert (workspace / "x").read_bytes() == CANARY
    (workspace / "x").write_bytes(b"touched")
    with pytest.raises(AssertionError):
        outside.require_untouched()
