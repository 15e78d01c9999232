"""A Docker that is reached over TLS: the same promises, through the thread that owns the wire."""

import asyncio
import hashlib
import os
import socket
import ssl
import threading
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.wires import TlsWire
from tests.support.streams import Reader

pytestmark = pytest.mark.docker


async def _certificate(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    inner_reader, inner_writer = await asyncio.open_unix_connection("/var/run/docker.sock")
    await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))


@pytest.fixture
async def tls_box(
    sandbox_image: str, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DockerBox]:
    """A box whose every byte goes over TLS: the engine's own socket behind a server of ours."""
    await _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = await asyncio.start_server(_relay, "localhost", 0, family=socket.AF_INET, ssl=context)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("DOCKER_HOST", f"tcp://localhost:{port}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    async with DockerSandbox(workspace, image=sandbox_image, tied=True) as sandbox:
        try:
            yield await sandbox.ensure()
        finally:
            await sandbox.remove()
            server.close()


async def test_programs_and_their_input(tls_box: DockerBox) -> None:
    data = os.urandom(3_000_000)

    done = await tls_box.exec(["sha256sum"], stdin=data)

    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert (await tls_box.exec(["sh", "-c", "cat; exit 6"], stdin=b"in")).status == 6


async def test_a_stream_echoes_and_leaves_no_thread(tls_box: DockerBox) -> None:
    data = os.urandom(4_000_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        stream = await tls_box.open(["cat"])
        reader = Reader(stream)
        got = bytearray()

        async def collect() -> None:
            while len(got) < len(data):
                piece = await reader.read()
                assert piece
                got.extend(piece)

        async with asyncio.TaskGroup() as group:
            group.create_task(collect())
            await stream.write(data)
        await stream.aclose()

    assert bytes(got) == data
    assert [t for t in threading.enumerate() if t.name == "docker-tls"] == []
    with pytest.raises(ContainerGone):
        await stream.write(b"too late")
    assert await reader.read() == b""


async def test_closing_ends_a_read_that_waits(tls_box: DockerBox) -> None:
    stream = await tls_box.open(["cat"])
    reader = Reader(stream)
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0)

    await stream.aclose()

    assert await asyncio.wait_for(reading, 5) == b""


async def test_a_stream_ends_with_its_program(tls_box: DockerBox) -> None:
    stream = await tls_box.open(["sh", "-c", "read -r line; echo got $line"])
    reader = Reader(stream)
    await stream.write(b"this\n")

    assert await reader.read() == b"got this\n"
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await stream.aclose()


async def test_a_slow_reader_holds_the_thread_and_closing_frees_it(tls_box: DockerBox) -> None:
    stream = await tls_box.open(["cat", "/dev/zero"])
    reader = Reader(stream)
    assert await reader.read()

    await asyncio.wait_for(stream.aclose(), 5)

    assert [t for t in threading.enumerate() if t.name == "docker-tls"] == []
    assert TlsWire.__doc__
