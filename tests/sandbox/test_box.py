"""Programs in a real box: their bytes, their status, and how they end."""

import asyncio
import hashlib
import os
import threading
import warnings
from collections.abc import Awaitable, Callable, Sequence

import pytest

from pocketcoder_tui.core.errors import ContainerGone, SandboxError
from pocketcoder_tui.core.ports import ByteStream
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from tests.support.streams import Reader

pytestmark = pytest.mark.docker

Opened = Callable[[Sequence[str]], Awaitable[ByteStream]]


@pytest.fixture(params=["pipes", "exec"])
def opened(request: pytest.FixtureRequest, box: DockerBox) -> Opened:
    """Opens a program both ways: on the hatch's pipes, and over the engine's stream."""
    return box.open if request.param == "pipes" else box.open_exec


async def test_output_errors_and_status_come_back_apart(box: DockerBox) -> None:
    done = await box.exec(["sh", "-c", "echo out; echo err >&2; exit 7"])

    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert not done.truncated


async def test_a_missing_program_is_a_status_not_an_exception(box: DockerBox) -> None:
    done = await box.exec(["no-such-program"])

    assert done.status in (126, 127)


async def test_binary_input_of_five_megabytes_arrives_whole(box: DockerBox) -> None:
    data = os.urandom(5_000_000)

    done = await box.exec(["sha256sum"], stdin=data)

    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


async def test_binary_output_of_five_megabytes_arrives_whole(box: DockerBox) -> None:
    data = os.urandom(5_000_000)

    done = await box.exec(["cat"], stdin=data, limit=5_000_000)

    assert done.stdout == data
    assert not done.truncated


async def test_output_over_the_limit_is_cut_and_said_so_and_the_program_ends(
    box: DockerBox,
) -> None:
    done = await box.exec(["sh", "-c", "head -c 3000000 /dev/zero; exit 3"], limit=1000)

    assert len(done.stdout) == 1000
    assert done.truncated
    assert done.status == 3


async def test_input_that_nobody_reads_is_no_failure(box: DockerBox) -> None:
    done = await box.exec(["true"], stdin=bytes(5_000_000))

    assert done.status == 0


async def test_empty_input_is_at_its_end(box: DockerBox) -> None:
    done = await box.exec(["cat"])

    assert (done.status, done.stdout) == (0, b"")


async def test_the_status_of_a_program_that_closed_its_output_early(box: DockerBox) -> None:
    done = await box.exec(["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"])

    assert done.status == 4


async def test_many_programs_at_once_keep_their_outputs_apart(box: DockerBox) -> None:
    results = await asyncio.gather(*(box.exec(["echo", str(n)]) for n in range(12)))

    assert [result.stdout for result in results] == [b"%d\n" % n for n in range(12)]


async def test_fast_output_is_never_lost_to_the_answer_s_head(opened: Opened) -> None:
    for _ in range(15):
        stream = await opened(["printf", "first"])
        reader = Reader(stream)
        got = b""
        while piece := await reader.read():
            got += piece
        await stream.aclose()
        assert got == b"first"


async def test_the_environment_holds_nothing_of_the_host(
    sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret-of-the-host")
    box = await sandbox.ensure()

    done = await box.exec(["env"])

    names = {line.split(b"=")[0].decode() for line in done.stdout.splitlines()}
    assert names <= {
        "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "PATH", "HOSTNAME", "PWD", "SHLVL", "_",
    }  # fmt: skip
    assert b"HOME=/home/agent\n" in done.stdout
    assert b"secret-of-the-host" not in done.stdout


async def test_a_stream_echoes_ten_megabytes(opened: Opened) -> None:
    data = os.urandom(10_000_000)
    stream = await opened(["cat"])
    reader = Reader(stream)

    async def collect() -> bytes:
        got = bytearray()
        while len(got) < len(data):
            piece = await reader.read()
            assert piece, "the stream ended early"
            got += piece
        return bytes(got)

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect())
        await stream.write(data)
    await stream.aclose()

    assert reading.result() == data


async def test_closing_a_stream_ends_its_program_s_input(box: DockerBox, opened: Opened) -> None:
    stream = await opened(["sh", "-c", "mkfifo done; echo made; cat >/dev/null; echo over >done"])
    reader = Reader(stream)
    assert await reader.read() == b"made\n"

    await stream.aclose()

    assert (await box.exec(["cat", "done"])).stdout == b"over\n"


async def test_closing_a_stream_ends_a_read_that_waits(opened: Opened) -> None:
    stream = await opened(["cat"])
    reader = Reader(stream)
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0)

    await stream.aclose()

    assert await asyncio.wait_for(reading, 5) == b""
    with pytest.raises(ContainerGone):
        await stream.write(b"too late")


async def test_a_removed_container_ends_its_streams_at_once(
    sandbox: DockerSandbox, box: DockerBox, opened: Opened
) -> None:
    stream = await opened(["cat"])
    reader = Reader(stream)
    await stream.write(b"hello")
    assert await reader.read() == b"hello"
    reading = asyncio.create_task(reader.read())

    await sandbox.remove()

    assert await asyncio.wait_for(reading, 2) == b""
    with pytest.raises(ContainerGone):
        await stream.write(b"more")
    with pytest.raises(ContainerGone):
        await box.exec(["true"])
    with pytest.raises(ContainerGone):
        await box.open(["true"])
    await stream.aclose()


async def test_a_program_that_dies_with_its_container_is_no_result(
    sandbox: DockerSandbox, box: DockerBox
) -> None:
    running = asyncio.create_task(box.exec(["sh", "-c", "echo $$ >pid; exec sleep 1000"]))
    while (await box.exec(["test", "-s", "pid"])).status:
        pass

    await sandbox.stop()

    with pytest.raises(ContainerGone):
        await asyncio.wait_for(running, 5)


async def test_streams_leave_no_thread_and_no_open_socket(box: DockerBox, opened: Opened) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(3):
            stream = await opened(["cat"])
            reader = Reader(stream)
            await stream.write(b"x")
            assert await reader.read() == b"x"
            await stream.aclose()
            await box.exec(["true"])

    left = [t.name for t in threading.enumerate() if t.name.startswith("docker-tls")]
    assert left == []


async def test_errors_carry_a_hint(box: DockerBox, sandbox: DockerSandbox) -> None:
    await sandbox.remove()

    with pytest.raises(SandboxError) as caught:
        await box.exec(["true"])

    assert caught.value.sentence
    assert caught.value.hint
