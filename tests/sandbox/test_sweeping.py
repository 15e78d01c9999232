"""No setuid file, device or foreign file of a command's survives it, wherever it was put."""

import asyncio
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.checkpoints import CheckpointKeeper, sweeping
from pocketcoder_tui.sandbox.checkpoints.sweeping import sweep

LENDS = stat.S_ISUID | stat.S_ISGID
WAYS = {
    "plain": "cp /bin/true x; chmod u+s x",
    "setgid": "cp /bin/true x; chmod g+s x",
    "unreadable": "cp /bin/true x; chmod 6111 x",
    "within git": "git init -q; cp /bin/true .git/objects/x; chmod u+s .git/objects/x",
    "in a closed folder": "mkdir c; cp /bin/true c/x; chmod u+s c/x; chmod 0111 c",
    "in a folder without a search bit": "mkdir c; cp /bin/true c/x; chmod u+s c/x; chmod 0444 c",
    "in closed folders": "mkdir -p c/d; cp /bin/true c/d/x; chmod u+s c/d/x; chmod 0 c/d c",
    "very deep": "for i in $(seq 150); do mkdir d; cd d; done; cp /bin/true x; chmod u+s x",
    "renamed": "cp /bin/true y; chmod u+s y; mv y x",
    "with old times": "cp /bin/true x; chmod u+s x; touch -d 2001-01-01 x",
    "hard links": "cp /bin/true x; ln x y; chmod u+s y",
    "with an odd name": r"cp /bin/true $'\xff\nx'; chmod u+s $'\xff\nx'",
    "an old file": "chmod u+s old",
}


def put(workspace: Path, command: str) -> None:
    subprocess.run(["bash", "-ec", command], cwd=workspace, check=True, capture_output=True)


def lending(workspace: Path) -> list[str]:
    """Paths of files with such a bit, found by another program."""
    found = subprocess.run(
        ["find", ".", "-type", "f", "-perm", "/6000"],
        cwd=workspace,
        capture_output=True,
        check=True,
    )
    return found.stdout.decode("utf-8", "backslashreplace").splitlines()


@pytest.mark.parametrize("way", WAYS)
def test_a_bit_is_taken_off_wherever_it_is(workspace: Path, tmp_path: Path, way: str) -> None:
    put(workspace, "cp /bin/true old")
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        tree = keeper.take("an action").tree
        put(workspace, WAYS[way])
        told = keeper.since(tree)[1].guarded
        assert len(told) == 1 or (way == "hard links" and 1 <= len(told) <= 2)
        assert "with its owner's rights" in told[0]
        assert keeper.since(tree)[1].guarded == ()
    put(workspace, "chmod -R u+rwX .")
    assert lending(workspace) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming an ordinary user needs root")
@pytest.mark.parametrize("way", WAYS)
def test_it_is_as_well_for_an_ordinary_person(workspace: Path, tmp_path: Path, way: str) -> None:
    """Root may look everywhere; a person may not look into a folder that is closed."""
    for folder in (workspace, *list(tmp_path.parents)[:3], tmp_path):
        folder.chmod(folder.stat().st_mode | 0o055)
    os.chown(workspace, 65534, 65534)
    program = (
        "import os, subprocess, sys, pathlib\n"
        "from pocketcoder_tui.sandbox.checkpoints.sweeping import sweep\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); os.chdir(sys.argv[1])\n"
        "os.environ['HOME'] = sys.argv[1]\n"
        "subprocess.run(['bash', '-ec', 'cp /bin/true old; ' + sys.argv[2]], check=True)\n"
        "for line in sweep(pathlib.Path(sys.argv[1]), 0): print(ascii(line))\n"
    )
    argv = [sys.executable, "-c", program, str(workspace), WAYS[way]]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "the bit was taken off" in done.stdout, done.stderr
    assert lending(workspace) == []
    if "closed" in way:
        assert stat.S_IMODE((workspace / "c").stat().st_mode) & 0o600 == 0


def test_what_was_there_before_stays(workspace: Path, tmp_path: Path) -> None:
    put(workspace, "cp /bin/true mine; chmod u+s mine; mkdir shared; chmod g+s shared")
    moment = time.time_ns()
    while os.stat(workspace / "mine").st_ctime_ns + 300_000_000 > time.time_ns():
        assert time.time_ns() - moment < 10**10
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        tree = keeper.take("an action").tree
        put(workspace, "mkdir new; chmod g+s new; echo x > y")
        assert keeper.since(tree)[1].guarded == ()
    assert lending(workspace) == ["./mine"]
    assert (workspace / "shared").stat().st_mode & stat.S_ISGID
    assert (workspace / "new").stat().st_mode & stat.S_ISGID


def test_nothing_is_changed_through_a_link(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the link takes the file's place between the look and the change."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    outside.chmod(0o4755)
    (workspace / "l").symlink_to(outside)
    (workspace / "f").symlink_to(tmp_path)
    assert sweep(workspace, 0) == []
    put(workspace, "cp /bin/true x; chmod u+s x")
    look = sweeping._is_odd

    def swapped(work: "sweeping._Sweep", facts: os.stat_result) -> bool:
        if odd := look(work, facts):
            (workspace / "x").unlink()
            (workspace / "x").symlink_to(outside)
        return odd

    monkeypatch.setattr(sweeping, "_is_odd", swapped)
    assert sweep(workspace, 0) == []
    assert outside.stat().st_mode & stat.S_ISUID


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device or a foreign file needs root")
def test_devices_go_and_foreign_files_are_given_back(workspace: Path) -> None:
    put(workspace, "mknod null c 1 3; echo x > f; chown 12345 f; ln -s f l; chown -h 12345 l")
    told = "\n".join(sweep(workspace, 0))
    assert "null: a device of your machine; it was removed." in told
    assert "f: it belonged to user 12345, and was given to the workspace's owner." in told
    assert "l: it belonged to user 12345." in told
    assert not (workspace / "null").exists()
    assert (workspace / "f").stat().st_uid == workspace.stat().st_uid


@pytest.mark.docker
async def test_a_real_command_leaves_none(box: DockerBox, workspace: Path, tmp_path: Path) -> None:
    with CheckpointKeeper(workspace, tmp_path / "store") as keeper:
        tree = keeper.take("an action").tree
        done = await box.exec(["bash", "-c", "cp /bin/bash x; chmod 6755 x; stat -c %a x"])
        assert done.stdout == b"6755\n"
        assert lending(workspace) == ["./x"]
        changed, difference = await asyncio.to_thread(keeper.since, tree)
        assert [c.path for c in difference.changes] == ["x"]
        assert "x: it was setuid" in difference.guarded[0]
        assert lending(workspace) == []
        assert changed == keeper.look()


REFUSED = {
    "a device": "mknod n c 1 3",
    "a disk": "mknod n b 8 0",
    "another's file": "touch n; chown 12345 n",
    "another group's file": "touch n; chgrp 12345 n",
    "a program with capabilities": "cp /bin/true n; perl -e '"
    r'my $v = pack("V5", 0x02000001, 0x2000, 0, 0, 0); my ($n, $k) = ("n", "security.capability");'
    r"""exit(syscall(188, $n, $k, $v, length $v, 0) ? 1 : 0)'""",
    "a file of the outside": "ln /etc/passwd n",
}


@pytest.mark.docker
@pytest.mark.parametrize("what", REFUSED)
async def test_the_box_cannot_even_make(box: DockerBox, what: str) -> None:
    assert (await box.exec(["bash", "-c", REFUSED[what]])).status != 0


@pytest.mark.docker
async def test_the_one_of_capabilities_asks_the_kernel(box: DockerBox, workspace: Path) -> None:
    """An ordinary attribute is set in the same way, so the refusal is the kernel's."""
    text = REFUSED["a program with capabilities"].replace("security.capability", "user.x")
    assert (await box.exec(["bash", "-c", text])).status == 0
    assert os.listxattr(workspace / "n") == ["user.x"]
