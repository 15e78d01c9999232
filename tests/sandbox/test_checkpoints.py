"""Checkpoints: what was there comes back exactly, and nothing is read or written elsewhere."""

import contextlib
import json
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketcoder_tui.core.checkpoints import CheckpointKind, How
from pocketcoder_tui.core.errors import CheckpointError, PlanStale
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, Limits
from pocketcoder_tui.sandbox.checkpoints.walking import Why
from tests.ledger.limits import files_no_larger_than
from tests.sandbox.trees import change, grow, picture

NOBODY = 65_534


@pytest.fixture
def keeper(workspace: Path, tmp_path: Path) -> Iterator[CheckpointKeeper]:
    with CheckpointKeeper(workspace, tmp_path / "store") as made:
        yield made


def undo(keeper: CheckpointKeeper, number: int = 0) -> list[str]:
    """Go back, and return what was left."""
    return list(keeper.restore(keeper.plan(number)).left)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32))
def test_any_change_is_undone_exactly_and_the_undo_too(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    place = tmp_path / str(seed)
    workspace = place / "w"
    workspace.mkdir(parents=True, exist_ok=True)
    grow(workspace, chance, 25)
    with CheckpointKeeper(workspace, place / "store") as keeper:
        first = keeper.take("first")
        before = picture(workspace)
        for _ in range(chance.randrange(1, 25)):
            change(workspace, chance)
        after = picture(workspace)
        done = keeper.restore(keeper.plan(first.number))
        assert done.left == ()
        assert picture(workspace) == before
        assert (done.difference.total > 0) >= (before != after)
        assert undo(keeper, done.before) == []
        assert picture(workspace) == after
        assert undo(keeper, first.number) == []
        assert picture(workspace) == before
    shutil.rmtree(place)


def test_a_checkpoint_outlives_its_process(workspace: Path, tmp_path: Path) -> None:
    grow(workspace, random.Random(7), 40)
    before = picture(workspace)
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        keeper.take("first")
    grow(workspace, random.Random(8), 40)
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        assert [e.label for e in keeper.entries()] == ["first"]
        assert undo(keeper) == []
    assert picture(workspace) == before


def test_git_reads_the_store(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "src").mkdir()
    (workspace / "src" / "a.py").write_text("one\ntwo\n")
    (workspace / "link").symlink_to("src/a.py")
    first = keeper.take("first")
    (workspace / "src" / "a.py").write_text("one\nzwei\n")
    second = keeper.take("second")

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", f"--git-dir={keeper.store.folder}", *words], capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout

    assert "src/a.py" in git("ls-tree", "-r", "--name-only", first.tree)
    assert "-two\n+zwei\n" in git("diff", first.tree, second.tree)
    git("verify-pack", *map(str, (keeper.store.folder / "objects/pack").glob("*.idx")))


def test_only_what_changed_is_read(keeper: CheckpointKeeper, workspace: Path) -> None:
    for n in range(50):
        (workspace / f"f{n}").write_text(str(n))
        os.utime(workspace / f"f{n}", (1, 1))
    wait_for_the_clock(workspace)
    keeper.take("first")
    assert keeper._walker.read == 50
    (workspace / "f7").write_text("seven")
    keeper.take("second")
    assert keeper._walker.read == 1


def wait_for_the_clock(folder: Path) -> None:
    """Wait until a change of now has another moment than all before, by a wide margin."""
    newest = max(path.stat().st_ctime_ns for path in folder.iterdir())
    probe = folder.parent / "probe"
    while True:
        probe.write_text("")
        if probe.stat().st_ctime_ns - newest > 60_000_000:
            return


def test_a_second_change_in_the_same_moment_is_seen(
    keeper: CheckpointKeeper, workspace: Path
) -> None:
    """The size is the same, and the moment may be: it is read again for some time."""
    for n in range(30):
        (workspace / "f").write_text(f"{n:02}")
        entry = keeper.take(str(n))
        (workspace / "f").write_text(f"{n + 50:02}")
        assert keeper.look() != entry.tree


def test_a_moment_in_the_past_hides_nothing(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "f").write_text("old")
    os.utime(workspace / "f", (5, 5))
    wait_for_the_clock(workspace)
    first = keeper.take("first")
    (workspace / "f").write_text("new")
    os.utime(workspace / "f", (5, 5))
    assert keeper.look() != first.tree


def test_the_difference_is_counted(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "kept").write_text("".join(f"{n}\n" for n in range(100)))
    (workspace / "gone").write_text("1\n2\n")
    (workspace / "blob").write_bytes(b"\0\1")
    (workspace / "mode").write_text("x\n")
    first = keeper.take("first")
    lines = [f"{n}\n" for n in range(100)]
    lines[50:52] = ["fifty\n"]
    (workspace / "kept").write_text("".join(lines))
    (workspace / "gone").unlink()
    (workspace / "blob").write_bytes(b"\0\2")
    (workspace / "mode").chmod(0o755)
    (workspace / "made").write_text("a\nb\nc")
    (workspace / "empty").mkdir()
    _, found = keeper.since(first.tree)
    assert {(c.path, c.how, c.added, c.removed) for c in found.changes} == {
        ("kept", How.CHANGED, 1, 2),
        ("gone", How.REMOVED, 0, 2),
        ("blob", How.CHANGED, None, None),
        ("mode", How.MODE, 0, 0),
        ("made", How.ADDED, 3, 0),
        ("empty", How.ADDED, None, None),
    }
    assert (found.total, found.added, found.removed) == (6, 4, 4)
    text = keeper.plan(first.number).text
    assert "-fifty\n+50\n+51\n" in text
    assert "mode 100755 becomes 100644" in text


def test_a_hostile_text_costs_a_bounded_time(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "f").write_text("a\nb\n" * 60_000)
    first = keeper.take("first")
    (workspace / "f").write_text("b\nc\n" * 60_000)
    _, found = keeper.since(first.tree)
    assert found.changes[0].added == found.changes[0].removed == 120_000


# --- undo, redo, further back


def test_undo_goes_further_back_each_time(keeper: CheckpointKeeper, workspace: Path) -> None:
    for n in range(1, 4):
        keeper.take(f"before {n}")
        (workspace / "f").write_text(str(n))
    for n in (2, 1):
        undo(keeper)
        assert (workspace / "f").read_text() == str(n)
    undo(keeper)
    assert not (workspace / "f").exists()
    with pytest.raises(CheckpointError, match="nothing to undo"):
        keeper.plan()


def test_what_changed_nothing_is_passed_over(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "f").write_text("1")
    keeper.take("writes")
    (workspace / "f").write_text("2")
    keeper.take("only looks")
    assert keeper.plan().checkpoint.label == "writes"


def test_after_an_undo_a_change_is_undone_first(keeper: CheckpointKeeper, workspace: Path) -> None:
    keeper.take("one")
    (workspace / "f").write_text("1")
    keeper.take("two")
    (workspace / "f").write_text("2")
    undo(keeper)
    (workspace / "f").write_text("by hand")
    undone = keeper.plan()
    assert undone.checkpoint.kind is CheckpointKind.UNDO
    keeper.take("three")
    (workspace / "f").write_text("3")
    undo(keeper)
    assert (workspace / "f").read_text() == "by hand"


def test_an_undo_does_what_was_shown_or_nothing(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "f").write_text("1")
    keeper.take("one")
    (workspace / "f").write_text("2")
    plan = keeper.plan()
    (workspace / "f").write_text("3, by somebody else")
    with pytest.raises(PlanStale):
        keeper.restore(plan)
    assert (workspace / "f").read_text() == "3, by somebody else"
    (workspace / "f").write_text("2")
    (workspace / "other").write_text("a change that the undo would take away")
    with pytest.raises(PlanStale):
        keeper.restore(plan)


def test_a_file_that_changes_during_the_undo_is_left(
    keeper: CheckpointKeeper, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (workspace / name).write_text("1")
    keeper.take("one")
    for name in "abc":
        (workspace / name).write_text("2")
    plan = keeper.plan()
    link = os.fsync

    def swap(fd: int) -> None:
        """Somebody writes while the new content of the first file is on its way to the disk."""
        (workspace / "a").write_text("mine!")
        link(fd)

    monkeypatch.setattr("pocketcoder_tui.sandbox.checkpoints.restoring.os.fsync", swap)
    [left] = keeper.restore(plan).left
    assert left == "a changed meanwhile and was left as it is."
    assert [(workspace / name).read_text() for name in "abc"] == ["mine!", "1", "1"]
    assert sorted(os.listdir(workspace)) == ["a", "b", "c"]


# --- what is not kept


def test_git_is_neither_kept_nor_touched(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / ".git").mkdir()
    (workspace / ".git" / "config").write_text("[core]")
    (workspace / "f").write_text("1")
    keeper.take("one")
    (workspace / ".git" / "config").write_text("[other]")
    (workspace / "inner").mkdir()
    subprocess.run(["git", "init", "-q", workspace / "inner"], check=True)
    (workspace / "inner" / "f").write_text("2")
    left = undo(keeper)
    assert (workspace / ".git" / "config").read_text() == "[other]"
    assert (workspace / "inner" / ".git").is_dir()
    assert not (workspace / "inner" / "f").exists()
    assert left == ["inner stays: something in it is not kept in checkpoints."]


def test_attributes_and_filters_are_only_files(keeper: CheckpointKeeper, workspace: Path) -> None:
    """A repository's filters would run programs, and change what is kept."""
    subprocess.run(["git", "init", "-q", workspace], check=True)
    trap = workspace / "trap"
    config = ["git", "-C", workspace, "config"]
    subprocess.run([*config, "filter.evil.clean", f"touch {trap}; cat"], check=True)
    subprocess.run([*config, "core.fsmonitor", f"touch {trap}"], check=True)
    (workspace / ".gitattributes").write_text("* filter=evil text eol=crlf ident\n")
    (workspace / ".gitignore").write_text("*.log\n")
    (workspace / "a.txt").write_bytes(b"$Id$\r\nx\n")
    (workspace / "a.log").write_bytes(b"ignored by git, kept here")
    before = picture(workspace)
    keeper.take("one")
    (workspace / "a.txt").unlink()
    (workspace / "a.log").unlink()
    undo(keeper)
    assert picture(workspace) == before
    assert not trap.exists()


def small(workspace: Path, tmp_path: Path, **limits: int) -> CheckpointKeeper:
    return CheckpointKeeper(workspace, tmp_path / "small", Limits(**limits))


def test_a_large_file_is_left_out_and_never_overwritten(workspace: Path, tmp_path: Path) -> None:
    (workspace / "was-large").write_bytes(b"x" * 2_000)
    (workspace / "main.py").write_text("print()")
    with small(workspace, tmp_path, file=1_000) as keeper:
        first = keeper.take("one")
        assert first.left
        (workspace / "was-large").write_bytes(b"small now")
        (workspace / "main.py").write_bytes(b"y" * 3_000)
        (workspace / "new").write_bytes(b"z" * 3_000)
        plan = keeper.plan()
        assert any("main.py is in the way" in note for note in plan.notes)
        assert any("was-large stays" in note for note in plan.notes)
        assert any("new is not kept" in note for note in plan.notes)
        done = keeper.restore(plan)
    assert (workspace / "main.py").read_text() == "print()"
    assert (workspace / f"main.py.before-undo-{done.before}").read_bytes() == b"y" * 3_000
    assert (workspace / "was-large").read_bytes() == b"small now"
    assert (workspace / "new").exists()
    assert len(done.left) == 2


def test_a_huge_sparse_file_costs_nothing(workspace: Path, tmp_path: Path) -> None:
    with open(workspace / "huge", "wb") as file:
        file.truncate(1 << 42)
    with small(workspace, tmp_path) as keeper:
        entry = keeper.take("one")
        assert keeper.store.size < 10_000
    assert entry.left


def test_more_than_the_space_is_refused_and_nothing_is_kept(
    workspace: Path, tmp_path: Path
) -> None:
    for n in range(40):
        (workspace / f"f{n}").write_bytes(random.Random(n).randbytes(100_000))
    with small(workspace, tmp_path, space=1_500_000) as keeper:
        with pytest.raises(CheckpointError, match="more than checkpoints may take"):
            keeper.take("one")
        assert keeper.entries() == ()
        assert not list((tmp_path / "small/objects/pack").iterdir())
        for n in range(30):
            (workspace / f"f{n}").unlink()
        keeper.take("two")


def test_too_many_files_are_refused(workspace: Path, tmp_path: Path) -> None:
    for n in range(60):
        (workspace / f"f{n}").touch()
    with (
        small(workspace, tmp_path, entries=50) as keeper,
        pytest.raises(CheckpointError, match="more than 50 files"),
    ):
        keeper.take("one")


# --- a workspace that fights back


def test_pipes_sockets_and_depths_hold_nothing_up(
    keeper: CheckpointKeeper, workspace: Path
) -> None:
    os.mkfifo(workspace / "pipe")
    fd = os.open(workspace, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    (workspace / "f").write_text("1")
    entry = keeper.take("one")
    left = json.loads(keeper.store.blob(bytes.fromhex(entry.left)))
    assert {why for _, why in left} == {
        "it is a pipe, a socket or a device", "it is too deep in folders"
    }  # fmt: skip
    (workspace / "f").write_text("2")
    assert undo(keeper) == []
    subprocess.run(["rm", "-rf", workspace / "d"], check=True)


def test_a_pipe_in_the_way_of_a_file_goes(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "main.py").write_text("print()")
    keeper.take("one")
    (workspace / "main.py").unlink()
    os.mkfifo(workspace / "main.py")
    assert undo(keeper) == []
    assert (workspace / "main.py").read_text() == "print()"


def test_links_are_kept_and_never_followed(
    keeper: CheckpointKeeper, workspace: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s3cret")
    (workspace / "folder").mkdir()
    (workspace / "folder" / "secret").write_text("mine")
    (workspace / "file").write_text("mine too")
    keeper.take("one")
    shutil.rmtree(workspace / "folder")
    (workspace / "folder").symlink_to(outside)
    (workspace / "file").unlink()
    (workspace / "file").symlink_to(outside / "secret")
    assert undo(keeper) == []
    assert (outside / "secret").read_text() == "s3cret"
    assert sorted(os.listdir(outside)) == ["secret"]
    assert (workspace / "folder" / "secret").read_text() == "mine"
    packs = b"".join(p.read_bytes() for p in keeper.store.folder.rglob("*.pack"))
    assert b"s3cret" not in packs


def test_a_hard_link_out_of_the_workspace_is_cut_and_not_written_through(
    keeper: CheckpointKeeper, workspace: Path, tmp_path: Path
) -> None:
    (workspace / "f").write_text("1")
    keeper.take("one")
    (tmp_path / "outside").write_text("precious")
    (workspace / "f").unlink()
    os.link(tmp_path / "outside", workspace / "f")
    assert undo(keeper) == []
    assert (workspace / "f").read_text() == "1"
    assert (tmp_path / "outside").read_text() == "precious"


SWAPPER = """
import os, sys
inside, outside = sys.argv[1:]
while True:
    for name in ("folder", "f"):
        here, aside = f"{inside}/{name}", f"{inside}/.aside-{name}"
        try:
            os.rename(here, aside)
            os.symlink(outside + "/" + name, here)
            os.unlink(here)
            if name == "f":
                os.mkfifo(here)
                os.unlink(here)
            os.rename(aside, here)
        except OSError:
            pass
"""


def test_folders_swapped_for_links_while_we_walk_and_restore(
    keeper: CheckpointKeeper, workspace: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "folder" / "x").write_text("s3cret")
    (outside / "f").write_text("s3cret")
    (workspace / "folder").mkdir()
    for n in range(20):
        (workspace / "folder" / f"x{n}").write_text("mine")
    (workspace / "f").write_text("mine")
    first = keeper.take("one")
    swapper = subprocess.Popen(["python3", "-c", SWAPPER, workspace, outside])
    try:
        for n in range(60):
            (workspace / "other").write_text(str(n))
            keeper.take("under fire")
            try:
                keeper.restore(keeper.plan(first.number))
            except PlanStale:
                continue
    finally:
        swapper.kill()
        swapper.wait()
    assert picture(outside) == {
        b"folder": (stat.S_IFDIR | 0o755, b""),
        b"folder/x": (stat.S_IFREG | 0o644, b"s3cret"),
        b"f": (stat.S_IFREG | 0o644, b"s3cret"),
    }
    stored = set[bytes]()
    for entry in keeper.entries():
        from pocketcoder_tui.sandbox.checkpoints.pruning import reachable

        reachable(keeper.store, bytes.fromhex(entry.tree), stored)
    assert not any(b"s3cret" in body(keeper, id_) for id_ in stored)


def body(keeper: CheckpointKeeper, id_: bytes) -> bytes:
    try:
        return keeper.store.blob(id_)
    except CheckpointError:
        return b""  # a tree


def test_a_folder_that_is_closed_to_its_owner(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "closed").mkdir()
    (workspace / "closed" / "f").write_text("1")
    (workspace / "closed").chmod(0o500)
    before = picture(workspace)
    keeper.take("one")
    (workspace / "closed").chmod(0o700)
    (workspace / "closed" / "f").unlink()
    (workspace / "closed" / "g").write_text("2")
    (workspace / "closed").chmod(0o500)
    assert undo(keeper) == []
    assert picture(workspace) == before


def test_setuid_does_not_come_back(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "tool").write_text("#!/bin/sh")
    (workspace / "tool").chmod(0o4755)
    keeper.take("one")
    (workspace / "tool").unlink()
    assert undo(keeper) == ["tool is back without its setuid and setgid bits."]
    assert stat.S_IMODE((workspace / "tool").stat().st_mode) == 0o755


def test_names_that_look_like_orders(keeper: CheckpointKeeper, workspace: Path) -> None:
    names = [b"-rf", b"a\nb", b"\xff\x80", b"\x1b[31m", b"x" * 255, b". .", "é".encode()]
    for name in names:
        (workspace / os.fsdecode(name)).write_bytes(name)
    before = picture(workspace)
    keeper.take("one")
    for name in names:
        os.unlink(os.fsencode(workspace) + b"/" + name)
    plan = keeper.plan()
    assert {os.fsencode(c.path) for c in plan.difference.changes} == set(names)
    assert keeper.restore(plan).left == ()
    assert picture(workspace) == before


@contextlib.contextmanager
def an_ordinary_person(*places: Path) -> Iterator[None]:
    """Who may not read everything: oneself, or for root somebody else, to whom the places go."""
    if os.geteuid() != 0:
        yield
        return
    for place in places:
        os.chown(place, NOBODY, NOBODY)
        for parent in place.parents[:-2]:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_cannot_be_read_is_named(workspace: Path, tmp_path: Path) -> None:
    (workspace / "closed").write_text("x")
    (workspace / "closed").chmod(0)
    store = tmp_path / "kept"
    store.mkdir()
    with (
        an_ordinary_person(workspace, store),
        CheckpointKeeper(workspace, store / "store") as keeper,
    ):
        assert keeper.take("one").left
        assert [(left.path, left.why) for left in keeper._left] == [("closed", Why.UNREADABLE)]


# --- the store


def test_a_full_disk_is_a_sentence_and_leaves_the_store_whole(
    keeper: CheckpointKeeper, workspace: Path
) -> None:
    (workspace / "f").write_text("1")
    first = keeper.take("one")
    (workspace / "g").write_bytes(random.Random(1).randbytes(3_000_000))
    for size in (0, 100, 4_096, 1_000_000):
        with files_no_larger_than(size), pytest.raises(CheckpointError, match="too large"):
            keeper.take("two")
    assert [e.number for e in keeper.entries()] == [1]
    assert not [p for p in keeper.store.folder.rglob("*") if p.name.startswith("tmp-")]
    keeper.take("three")
    undo(keeper, first.number)
    assert not (workspace / "g").exists()


def test_a_flipped_bit_is_an_error_and_no_wrong_file(workspace: Path, tmp_path: Path) -> None:
    (workspace / "f").write_bytes(random.Random(1).randbytes(5_000))
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        keeper.take("one")
    [pack] = (tmp_path / "store/objects/pack").glob("*.pack")
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    (workspace / "f").write_text("2")
    for at in range(14, len(data) - 32, 97):
        hurt = bytearray(data)
        hurt[at] ^= 4
        pack.write_bytes(hurt)
        with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
            with contextlib.suppress(CheckpointError):
                undo(keeper, 1)
            assert (workspace / "f").read_bytes() in (b"2", random.Random(1).randbytes(5_000))
            (workspace / "f").write_text("2")


def test_one_process_writes_and_others_may_look(
    keeper: CheckpointKeeper, workspace: Path, tmp_path: Path
) -> None:
    keeper.take("one")
    with CheckpointKeeper(workspace, tmp_path / "store") as other:
        assert [e.label for e in other.entries()] == ["one"]
    with (
        CheckpointKeeper(workspace, tmp_path / "store") as other,
        pytest.raises(CheckpointError, match="Another pocketcoder"),
    ):
        other.take("two")


def test_old_checkpoints_go_and_the_newest_stays(workspace: Path, tmp_path: Path) -> None:
    with CheckpointKeeper(workspace, tmp_path / "store", days=1) as keeper:
        for n in range(5):
            (workspace / f"f{n}").write_bytes(random.Random(n).randbytes(50_000))
            keeper.take(str(n))
        keeper._entries[:3] = [replace(e, at=e.at - 100_000) for e in keeper._entries[:3]]
        (workspace / "f0").unlink()
        keeper.take("later")
        assert keeper.prune() == 3
        assert [e.label for e in keeper.entries()] == ["3", "4", "later"]
        undo(keeper)
        assert (workspace / "f0").exists()
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        assert keeper.take("again").number == 8


def test_the_store_stays_within_its_space(workspace: Path, tmp_path: Path) -> None:
    with small(workspace, tmp_path, space=400_000) as keeper:
        for n in range(12):
            (workspace / "f").write_bytes(random.Random(n).randbytes(100_000))
            keeper.take(str(n))
            keeper.prune()
            assert keeper.store.size <= 400_000
        assert keeper.entries()[-1].label == "11"
        undo(keeper, keeper.entries()[-2].number)
        assert (workspace / "f").read_bytes() == random.Random(10).randbytes(100_000)


def test_many_small_packs_become_one(
    keeper: CheckpointKeeper, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketcoder_tui.sandbox.checkpoints.pruning.MANY_PACKS", 20)
    monkeypatch.setattr("pocketcoder_tui.sandbox.checkpoints.keeper.MANY_PACKS", 20)
    (workspace / "large").write_bytes(random.Random(1).randbytes(5_000_000))
    for n in range(30):
        (workspace / "f").write_text(f"{n}")
        keeper.take(str(n))
        if keeper.crowded:
            assert keeper.prune() == 0
    assert keeper.store.packs <= 20
    for n in (0, 7, 21, 29):
        undo(keeper, n + 1)
        assert (workspace / "f").read_text() == f"{n}"
    git_dir = f"--git-dir={keeper.store.folder}"
    indexes = (keeper.store.folder / "objects/pack").glob("*.idx")
    subprocess.run(["git", git_dir, "verify-pack", *indexes], check=True)


def test_what_belongs_to_a_deleted_session_goes(keeper: CheckpointKeeper, workspace: Path) -> None:
    (workspace / "f").write_text("the plan of session one")
    keeper.take("secret words", action_id="a1")
    (workspace / "f").write_text("2")
    keeper.take("other", action_id="a2")
    assert keeper.prune(forget=["a1"]) == 1
    assert "secret words" not in (keeper.store.folder / "log").read_text()
    assert [e.action_id for e in keeper.entries()] == ["a2"]
