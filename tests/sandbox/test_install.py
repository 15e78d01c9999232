"""How Docker is brought: every way on a recorded machine, the last one for real."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import pytest

from pocketcoder_tui.core.checks import Progress
from pocketcoder_tui.core.errors import EngineForbidden, SandboxError
from pocketcoder_tui.sandbox.engine import EngineState, engine_check, find_engine
from pocketcoder_tui.sandbox.host import ThisHost
from pocketcoder_tui.sandbox.install import install_engine


class RecordedRun:
    """A program that printed what it was told to."""

    def __init__(self, printed: list[str], status: int) -> None:
        self._printed = printed
        self._status = status
        self.tail = "\n".join(printed[-12:])

    async def __aenter__(self) -> "RecordedRun":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        return None

    async def lines(self) -> AsyncGenerator[str, None]:
        for line in self._printed:
            yield line

    async def wait(self) -> int:
        return self._status


class RecordedHost:
    """A machine that only remembers what was asked of it."""

    def __init__(self, *states: EngineState, programs: str = "", paths: str = "", uid: int = 0):
        self.uid = uid
        self.ran: list[str] = []
        self.spawned: list[str] = []
        self.failing: dict[str, list[str]] = {}
        self.daemon_dies = False
        self._states = list(states)
        self._programs = programs.split()
        self._paths = paths.split()

    def has(self, program: str) -> bool:
        return program in self._programs

    def exists(self, path: str) -> bool:
        return path in self._paths

    def engine(self) -> EngineState:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> RecordedRun:
        command = " ".join(argv)
        self.ran.append(command)
        bad = next(
            (said for start, said in self.failing.items() if command.startswith(start)), None
        )
        if bad is not None:
            return RecordedRun(bad, 100)
        return RecordedRun(["2 newly installed", "Unpacking a", "Setting up a"], 0)

    def spawn(self, argv: Sequence[str], log: Path) -> "asyncio.Future[int]":
        self.spawned.append(" ".join(argv))
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.daemon_dies:
            log.write_text("failed to start: no cgroups\n")
            ended.set_result(1)
        return ended

    async def changes(self, path: Path) -> AsyncGenerator[None, None]:
        yield
        if self.daemon_dies:
            await asyncio.Event().wait()
        while True:
            yield


async def _install(host: RecordedHost, tmp_path: Path) -> list[Progress]:
    return [step async for step in install_engine(tmp_path / "dockerd.log", host=host)]


@pytest.fixture(autouse=True)
def default_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)


async def test_a_running_engine_is_left_alone(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.RUNNING, programs="apt-get")

    steps = await _install(host, tmp_path)

    assert (host.ran, host.spawned) == ([], [])
    assert steps[-1].done == 1.0


async def test_a_stopped_engine_is_only_started(tmp_path: Path) -> None:
    host = RecordedHost(
        EngineState.STOPPED, EngineState.RUNNING, programs="apt-get", paths="/run/systemd/system"
    )

    await _install(host, tmp_path)

    assert host.ran == ["systemctl enable --now docker"]


async def test_a_missing_engine_is_installed_and_started(tmp_path: Path) -> None:
    host = RecordedHost(
        EngineState.MISSING, EngineState.RUNNING, programs="apt-get", paths="/run/systemd/system"
    )

    steps = await _install(host, tmp_path)

    assert host.ran == [
        "apt-get update",
        "apt-get install -y --no-install-recommends docker.io mmdebstrap iptables",
        "systemctl enable --now docker",
    ]
    known = [step.done for step in steps if step.done is not None]
    assert known == sorted(known)
    assert all(0 <= done <= 1 for done in known)


@pytest.mark.parametrize(
    ("manager", "command"),
    [("dnf", "dnf install -y moby-engine"), ("pacman", "pacman -S --noconfirm --needed docker")],
)
async def test_other_package_managers(manager: str, command: str, tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, EngineState.RUNNING, programs=manager)

    await _install(host, tmp_path)

    assert host.ran == [command]


async def test_an_unknown_package_manager_is_named_as_the_problem(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="package manager"):
        await _install(RecordedHost(EngineState.MISSING), tmp_path)


async def test_package_lists_that_fail_are_no_reason_to_give_up(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, EngineState.RUNNING, programs="apt-get")
    host.failing["apt-get update"] = ["E: a source of another project has no signature"]

    await _install(host, tmp_path)

    assert host.ran[-1].startswith("apt-get install")


async def test_a_failed_installation_shows_its_last_lines(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, programs="apt-get")
    host.failing["apt-get install"] = ["E: Unable to locate package docker.io"]

    with pytest.raises(SandboxError, match="Unable to locate package") as caught:
        await _install(host, tmp_path)

    assert "sudo apt-get install" in caught.value.hint


async def test_an_ordinary_user_goes_through_sudo(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, EngineState.RUNNING, programs="apt-get sudo", uid=1000)

    await _install(host, tmp_path)

    assert host.ran[0] == "sudo -n true"
    assert all(command.startswith("sudo -n ") for command in host.ran + host.spawned)


async def test_sudo_with_a_password_gives_the_command_to_run(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, programs="apt-get sudo", uid=1000)
    host.failing["sudo -n true"] = ["sudo: a password is required"]

    with pytest.raises(SandboxError, match="password") as caught:
        await _install(host, tmp_path)

    assert "sudo apt-get install -y --no-install-recommends docker.io" in caught.value.hint
    assert host.ran == ["sudo -n true"]


async def test_without_sudo_the_command_is_for_root(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.MISSING, programs="apt-get", uid=1000)

    with pytest.raises(SandboxError, match="no sudo") as caught:
        await _install(host, tmp_path)

    assert "sudo" not in caught.value.hint


async def test_service_where_there_is_no_systemd(tmp_path: Path) -> None:
    host = RecordedHost(
        EngineState.STOPPED, EngineState.RUNNING, programs="service", paths="/etc/init.d/docker"
    )

    await _install(host, tmp_path)

    assert (host.ran, host.spawned) == (["service docker start"], [])


async def test_the_engine_alone_where_its_service_does_not_start(tmp_path: Path) -> None:
    host = RecordedHost(
        EngineState.STOPPED, EngineState.RUNNING, programs="service", paths="/etc/init.d/docker"
    )
    host.failing["service docker start"] = ["mount: cgroup: permission denied"]

    await _install(host, tmp_path)

    assert host.spawned == ["dockerd"]


async def test_an_engine_that_is_slow_to_answer_is_asked_on(tmp_path: Path) -> None:
    host = RecordedHost(
        EngineState.STOPPED, EngineState.STOPPED, EngineState.SILENT, EngineState.RUNNING
    )

    steps = await _install(host, tmp_path)

    assert steps[-1].done == 1.0


async def test_an_engine_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    host = RecordedHost(EngineState.STOPPED)
    host.daemon_dies = True

    with pytest.raises(SandboxError, match="status 1") as caught:
        await _install(host, tmp_path)

    assert "no cgroups" in caught.value.sentence
    assert "dockerd.log" in caught.value.hint


async def test_no_permission_is_not_mended_by_installing(tmp_path: Path) -> None:
    with pytest.raises(EngineForbidden):
        await _install(RecordedHost(EngineState.FORBIDDEN, programs="apt-get"), tmp_path)


async def test_an_engine_elsewhere_is_not_started_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://dana@build.example")

    with pytest.raises(SandboxError, match="DOCKER_HOST"):
        await _install(RecordedHost(EngineState.SILENT), tmp_path)


def _bridges() -> set[str]:
    """The machine's network bridges; a second engine must leave them alone."""
    return {path.parent.name for path in Path("/sys/class/net").glob("*/bridge")}


class AloneHost(ThisHost):
    """This machine, as if it had neither systemd nor an init script."""

    def exists(self, path: str) -> bool:
        return False


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="a second engine can be started by root only")
async def test_a_real_engine_is_started_alone_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Path(tempfile.mkdtemp(prefix="pc-", dir="/tmp"))  # a socket's path has 107 bytes
    address = short / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{address}")
    pidfile = tmp_path / "engine.pid"
    # In a network of its own: an engine without a bridge removes docker0 wherever it starts,
    # and that one belongs to the machine's real engine.
    daemon = (
        "unshare", "--net",
        "dockerd", "-H", f"unix://{address}", "--data-root", str(tmp_path / "data"),
        "--exec-root", str(short / "exec"), "--pidfile", str(pidfile), "--bridge=none",
        "--iptables=false", "--ip6tables=false", "--storage-driver=vfs",
    )  # fmt: skip
    assert find_engine().state is EngineState.STOPPED
    bridges = _bridges()
    log = tmp_path / "state" / "dockerd.log"
    try:
        steps = [s async for s in install_engine(log, host=AloneHost(), daemon=daemon)]

        assert steps[-1].done == 1.0
        assert engine_check().state == "ok"
        assert "API listen on" in log.read_text()
    finally:
        if pidfile.exists():
            pid = int(pidfile.read_text())
            opened = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            loop = asyncio.get_running_loop()
            over = asyncio.Event()
            loop.add_reader(opened, over.set)
            await asyncio.wait_for(over.wait(), 30)
            loop.remove_reader(opened)
            os.close(opened)
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        shutil.rmtree(short, ignore_errors=True)
    assert bridges <= _bridges()
    assert find_engine().state is EngineState.STOPPED


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="a second engine can be started by root only")
async def test_a_real_engine_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{address}")
    daemon = ("dockerd", "-H", f"unix://{address}", "--no-such-flag")

    with pytest.raises(SandboxError, match="no-such-flag"):
        async for _step in install_engine(tmp_path / "log", host=AloneHost(), daemon=daemon):
            pass
