"""What the box may not do, tried from inside."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.flags import Limits
from pocketcoder_tui.sandbox.inspection import inspect_box

pytestmark = pytest.mark.docker


def _owner(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_uid, facts.st_gid


async def test_files_belong_to_the_workspace_s_owner(
    sandbox: DockerSandbox, workspace: Path
) -> None:
    if os.geteuid() == 0:
        os.chown(workspace, 4711, 4712)
    box = await sandbox.ensure()

    done = await box.exec(["sh", "-c", "id; whoami; echo x > made; mkdir folder"])

    assert done.status == 0, done
    assert _owner(workspace / "made") == _owner(workspace)
    assert done.stdout.endswith(b"\nagent\n")
    assert [f for f in await inspect_box(box) if not f[1]] == []


async def test_only_the_workspace_and_memory_can_be_written(sandbox: DockerSandbox) -> None:
    box = await sandbox.ensure()
    for folder in ("/", "/etc", "/usr/bin", "/opt/pocketcoder", "/home", "/var"):
        done = await box.exec(["touch", f"{folder}/made"])
        assert done.status != 0, folder
        assert b"Read-only file system" in done.stderr or b"Permission denied" in done.stderr
    for folder in ("/workspace", "/tmp", "/home/agent", "/run/pocketcoder"):
        assert (await box.exec(["touch", f"{folder}/made"])).status == 0, folder


async def test_the_relay_s_folder_is_the_user_s_alone(
    sandbox: DockerSandbox, workspace: Path
) -> None:
    if os.geteuid() == 0:
        os.chown(workspace, 4711, 4712)
    box = await sandbox.ensure()

    seen = await box.exec(["stat", "-c", "%a %u", "/run/pocketcoder", "/home/agent"])

    assert seen.stdout.split() == [b"700", str(_owner(workspace)[0]).encode()] * 2


async def test_memory_file_systems_have_a_size(workspace: Path, sandbox_image: str) -> None:
    limits = Limits(tmp=1 << 20)
    async with DockerSandbox(workspace, image=sandbox_image, limits=limits, tied=True) as sandbox:
        box = await sandbox.ensure()
        done = await box.exec(["dd", "if=/dev/zero", "of=/tmp/big", "bs=64k", "count=64"])
        await sandbox.remove()

    assert b"No space left" in done.stderr


async def test_a_fork_bomb_ends_at_the_limit(workspace: Path, sandbox_image: str) -> None:
    limits = Limits(pids=40)
    async with DockerSandbox(workspace, image=sandbox_image, limits=limits, tied=True) as sandbox:
        box = await sandbox.ensure()
        many = "for i in $(seq 100); do sleep 30 & done; wait"
        done = await box.exec(["bash", "-c", f"timeout -s KILL 5 bash -c '{many}'"])
        await sandbox.remove()

    assert b"Resource temporarily unavailable" in done.stderr


async def test_there_is_no_network_and_loopback_works(sandbox: DockerSandbox) -> None:
    box = await sandbox.ensure()
    program = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "try: socket.create_connection(('192.0.2.1', 80), 3)\n"
        "except OSError as error: print(error.errno)\n"
    )

    done = await box.exec(["python3", "-c", program])

    assert done.stdout == b"101\n", done  # ENETUNREACH


DENIED = {
    "a user namespace": "unshare -Ur true",
    "a mount namespace": "unshare -m true",
    "a mount": "mount -t tmpfs none /tmp",
    **{
        f"socket family {family}": f"python3 -c 'import socket; socket.socket({family}, {kind})'"
        for family, kind in ((16, 3), (17, 3), (38, 5), (40, 1))
    },
    **{
        name: "python3 -c 'import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True); "
        f"sys.exit(libc.syscall({number}, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() in (1, 38))'"
        for name, number in (
            ("io_uring_setup", 425), ("io_uring_enter", 426), ("io_uring_register", 427),
            ("bpf", 321), ("perf_event_open", 298), ("keyctl", 250), ("add_key", 248),
            ("ptrace", 101), ("process_vm_readv", 310), ("userfaultfd", 323), ("unshare", 272),
            ("setns", 308), ("mount", 165), ("kexec_load", 246), ("clone3", 435),
        )
    },
}  # fmt: skip
"""Numbers are those of x86-64 (syscalls(2))."""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86-64")
async def test_what_the_filter_denies(box: DockerBox) -> None:
    results = {name: await box.exec(["sh", "-c", call]) for name, call in DENIED.items()}

    assert [name for name, done in results.items() if done.status == 0] == []
    assert (await box.exec(["sh", "-c", "exit 0"])).status == 0


async def test_git_s_hooks_and_settings_cannot_be_changed(
    sandbox: DockerSandbox, workspace: Path
) -> None:
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(workspace)], check=True)
    before = (workspace / ".git/config").read_bytes()
    box = await sandbox.ensure()
    tries = [
        "echo evil > .git/hooks/pre-commit",
        "rm -rf .git/hooks",
        "mv .git/hooks .git/other",
        "echo evil >> .git/config",
        "rm .git/config",
        "mv .git/config .git/old",
        "git config core.hooksPath /workspace/evil",
        "mv .git .other",
        "rm -rf .git; test ! -e .git",
    ]

    results = [(await box.exec(["sh", "-c", attempt])).status for attempt in tries]

    assert all(results), dict(zip(tries, results, strict=True))
    assert (workspace / ".git/config").read_bytes() == before
    assert not (workspace / ".git/hooks/pre-commit").exists()


async def test_git_works_in_the_box(sandbox: DockerSandbox, workspace: Path) -> None:
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(workspace)], check=True)
    box = await sandbox.ensure()
    commit = (
        "echo text > file && git add file && git -c user.name=a -c user.email=a@b commit -qm one "
        "&& git checkout -qb side && git log --oneline && git status --short"
    )

    done = await box.exec(["sh", "-c", commit])

    assert (done.status, done.stderr) == (0, b"")
    seen = await asyncio.to_thread(
        subprocess.run,
        ["git", "-C", str(workspace), "log", "--format=%s"],
        capture_output=True,
        check=True,
    )
    assert seen.stdout == b"one\n"


@pytest.mark.parametrize("part", [".git", ".git/hooks", ".git/config"])
async def test_a_repository_with_links_is_refused(
    part: str, sandbox: DockerSandbox, workspace: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    if part != ".git":
        (workspace / ".git").mkdir()
    (workspace / part).symlink_to(secret)

    with pytest.raises(SandboxError, match="link"):
        await sandbox.ensure()


async def test_a_worktree_s_git_file_is_read_only(sandbox: DockerSandbox, workspace: Path) -> None:
    (workspace / ".git").write_text("gitdir: /elsewhere\n")
    box = await sandbox.ensure()

    assert (await box.exec(["sh", "-c", "echo gitdir: /workspace/evil > .git"])).status != 0
    assert (workspace / ".git").read_text() == "gitdir: /elsewhere\n"


async def test_a_repository_made_in_the_box_ends_nothing_that_runs(
    sandbox: DockerSandbox, workspace: Path
) -> None:
    first = await sandbox.ensure()
    await first.exec(["git", "init", "-q", "."])

    assert (await sandbox.ensure()).id == first.id
    await sandbox.stop()
    guarded = await sandbox.ensure()

    assert guarded.id != first.id
    assert (await guarded.exec(["sh", "-c", "echo evil > .git/hooks/pre-commit"])).status != 0


async def test_the_engine_s_socket_is_not_in_the_box(sandbox: DockerSandbox) -> None:
    box = await sandbox.ensure()
    api = connect()
    try:
        facts = api.inspect_container(box.id)
    finally:
        api.close()

    mounts = {mount["Destination"]: mount["RW"] for mount in facts["Mounts"]}
    assert mounts == {"/workspace": True, "/run/pocketcoder/in": False}
