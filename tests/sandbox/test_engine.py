"""The four states of Docker, told apart on real sockets."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests

from pocketcoder_tui.core.checks import CheckState
from pocketcoder_tui.core.errors import (
    ContainerGone,
    EngineForbidden,
    EngineMissing,
    EngineStopped,
    ImageMissing,
    SandboxError,
)
from pocketcoder_tui.sandbox import engine
from pocketcoder_tui.sandbox.elsewhere import address as addresses
from pocketcoder_tui.sandbox.engine import EngineState, connect, engine_check, find_engine
from pocketcoder_tui.sandbox.faults import translate


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's engine would listen."""
    path = tmp_path / "e.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


@pytest.fixture
def listener(address: Path) -> Iterator[socket.socket]:
    """Something that listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(address))
        server.listen()
        yield server


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system on which dockerd is installed, and nowhere else."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "dockerd").write_text("#!/bin/sh\n")
    (programs / "dockerd").chmod(0o755)
    monkeypatch.setattr(engine, "_BINARY_FOLDERS", ())
    monkeypatch.setenv("PATH", str(programs))
    return programs / "dockerd"


def test_not_installed(address: Path, installed: Path) -> None:
    installed.unlink()

    check = engine_check()

    assert (check.id, check.state, check.mend) == ("engine", CheckState.MISSING, "install Docker")
    with pytest.raises(EngineMissing):
        connect()


def test_installed_and_not_running(address: Path, installed: Path) -> None:
    check = engine_check()

    assert (check.state, check.mend) == (CheckState.BROKEN, "start Docker")
    with pytest.raises(EngineStopped):
        connect()


def test_a_socket_that_a_dead_engine_left_is_not_running(address: Path, installed: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(address))

    assert find_engine().state is EngineState.STOPPED


def test_no_permission(listener: socket.socket, address: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        address.chmod(0)
        assert find_engine().state is EngineState.FORBIDDEN
        return
    address.chmod(0o660)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    program = (
        "import os\n"
        "from pocketcoder_tui.sandbox.engine import connect, engine_check\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "check = engine_check()\n"
        "print(check.state, '|', check.mend, '|', check.hint)\n"
        "try: connect()\n"
        "except Exception as error: print(type(error).__name__)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("broken |  | ")
    assert "docker group" in done.stdout
    assert done.stdout.endswith("EngineForbidden\n")


def test_something_that_never_answers_is_given_up(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PROBE_SECONDS", 0.2)

    check = engine_check()

    assert check.state is CheckState.BROKEN
    assert "does not answer" in check.sentence


def test_something_that_is_no_engine(listener: socket.socket) -> None:
    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _address = listener.accept()
                with peer, contextlib.suppress(OSError):
                    peer.recv(4096)
                    peer.sendall(b"SSH-2.0-hello\r\n")

    threading.Thread(target=answer, daemon=True).start()

    assert find_engine().state is EngineState.SILENT


def test_an_address_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")

    check = engine_check()

    assert check.state is CheckState.BROKEN
    assert "DOCKER_HOST" in check.hint


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x y")

    assert engine_check().state is CheckState.BROKEN
    with pytest.raises(SandboxError):
        connect()


def test_a_person_s_own_engine_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(addresses, "DEFAULT_SOCKET", str(tmp_path / "none.sock"))
    (tmp_path / "docker.sock").touch()

    assert addresses.engine_address().host == f"unix://{tmp_path}/docker.sock"


@pytest.mark.docker
def test_a_running_engine() -> None:
    found = find_engine()

    assert found.state is EngineState.RUNNING
    assert found.version
    assert engine_check().state is CheckState.OK


@pytest.mark.parametrize(
    ("name", "version", "aged"),
    [
        ("Engine", "25.0.5", False),
        ("Engine", "20.10.24+dfsg1", True),
        ("Engine", "28.2.2", False),
        ("runc", "1.1.5+ds1", True),
        ("runc", "1.1.15", True),
        ("runc", "1.2.7", True),
        ("runc", "1.2.8", False),
        ("runc", "1.3.0", True),
        ("runc", "1.3.3", False),
        ("runc", "1.4.0", False),
        ("runc", "", True),
        ("containerd", "0.1", False),
    ],
)
def test_parts_with_known_escapes_are_named(name: str, version: str, aged: bool) -> None:
    facts = {"Components": [{"Name": name, "Version": version}]}

    assert bool(engine._aged(facts)) is aged


def test_a_stronger_runtime_is_offered_until_one_is_chosen() -> None:
    found = engine.EngineFound(EngineState.RUNNING, "unix:///x", "28", stronger=("runsc",))

    assert "POCKETCODER_RUNTIME=runsc" in engine._advice(found, "")
    assert engine._advice(found, "runsc") == ""


def _api_error(status: int, said: str) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    return docker.errors.APIError("failed", response=response, explanation=said)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_api_error(404, "No such container: abc"), ContainerGone),
        (_api_error(409, "Container abc is not running"), ContainerGone),
        (_api_error(404, "No such image: x:1"), ImageMissing),
        (_api_error(500, "write /x: no space left on device"), SandboxError),
        (requests.ConnectionError(ConnectionRefusedError(111, "refused")), EngineStopped),
        (requests.ConnectionError(PermissionError(13, "denied")), EngineForbidden),
        (requests.ReadTimeout("slow"), SandboxError),
        (BrokenPipeError(32, "pipe"), EngineStopped),
    ],
)
def test_docker_s_errors_become_sentences(error: Exception, kind: type[SandboxError]) -> None:
    said = translate(error, "do a thing")

    assert type(said) is kind
    assert said.sentence.endswith(".")
    assert said.hint
