"""A box is looked at from inside after each start, and what is not as promised gets no work."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ports import ByteStream, ExecResult
from pocketcoder_tui.sandbox import flags
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.inspection import LOOK, Promise, inspect_box

CAPS = "".join(f"Cap{name} 0000000000000000\n" for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
GOOD = f"""owner 1000
Uid 1000 1000 1000 1000
{CAPS}NoNewPrivs 1
Seccomp 2
mount / overlay ro,relatime
mount /proc proc rw,nosuid
mount /sys/fs/cgroup tmpfs rw
mount /dev/shm tmpfs rw,size=65536k
mount /tmp tmpfs rw,nosuid,nodev,size=1048576k
mount /run tmpfs rw,nosuid,nodev,noexec,size=4096k
mount /run/pocketcoder tmpfs rw,nosuid,nodev,noexec,size=262144k
mount /run/pocketcoder/in ext4 ro,relatime
mount /home/agent tmpfs rw,nosuid,nodev,size=1048576k
mount /workspace ext4 rw
mount /workspace/.git/hooks ext4 ro
device /dev/null
memory 4294967296
pids 1024
cpu 200000 100000
files 16384
cores 0
first /sbin/docker-init -- sleep infinity
variable HOME
link lo
"""
DRIFTS = {
    "runs as the workspace's owner": ("owner 1000", "owner 1001"),
    "no capability": ("CapEff 0000000000000000", "CapEff 0000000000002000"),
    "no new privileges": ("NoNewPrivs 1", "NoNewPrivs 0"),
    "system call filter": ("Seccomp 2", "Seccomp 0"),
    "read-only root": ("mount / overlay ro", "mount / overlay rw"),
    "/tmp in memory, no setuid": ("/tmp tmpfs rw,nosuid", "/tmp tmpfs rw"),
    "home in memory, no setuid": ("/home/agent tmpfs rw,nosuid,nodev", "/home/agent ext4 rw"),
    "/run in memory, no programs": (
        "/run tmpfs rw,nosuid,nodev,noexec",
        "/run tmpfs rw,nosuid,nodev",
    ),
    "relay's folder in memory": ("noexec,size=262144k", "noexec"),
    "what the host hands in is read-only": ("/in ext4 ro", "/in ext4 rw"),
    "nothing else of the host mounted": ("mount / ", "mount /mnt ext4 rw\nmount / "),
    "memory limit": ("memory 4294967296", "memory 9223372036854771712"),
    "process limit": ("pids 1024", "pids max"),
    "processor limit": ("cpu 200000", "cpu -1"),
    "open file limit": ("files 16384", "files unlimited"),
    "no core dumps": ("cores 0", "cores unlimited"),
    "processes of its own": ("first /sbin/docker-init -- sleep infinity", "first /sbin/init"),
    "no device of the host": ("device /dev/null", "device /dev/null\ndevice /dev/kvm"),
    "kernel's files masked": ("link lo", "open /proc/kcore\nlink lo"),
    "no variable of the host": ("variable HOME", "variable HOME\nvariable AWS_SECRET_ACCESS_KEY"),
    "no network route": ("link lo", "route eth0 00000000\nlink lo"),
    "no network device": ("link lo", "link lo\nlink eth0"),
    "git hooks and settings guarded": ("link lo", "writable .git/hooks\nlink lo"),
    "no engine socket": ("link lo", "socket /run/docker.sock\nlink lo"),
}  # fmt: skip


class Told:
    """A box that says what a test wants."""

    id = name = user = ""
    started = 0.0
    drop = None

    def __init__(self, text: str) -> None:
        self._text = text

    async def open(self, argv: Sequence[str]) -> ByteStream:
        raise NotImplementedError

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        limit: int = 0,
        heard: Callable[[bytes], None] | None = None,
    ) -> ExecResult:
        return ExecResult(0, self._text.encode(), b"")


async def bad(text: str, promise: Promise | None = None) -> list[str]:
    return [name for name, ok, _ in await inspect_box(Told(text), promise) if not ok]


@pytest.mark.parametrize("name", DRIFTS)
async def test_each_drift_is_seen_and_nothing_else_is(name: str) -> None:
    assert await bad(GOOD) == []
    old, new = DRIFTS[name]
    assert old in GOOD
    assert await bad(GOOD.replace(old, new, 1)) == [name]


async def test_a_box_that_says_nothing_is_no_good_one() -> None:
    assert len(await bad("")) >= 15
    assert {name for name, _, _ in await inspect_box(Told(GOOD))} == set(DRIFTS)


async def test_gvisor_is_not_blamed_for_what_it_does_not_tell() -> None:
    silent = ("NoNewPrivs", "Seccomp", "CapAmb", "memory", "pids", "cpu", "link")
    text = "".join(line for line in GOOD.splitlines(True) if not line.startswith(silent))
    text = text.replace("nosuid,nodev,noexec,", "noexec,").replace("nosuid,nodev,", "")
    assert await bad(text, Promise(runtime="runsc")) == []
    assert await bad(text.replace("CapEff 0", "CapEff 1"), Promise(runtime="runsc")) == [
        "no capability"
    ]
    assert len(await bad(text)) >= 8


async def test_a_repository_that_is_newer_than_the_box_does_not_stop_the_work() -> None:
    text = f"{GOOD}writable .git/hooks\n"
    assert await bad(text, Promise(guarded=False)) == []
    assert await bad(text) == ["git hooks and settings guarded"]


@pytest.mark.docker
async def test_the_real_box_is_as_promised(box: DockerBox) -> None:
    findings = await inspect_box(box)
    assert len(findings) == len(DRIFTS) >= 20
    assert [finding for finding in findings if not finding[1]] == []
    told = (await box.exec(["bash", "-c", LOOK])).stdout.decode()
    for word in ("owner", "Uid", "CapEff", "mount", "device", "files", "first", "variable", "link"):
        assert f"\n{word} " in f"\n{told}", word


def network(config: dict[str, Any], _: Path) -> None:
    config["HostConfig"]["NetworkMode"] = "bridge"


def processes(config: dict[str, Any], _: Path) -> None:
    config["HostConfig"]["PidsLimit"] = 4096


def capability(config: dict[str, Any], _: Path) -> None:
    config["HostConfig"]["CapAdd"] = ["NET_RAW"]


def mounted(config: dict[str, Any], folder: Path) -> None:
    config["HostConfig"]["Mounts"].append(flags.bind(folder, "/mnt"))


def secret(config: dict[str, Any], _: Path) -> None:
    config["Env"].append("GEMINI_API_KEY=x")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("loosen", "name"),
    [
        (network, "no network device"),
        (processes, "process limit"),
        (capability, "no capability"),
        (mounted, "nothing else of the host mounted"),
        (secret, "no variable of the host"),
    ],
)
async def test_a_real_box_that_drifted_is_not_worked_in(
    workspace: Path,
    sandbox_image: str,
    monkeypatch: pytest.MonkeyPatch,
    loosen: Callable[[dict[str, Any], Path], None],
    name: str,
) -> None:
    made = flags.container_flags

    def loose(*args: Any, **kwargs: Any) -> dict[str, Any]:
        config = made(*args, **kwargs)
        loosen(config, workspace)
        return config

    monkeypatch.setattr(flags, "container_flags", loose)
    async with DockerSandbox(workspace, image=sandbox_image, tied=True) as sandbox:
        with pytest.raises(SandboxError) as caught:
            await sandbox.ensure()
        findings = await sandbox.look()
        await sandbox.remove()
        assert await sandbox.look() is None
    assert name in caught.value.sentence
    assert "doctor --sandbox" in caught.value.hint
    assert findings is not None
    assert name in [row for row, ok, _ in findings if not ok]


@pytest.mark.docker
async def test_a_repository_made_in_the_box_is_no_drift(
    sandbox: DockerSandbox, workspace: Path
) -> None:
    box = await sandbox.ensure()
    assert (await box.exec(["git", "init", "-q"])).status == 0
    again = await sandbox.ensure()
    assert again.id == box.id
    found = {name: seen for name, _, seen in await sandbox.look() or []}
    assert found["git hooks and settings guarded"] == "the repository is newer than the box"
    await sandbox.stop()
    assert (await sandbox.ensure()).id != box.id
    found = {name: seen for name, _, seen in await sandbox.look() or []}
    assert found["git hooks and settings guarded"] == "none"
    await asyncio.to_thread(subprocess.run, ["git", "-C", str(workspace), "status"], check=True)


def replace(folder: Path, renamed: bool) -> None:
    if renamed:
        folder.rename(folder.with_name("before"))
    else:
        shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.docker
@pytest.mark.parametrize("renamed", [True, False])
async def test_a_box_of_a_folder_that_was_replaced_is_made_anew(
    sandbox: DockerSandbox, workspace: Path, renamed: bool
) -> None:
    (workspace / "old").write_text("x")
    box = await sandbox.ensure()
    await asyncio.to_thread(replace, workspace, renamed)
    again = await sandbox.ensure()
    assert again.id != box.id
    assert (await again.exec(["touch", "/workspace/made"])).status == 0
    assert os.listdir(workspace) == ["made"]
    assert (await sandbox.ensure()).id == again.id
