"""The control socket: the same person's programs are answered, and nobody can end or block it."""

import asyncio
import json
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketcoder_tui.control import ControlServer, ask, follow, is_there, stream
from pocketcoder_tui.control.protocol import (
    REQUEST_LIMIT,
    ControlError,
    check_request,
    decode,
    encode,
)
from pocketcoder_tui.core.errors import TransitionRefused


class Answers:
    """What the tests' server says."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.gate = asyncio.Event()

    async def respond(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        match body["ask"]:
            case "echo":
                yield {"echo": body.get("text")}
            case "count":
                for number in range(body["to"]):
                    yield {"number": number}
            case "wait":
                yield {"waiting": True}
                try:
                    await self.gate.wait()
                finally:
                    self.closed.set()
            case "flood":
                try:
                    for _ in range(1000):
                        yield {"text": "x" * 10_000}
                finally:
                    self.closed.set()
            case "refuse":
                raise TransitionRefused("It was decided already.", hint="Look at the screen.")
            case "break":
                raise RuntimeError("a defect")


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
async def path(tmp_path: Path, answers: Answers) -> AsyncIterator[Path]:
    server = ControlServer(tmp_path / "control.sock", answers.respond)
    await server.start()
    yield tmp_path / "control.sock"
    await server.aclose()
    assert not (tmp_path / "control.sock").exists()


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


async def test_one_question_one_answer(path: Path) -> None:
    text = "é😀\ud800 \x1b[31m\n\0"
    assert await in_thread(lambda: ask(path, "echo", text=text)) == {"echo": text}


async def test_answers_come_as_a_stream(path: Path) -> None:
    found = await in_thread(lambda: [a["number"] for a in follow(path, "count", to=500)])
    assert found == list(range(500))


async def test_a_refusal_has_the_other_side_s_words(path: Path) -> None:
    with pytest.raises(ControlError, match=r"decided already\.") as caught:
        await in_thread(lambda: ask(path, "refuse"))
    assert caught.value.hint == "Look at the screen."


async def test_a_defect_is_a_sentence_and_the_next_one_is_answered(path: Path) -> None:
    with pytest.raises(ControlError, match="error of its own"):
        await in_thread(lambda: ask(path, "break"))
    assert await in_thread(lambda: ask(path, "echo", text=1)) == {"echo": 1}


async def test_who_hangs_up_is_not_answered_any_more(path: Path, answers: Answers) -> None:
    def look_once() -> None:
        stream = follow(path, "wait")
        next(stream)
        stream.close()

    await in_thread(look_once)
    await asyncio.wait_for(answers.closed.wait(), 5)


async def test_a_server_that_ends_closes_what_it_was_answering(
    tmp_path: Path, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    server = ControlServer(tmp_path / "ends.sock", answers.respond)
    await server.start()
    lines = stream(tmp_path / "ends.sock", "wait")
    assert await anext(lines) == {"waiting": True}
    await server.aclose()
    assert answers.closed.is_set()
    assert [line async for line in lines] == []
    assert not caplog.records


async def read_and_write_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What had been sent may come first; then it shows that the other side is gone."""
    for _ in range(3):
        await reader.read()
        writer.write(b"x")
        await writer.drain()


async def test_who_reads_nothing_is_hung_up_on(
    tmp_path: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketcoder_tui.control.server._STALLED", 0.2)
    server = ControlServer(tmp_path / "slow.sock", answers.respond)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "slow.sock"))
    writer.write(encode({"v": 1, "ask": "flood"}))
    await asyncio.wait_for(answers.closed.wait(), 10)
    with pytest.raises(ConnectionError):
        await read_and_write_on(reader, writer)
    writer.close()
    await server.aclose()


async def test_a_stream_without_blocking(path: Path) -> None:
    assert [a["number"] async for a in stream(path, "count", to=500)] == list(range(500))
    with pytest.raises(ControlError, match=r"decided already\.") as caught:
        await anext(stream(path, "refuse"))
    assert caught.value.hint == "Look at the screen."
    assert await is_there(path)
    assert not await is_there(path.with_name("other.sock"))
    with pytest.raises(ControlError, match="No pocketcoder works"):
        await anext(stream(path.with_name("other.sock"), "count", to=1))


def test_the_socket_is_the_person_s_alone(path: Path) -> None:
    facts = path.lstat()
    assert stat.S_ISSOCK(facts.st_mode)
    assert stat.S_IMODE(facts.st_mode) == 0o600


STRANGER = """
import contextlib, os, socket, sys
stranger = socket.socket(socket.AF_UNIX)
os.fchdir(int(sys.argv[1]))
os.setuid(65534)
stranger.connect("control.sock")
try:
    stranger.sendall(b'{"v":1,"ask":"echo","text":1}' + bytes([10]))
except BrokenPipeError:
    pass  # refused at the door
print(stranger.recv(65536).decode())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become somebody else")
async def test_somebody_else_is_refused(path: Path) -> None:
    """Who came past the modes of folder and socket is refused all the same."""
    os.chmod(path, 0o666)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)

    def ask_as_stranger() -> str:
        argv = [sys.executable, "-c", STRANGER, str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, pass_fds=[folder])
        return done.stdout

    os.chmod(path.parent, 0o755)
    answer = json.loads(await in_thread(ask_as_stranger))
    os.close(folder)
    assert "Only the person who started" in answer["error"]


async def test_nobody_there_is_said(tmp_path: Path, path: Path) -> None:
    with pytest.raises(ControlError, match="No pocketcoder works"):
        await in_thread(lambda: ask(tmp_path / "other.sock", "echo"))
    left = tmp_path / "left.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(left))
    dead.close()
    with pytest.raises(ControlError, match="No pocketcoder works"):
        await in_thread(lambda: ask(left, "echo"))
    # A new owner takes it over.
    server = ControlServer(left, Answers().respond)
    await server.start()
    assert await in_thread(lambda: ask(left, "echo", text="new")) == {"echo": "new"}
    await server.aclose()


async def test_a_very_long_folder_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(4):
        folder = folder / ("x" * 60)
    folder.mkdir(parents=True)
    server = ControlServer(folder / "control.sock", Answers().respond)
    await server.start()
    assert await in_thread(lambda: ask(folder / "control.sock", "echo", text=2)) == {"echo": 2}
    await server.aclose()


async def raw(path: Path, data: bytes) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return json.loads(line)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"not json\n", "not JSON"),
        (b"[1]\n", "no JSON object"),
        (b'{"v":1}\n', "does not say"),
        (b'{"v":99,"ask":"echo"}\n', "version 1"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"x" * (REQUEST_LIMIT * 3), "at most"),
    ],
)
async def test_a_malformed_request_is_refused(path: Path, data: bytes, says: str) -> None:
    assert says in (await raw(path, data))["error"]


async def test_many_at_once_and_too_many(path: Path) -> None:
    held = [await asyncio.open_unix_connection(str(path)) for _ in range(32)]
    for _, writer in held:
        writer.write(encode({"v": 1, "ask": "wait"}))
    for reader, _ in held:
        await reader.readline()
    assert "Too many" in (await raw(path, encode({"v": 1, "ask": "echo"})))["error"]
    for _, writer in held:
        writer.close()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_no_line_raises_anything_else(line: bytes) -> None:
    try:
        check_request(decode(line))
    except ControlError:
        return


def test_the_kernel_s_word_has_the_size_that_is_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        assert struct.unpack("3i", data)[1] == os.geteuid()


async def test_who_gave_up_before_being_heard_asked_for_nothing(
    tmp_path: Path, answers: Answers
) -> None:
    """As after a long stop: the request lies there whole, and its caller has left."""
    heard: list[object] = []

    async def respond(body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        heard.append(body["text"])
        yield {}

    server = ControlServer(tmp_path / "control.sock", respond)
    await server.start()
    for text, stays in (("gave up", False), ("stays", True)):
        caller = socket.socket(socket.AF_UNIX)
        caller.connect(str(tmp_path / "control.sock"))
        caller.sendall(encode({"v": 1, "ask": "echo", "text": text}))
        if not stays:
            caller.close()
        else:
            assert await in_thread(lambda caller=caller: caller.recv(100)) == b"{}\n"
            caller.close()
    await server.aclose()
    assert heard == ["stays"]
