"""An engine over SSH: the real ssh, and a real sshd of the test's own before the engine."""

import asyncio
import getpass
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.elsewhere import tunnel
from pocketcoder_tui.sandbox.elsewhere.tunnel import close_all, through_ssh
from pocketcoder_tui.sandbox.engine import EngineState, connect, engine_check, find_engine
from tests.support.sshd import Sshd

pytestmark = pytest.mark.docker


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A machine that the person can log in to; its engine is the real one."""
    with Sshd(tmp_path / "far") as made:
        monkeypatch.setenv("PATH", f"{made.program_folder()}:{os.environ['PATH']}")
        yield made
        close_all()


def test_the_engine_answers_through_it(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", sshd.url)
    found = find_engine()
    assert (found.state, found.host) == (EngineState.RUNNING, sshd.url)
    assert engine_check().sentence == f"Docker {found.version} is running at {sshd.url}."
    client = connect()
    try:
        assert client.version()["Version"] == found.version
    finally:
        client.close()
    assert through_ssh(sshd.url) == through_ssh(sshd.url)
    assert oct(through_ssh(sshd.url).parent.stat().st_mode & 0o777) == "0o700"


async def test_a_box_works_through_it(
    sshd: Sshd, sandbox_image: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", sshd.url)
    async with DockerSandbox(workspace, image=sandbox_image, tied=True) as sandbox:
        try:
            box = await sandbox.ensure()
            data = os.urandom(2_000_000)
            assert (await box.exec(["cat"], stdin=data)).stdout == data
        finally:
            await sandbox.remove()


def test_a_tunnel_that_was_cut_is_dug_anew(sshd: Sshd) -> None:
    first = through_ssh(sshd.url)
    process = tunnel._tunnels[sshd.url].process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    second = through_ssh(sshd.url)
    assert first != second
    assert not first.parent.exists()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(second))


def test_who_is_not_let_in_is_told_how_to_try(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    sshd.forget_keys()
    monkeypatch.setenv("DOCKER_HOST", sshd.url)
    with pytest.raises(SandboxError, match="Permission denied") as refused:
        connect()
    assert "ssh" in refused.value.hint
    check = engine_check()
    assert "Permission denied" in check.sentence


def test_an_unknown_host_is_not_trusted(sshd: Sshd) -> None:
    sshd.forget_host()
    with pytest.raises(SandboxError, match="Host key verification failed"):
        through_ssh(sshd.url)


def test_nobody_there(sshd: Sshd) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SandboxError, match="Connection refused"):
        through_ssh(f"ssh://{getpass.getuser()}@127.0.0.1:{port}")


def test_one_that_says_nothing_is_given_up(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "READY_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(SandboxError, match="No way to"):
            through_ssh(f"ssh://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "host",
    [
        "ssh://", "ssh://-oProxyCommand=touch", "ssh://a@-oProxyCommand=x", "ssh://-lx@host",
        "ssh://user:secret@host", "ssh://host:99999", "ssh://host:x", "ssh://ho st", "ssh://h%68",
        "ssh://host/a:b", "ssh://host?x=1", "ssh://host/\n", "ssh://" + "a" * 400,
    ],
)  # fmt: skip
def test_an_address_that_ssh_would_take_for_something_else(host: str) -> None:
    with pytest.raises(SandboxError, match=r"is no address|No way to"):
        through_ssh(host)
    assert not tunnel._tunnels


def test_it_ends_with_the_program(sshd: Sshd, tmp_path: Path) -> None:
    code = (
        "import sys; from pocketcoder_tui.sandbox.elsewhere import tunnel;"
        "tunnel.through_ssh(sys.argv[1]); print(tunnel._tunnels[sys.argv[1]].process.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sshd.url], capture_output=True, text=True, check=True
    )
    assert not Path(f"/proc/{done.stdout.strip()}").exists()


async def test_two_at_once_share_one(sshd: Sshd) -> None:
    paths = await asyncio.gather(*(asyncio.to_thread(through_ssh, sshd.url) for _ in range(4)))
    assert len(set(paths)) == 1
