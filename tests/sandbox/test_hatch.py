"""The folder that the box can read and cannot change, and the pipes in it."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.hatch import Hatch
from pocketcoder_tui.sandbox.pipes import PipeStream
from pocketcoder_tui.sandbox.stream import ExecStream
from tests.support.streams import Reader


@pytest.mark.docker
async def test_the_box_reads_what_was_put_there_and_cannot_change_it(
    box: DockerBox, tmp_path: Path
) -> None:
    stream = await box.open(["cat"])
    assert box.drop is not None
    data = os.urandom(100_000)
    box.drop.put("7.command", data)

    read = await box.exec(["cat", f"{box.drop.path}/7.command"])
    assert read.stdout == data
    attempts = [
        "echo evil > 7.command",
        "echo evil >> 7.command",
        "mv 7.command 8.command",
        "rm -f 7.command",
        "ln -s /workspace/x 9.command",
        "chmod 0600 7.command",
        "mount -o remount,rw /run/pocketcoder/in",
        "umount /run/pocketcoder/in",
        "mv /run/pocketcoder/in /run/pocketcoder/old",
    ]
    for attempt in attempts:
        done = await box.exec(["sh", "-c", f"cd {box.drop.path} && {attempt}"])
        assert done.status != 0, attempt
    assert (tmp_path / "hatch" / "7.command").read_bytes() == data
    await stream.aclose()


@pytest.mark.docker
async def test_a_stream_takes_the_pipes_and_leaves_no_name(box: DockerBox, tmp_path: Path) -> None:
    stream = await box.open(["cat"])

    assert isinstance(stream, PipeStream)
    assert list((tmp_path / "hatch").iterdir()) == []
    await stream.aclose()


@pytest.mark.docker
async def test_where_the_folder_is_another_one_the_engine_s_stream_serves(
    box: DockerBox, tmp_path: Path
) -> None:
    # A running box is bound to the folder that was there when it started.
    (tmp_path / "hatch").rename(tmp_path / "old")
    Hatch(tmp_path / "hatch").prepare()

    stream = await box.open(["cat"])

    assert isinstance(stream, ExecStream)
    assert box.drop is None
    reader = Reader(stream)
    await stream.write(b"here")
    assert await reader.read() == b"here"
    assert list((tmp_path / "hatch").iterdir()) == []
    await stream.aclose()


@pytest.mark.docker
async def test_a_box_without_the_folder_uses_the_engine_s_stream(
    workspace: Path, sandbox_image: str
) -> None:
    async with DockerSandbox(workspace, image=sandbox_image, tied=True) as sandbox:
        try:
            box = await sandbox.ensure()
            stream = await box.open(["true"])
            assert isinstance(stream, ExecStream)
            assert box.drop is None
            await stream.aclose()
        finally:
            await sandbox.remove()


@pytest.mark.docker
async def test_a_program_that_stops_reading_holds_the_writer(box: DockerBox) -> None:
    stream = await box.open(["sh", "-c", "read -r first; echo $first; cat >/dev/null; echo over"])
    reader = Reader(stream)
    writing = asyncio.create_task(stream.write(b"first\n" + bytes(1_000_000)))

    assert (await reader.read()).startswith(b"first")
    await asyncio.wait_for(writing, 10)
    await stream.aclose()


def test_what_an_earlier_process_left_is_cleared_and_the_folder_stays(tmp_path: Path) -> None:
    hatch = Hatch(tmp_path / "hatch")
    hatch.prepare()
    before = (tmp_path / "hatch").stat().st_ino
    hatch.put("0.command", b"echo hi")
    hatch.open_pipes().close()

    hatch.prepare()

    assert list((tmp_path / "hatch").iterdir()) == []
    assert (tmp_path / "hatch").stat().st_ino == before


def test_a_shorter_text_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    hatch = Hatch(tmp_path / "hatch")
    hatch.prepare()
    for text in (b"echo a long one", b"ls", b"\n", b"x" * 70_000, b"echo \xff\x01"):
        hatch.put("0.command", text)
        assert (tmp_path / "hatch" / "0.command").read_bytes() == text


def test_its_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        hatch = Hatch(tmp_path / "hatch")
        hatch.prepare()
        hatch.put("0.command", b"ls")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "hatch").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "hatch" / "0.command").stat().st_mode) == 0o644


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    hatch = Hatch(tmp_path / "hatch")
    hatch.prepare()
    (tmp_path / "hatch" / "0.command").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SandboxError, match="handed to the box"):
        hatch.put("0.command", b"ls")

    assert not (tmp_path / "elsewhere").exists()


WAITER = "pgrep -x bash | head -1"


async def said(box: DockerBox, argv: list[str], words: bytes) -> bytes:
    """Open a program, send it words, and read as much as it says of itself and of them."""
    stream = await box.open(argv)
    assert isinstance(stream, PipeStream)
    reader = Reader(stream)
    await stream.write(words)
    got = b""
    while words not in got:
        piece = await asyncio.wait_for(reader.read(), 10)
        assert piece
        got += piece
    await stream.aclose()
    return got


async def test_what_looked_at_a_fresh_box_becomes_what_is_opened_first(box: DockerBox) -> None:
    waiter = (await box.exec(["sh", "-c", WAITER])).stdout.strip()
    assert waiter
    words = os.urandom(50_000).replace(b"\0", b"x")
    got = await said(box, ["sh", "-c", 'echo "$$ $0 $1"; exec cat', "a b", "c\n'd"], words)
    assert got == waiter + b" a b c\n'd\n" + words
    again = await said(box, ["sh", "-c", "echo $$; exec cat"], b"more")
    assert not again.startswith(waiter)


async def test_a_box_whose_looker_was_ended_opens_all_the_same(box: DockerBox) -> None:
    waiter = (await box.exec(["sh", "-c", WAITER])).stdout.strip().decode()
    await box.exec(["sh", "-c", f"kill -9 {waiter}; while kill -0 {waiter}; do :; done 2>&1"])
    assert await said(box, ["cat"], b"here") == b"here"


async def test_nothing_is_kept_of_a_box_that_ran_already(
    box: DockerBox, sandbox: DockerSandbox
) -> None:
    await sandbox.aclose()
    assert (await box.exec(["sh", "-c", WAITER])).stdout == b""
    again = await sandbox.ensure()
    assert again.id == box.id
    assert (await again.exec(["sh", "-c", WAITER])).stdout == b""
    assert await said(again, ["cat"], b"here") == b"here"
