"""Which engine is meant: variables, contexts, and addresses that nobody should trust."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.elsewhere import address
from pocketcoder_tui.sandbox.elsewhere.address import engine_address, is_this_machine

VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@pytest.fixture(autouse=True)
def docker_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's own settings, empty, and no variable of it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def make_context(
    folder: Path, name: str, host: str, *, tls: bool = False, skip: bool = False
) -> None:
    """As ``docker context create`` leaves it (docker/cli, cli/context/store)."""
    key = sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    facts = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(facts))
    if tls:
        material = folder / "contexts" / "tls" / key / "docker"
        material.mkdir(parents=True)
        for part in ("ca.pem", "cert.pem", "key.pem"):
            (material / part).write_text("x")


def choose(folder: Path, name: str) -> None:
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))


def test_without_any_word_it_is_this_machine_s_own() -> None:
    found = engine_address()
    assert (found.host, found.told_by) == (f"unix://{address.DEFAULT_SOCKET}", "")


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"currentContext": 3}', "{}"])
def test_settings_that_name_nothing(docker_folder: Path, text: str) -> None:
    (docker_folder / "config.json").write_text(text)
    assert engine_address().told_by == ""


def test_the_order_is_docker_s(docker_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(docker_folder, "work", "ssh://dana@build.example")
    make_context(docker_folder, "other", "ssh://dana@other.example")
    choose(docker_folder, "work")
    assert engine_address().host == "ssh://dana@build.example"
    assert engine_address().told_by == "the Docker context work"
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert engine_address().host == "ssh://dana@other.example"
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert engine_address().told_by == ""
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert engine_address().host == "unix:///mine.sock"


def test_a_context_that_is_not_there(docker_folder: Path) -> None:
    choose(docker_folder, "gone")
    with pytest.raises(SandboxError, match="no Docker context named 'gone'"):
        engine_address()


def test_a_damaged_context_is_a_sentence(docker_folder: Path) -> None:
    make_context(docker_folder, "work", "ssh://x")
    [file] = docker_folder.glob("contexts/meta/*/meta.json")
    file.write_text("{")
    choose(docker_folder, "work")
    with pytest.raises(SandboxError, match="cannot be read"):
        engine_address()


@pytest.mark.parametrize(
    "host", ["tcp://192.0.2.1:2375", "tcp://build.example:2375", "http://10.0.0.1"]
)
def test_an_open_address_beyond_this_machine_is_refused(
    docker_folder: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SandboxError, match="open to everybody") as refused:
        engine_address()
    assert "ssh://" in refused.value.hint
    monkeypatch.delenv("DOCKER_HOST")
    make_context(docker_folder, "open", host, skip=True)
    choose(docker_folder, "open")
    with pytest.raises(SandboxError, match="open to everybody"):
        engine_address()


@pytest.mark.parametrize(
    "host", ["tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375"]
)
def test_an_open_address_of_this_machine_is_taken(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert engine_address().tls is None


def test_tls_without_a_look_at_who_answers_is_refused(
    docker_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="anybody could answer"):
        engine_address()
    monkeypatch.delenv("DOCKER_HOST")
    make_context(docker_folder, "blind", "tcp://build.example:2376", tls=True, skip=True)
    choose(docker_folder, "blind")
    with pytest.raises(SandboxError, match="does not check who answers"):
        engine_address()


def test_tls_needs_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path / "none"))
    with pytest.raises(SandboxError, match="cannot be set up"):
        engine_address()


def test_the_tls_of_a_context_is_used(docker_folder: Path) -> None:
    make_context(docker_folder, "work", "tcp://build.example:2376", tls=True)
    choose(docker_folder, "work")
    found = engine_address()
    assert found.tls.verify is True
    assert found.tls.ca_cert.endswith("ca.pem")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("unix:///var/run/docker.sock", True), ("tcp://127.0.0.1:1", True),
        ("tcp://localhost:1", True), ("tcp://192.0.2.1:1", False), ("ssh://localhost", False),
        ("ssh://a@b", False), ("tcp://build.example:1", False),
    ],
)  # fmt: skip
def test_what_counts_as_this_machine(host: str, here: bool) -> None:
    assert is_this_machine(host) is here
