"""The way out without a box: the near program on this machine, the proxy, and names of the test's.

What the box adds (no network, the environment, the engine's stream) is in test_network.py.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.egress.frames import WINDOW, FrameError, Frames, Kind, credit, frame
from pocketcoder_tui.sandbox.egress.gateway import BoxGateway
from pocketcoder_tui.sandbox.egress.mux import MOST, Far, Mux
from tests.sandbox.wayout import Book, Door, HostileStream, ProgramStream, free_port, open_files

HOST = "files.example.org"
OUTER = "8.8.8.8"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A proxy with its near program on this machine, and a server that stands for HOST."""

    def __init__(self, door: Door, book: Book, port: int) -> None:
        self.door = door
        self.book = book
        self.port = port
        self.gateway = BoxGateway(door, book)
        self.stream: ProgramStream

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, request: bytes, *, ends: bool = False) -> bytes:
        """Send a request; returns all that comes back until the end."""
        reader, writer = await self.connect()
        writer.write(request)
        if ends:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()


@asynccontextmanager
async def site(serve: Serve | None = None) -> AsyncIterator[Site]:
    made = Site(Door(), Book(), await free_port())
    made.stream = await ProgramStream.start(made.port)
    made.gateway.mux = Mux(made.stream, made.gateway.take)
    await made.gateway.mux.begin()
    handlers: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        with contextlib.suppress(OSError):
            await (serve or echo)(reader, writer)
        writer.close()

    server = await asyncio.start_server(kept, "127.0.0.1", 0)
    made.book.addresses[HOST] = [[OUTER]]
    for port in (80, 443):
        made.book.servers[OUTER, port] = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await made.gateway.aclose()
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request with its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = b""
    if b"transfer-encoding: chunked" in head.lower():
        body = await reader.readuntil(b"0\r\n\r\n")
    elif b"content-length:" in head.lower():
        body = await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0]))
    told = head + body
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
    await writer.drain()


def get(host: str, path: str = "/", more: bytes = b"") -> bytes:
    url = f"http://{host}{path}".encode()
    return b"GET " + url + b" HTTP/1.1\r\nHost: elsewhere.example\r\n" + more + b"\r\n"


def tunnel(target: str) -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


async def opened(
    at: Site, target: str = f"{HOST}:443"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await at.connect()
    writer.write(tunnel(target))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return reader, writer


# --- what goes


async def test_a_tunnel_carries_bytes_both_ways_and_they_are_counted() -> None:
    async with site() as at:
        reader, writer = await opened(at)
        for size in (1, 70_000, 3 * WINDOW):
            data = bytes(i % 251 for i in range(size))
            sending = asyncio.create_task(_sent(writer, data))
            assert await reader.readexactly(size) == data
            await sending
        writer.write_eof()
        assert await reader.read() == b""
        await at.door.until(lambda: bool(at.door.over))
        total = 1 + 70_000 + 3 * WINDOW
        assert at.door.over == [(HOST, total, total, "")]
        assert at.door.asked == [(HOST, 443)]
        writer.close()


async def _sent(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def test_what_came_with_the_request_is_carried_too() -> None:
    async with site() as at:
        told = await at.say(tunnel(f"{HOST}:443") + b"hello", ends=True)
        # A program that says no more is taken to have left, unless it is connected already.
        assert told == b"" or told.endswith(b"hello")


async def test_a_page_goes_with_the_host_s_own_name_and_without_words_for_the_proxy() -> None:
    async with site(page) as at:
        more = b"Proxy-Authorization: secret\r\nCookie: a=b\r\nConnection: keep-alive\r\n"
        reader, writer = await at.connect()
        writer.write(get(HOST, "/a?b=c", more))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        seen = (await reader.readexactly(length)).lower()
        assert seen.startswith(b"get /a?b=c http/1.1\r\n")
        assert f"host: {HOST}\r\n".encode() in seen
        assert b"cookie: a=b" in seen
        assert b"elsewhere" not in seen
        assert b"proxy" not in seen
        writer.write(get(HOST, "/again"))
        assert b"/again" in await reader.readuntil(b"/again")
        writer.close()
        assert at.door.asked == [(HOST, 80), (HOST, 80)]


async def test_a_body_goes_with_its_length_or_in_chunks() -> None:
    async with site(page) as at:
        head = f"POST http://{HOST}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
        told = await at.say(head + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        assert told.endswith(b"hello")
        told = await at.say(
            head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
        )
        assert b"hello" in told
        assert b" world" in told
        told = await at.say(
            head + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        seen = told.partition(b"\r\n\r\n")[2].lower()
        assert b"transfer-encoding: chunked" in seen
        assert b"content-length" not in seen  # one length, not two that a server may choose from


# --- what does not


REFUSED = [
    tunnel("127.0.0.1:443"), tunnel("[::1]:443"), tunnel("2130706433:443"), tunnel("localhost:443"),
    tunnel("169.254.169.254:80"), tunnel("metadata.google.internal:80"), tunnel(f"{HOST}:22"),
    tunnel(f"{HOST}:8443"), tunnel(f"{HOST}:99999"), tunnel(f"{HOST}:-1"), tunnel(f"{HOST}:"),
    tunnel(HOST), tunnel(f"user@{HOST}:443"), tunnel(f"{HOST}%00.example.org:443"),
    tunnel("host.docker.internal:443"), tunnel("a..b:443"), tunnel("x" * 300 + ".org:443"),
    get("127.0.0.1"), get("[::ffff:127.0.0.1]"), get("0x7f.1"), get("10.0.0.1:80"), get("printer"),
    get(f"{HOST}:8080"), get(f"{HOST}:99999999"), get("user:pass@127.0.0.1"), get(""),
    b"GET / HTTP/1.1\r\nHost: files.example.org\r\n\r\n",
    b"GET https://files.example.org/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET ftp://files.example.org/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://files.example.org@169.254.169.254/ HTTP/1.1\r\nHost: x\r\n\r\n",
]  # fmt: skip


async def test_what_nobody_can_be_asked_about_is_refused_and_told() -> None:
    async with site() as at:
        for request in REFUSED:
            told = await at.say(request)
            assert told.startswith(b"HTTP/1.1 403 "), request
            assert b"PocketCoder: " in told, request
        assert at.door.asked == []
        assert at.book.dialled == []
        assert len(at.door.away) == len(REFUSED)


BROKEN = [
    b"\x16\x03\x01\x02\x00\x01\x00" * 20, b"SSH-2.0-x\r\n\r\n", b"\0" * 100, b"\r\n" * 10,
    b"GET http://files.example.org/\r\n\r\n", b"A" * 100_000, b"CONNECT\r\n\r\n",
    b"GET http://files.example.org/ HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
    b"GET http://files.example.org/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST http://files.example.org/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    b"Content-Length: 6\r\n\r\nhello",
    b"GET http://files.example.org/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET  http://files.example.org/  HTTP/1.1\r\nHost: a\r\n\r\n",
]  # fmt: skip


async def test_what_is_not_http_ends_and_the_next_one_is_served() -> None:
    async with site(page) as at:
        for request in BROKEN:
            with contextlib.suppress(ConnectionError):
                told = await at.say(request, ends=True)
                assert b"200" not in told[:20], request
        assert b"200 OK" in await at.say(get(HOST, more=b"Connection: close\r\n"))
        await at.door.until(lambda: not at.door.open)


async def test_two_requests_cannot_be_sent_as_one() -> None:
    """What h11 reads as one request is sent as one, whatever stood in it."""
    seen: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No\r\n\r\n")

    async with site(keep) as at:
        await at.say(
            get(HOST, "/one", b"X: a\r\n b\r\nConnection: close\r\n")
            + get("other.example.org", "/two")
        )
    [only] = seen
    assert b"/one" in only
    assert b"/two" not in only


async def test_a_denied_host_is_told_why_and_never_looked_up() -> None:
    async with site() as at:
        at.door.denied[HOST] = f"{HOST} was denied. Use the copy that is here."
        told = await at.say(tunnel(f"{HOST}:443"))
        assert told.startswith(b"HTTP/1.1 403 ")
        assert b"Use the copy that is here." in told
        assert at.book.dialled == []


async def test_a_program_that_hangs_up_while_it_waits_takes_its_question_with_it() -> None:
    async with site() as at:
        at.door.wait = asyncio.Event()
        _, writer = await at.connect()
        writer.write(tunnel(f"{HOST}:443"))
        await at.door.until(lambda: bool(at.door.asked))
        writer.close()
        await at.door.until(lambda: at.door.left == 1)
        assert at.book.dialled == []


INNER = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:192.168.0.1",
         "64:ff9b::7f00:1", "0.0.0.0"]  # fmt: skip


async def test_a_name_that_leads_within_is_not_dialled() -> None:
    async with site() as at:
        for address in INNER:
            at.book.addresses[HOST] = [[OUTER, address]]
            told = await at.say(tunnel(f"{HOST}:443"))
            assert told.startswith(b"HTTP/1.1 502 "), address
            assert address.encode() in told
        assert at.book.dialled == []
        assert len(at.door.failures) == len(INNER)


async def test_an_answer_that_changes_after_the_look_changes_nothing() -> None:
    async with site() as at:
        at.book.addresses[HOST] = [[OUTER], ["127.0.0.1"]]
        _, writer = await opened(at)
        assert at.book.dialled == [OUTER]
        told = await at.say(tunnel(f"{HOST}:443"))  # the next one is looked at anew
        assert told.startswith(b"HTTP/1.1 502 ")
        assert at.book.dialled == [OUTER]
        writer.close()


async def test_a_name_without_an_address_and_a_host_that_is_down_are_told() -> None:
    async with site() as at:
        told = await at.say(tunnel("gone.example.org:443"))
        assert b"There is no address for gone.example.org." in told
        at.book.servers.clear()
        assert b"It cannot be reached." in await at.say(tunnel(f"{HOST}:443"))


async def test_what_does_not_hold_any_more_when_it_is_used_is_refused() -> None:
    async with site() as at:
        at.door.past = True
        assert (await at.say(tunnel(f"{HOST}:443"))).startswith(b"HTTP/1.1 403 ")


async def test_a_cut_ends_an_open_connection_with_its_account() -> None:
    async with site() as at:
        reader, writer = await opened(at)
        writer.write(b"12345")
        assert await reader.readexactly(5) == b"12345"
        [connection] = at.door.open
        assert at.gateway.cut(connection) == (5, 5)
        assert await asyncio.wait_for(_all(reader), 10) == b""
        assert at.gateway.cut("no such one") == (0, 0)
        writer.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


async def test_a_reader_that_does_not_read_holds_up_nobody_else_and_little_is_kept() -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * (1 << 16))
            await writer.drain()

    async with site(pour) as at:
        _, idle = await opened(at)
        reader, writer = await opened(at)
        got = await asyncio.wait_for(reader.readexactly(20 << 20), 60)
        assert len(got) == 20 << 20
        kept = sum(len(far._held) for far in at.gateway.mux._known.values())
        assert kept <= 2 * WINDOW
        idle.close()
        writer.close()


async def test_many_connections_and_no_more_than_may_be() -> None:
    async with site() as at:
        held = [await opened(at) for _ in range(60)]
        for number, (reader, writer) in enumerate(held):
            writer.write(b"%03d" % number)
            assert await reader.readexactly(3) == b"%03d" % number
        before = open_files(at.stream.process.pid)
        for _, writer in held:
            writer.close()
        await at.door.until(lambda: len(at.door.over) == 60)
        extra = [await at.connect() for _ in range(MOST + 20)]
        assert await at.gateway.ports()  # the program and the stream work on
        assert len(at.gateway.mux._known) <= MOST
        for _, writer in extra:
            writer.close()
        reader, writer = await opened(at)
        writer.close()
        async with asyncio.timeout(10):
            while open_files(at.stream.process.pid) >= before:
                await at.gateway.ports()


# --- ports that lead in


async def test_a_port_is_listed_and_brought_here_and_ends() -> None:
    async with site() as at:
        inner = await asyncio.start_server(echo, "127.0.0.1", 0)
        number = inner.sockets[0].getsockname()[1]
        ports = {port.number: port for port in await at.gateway.ports()}
        assert number in ports
        assert at.port not in ports
        here = await at.gateway.forward(number)
        assert here.forwarded not in (0, number)  # taken by the server itself on this machine
        assert await at.gateway.forward(number) == here
        reader, writer = await asyncio.open_connection("127.0.0.1", here.forwarded)
        writer.write(b"knock" * 100_000)
        assert await reader.readexactly(500_000) == b"knock" * 100_000
        again = {port.number: port.forwarded for port in await at.gateway.ports()}
        assert again[number] == here.forwarded
        await at.gateway.unforward(number)
        assert await asyncio.wait_for(_all(reader), 10) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", here.forwarded)
        writer.close()
        inner.close()


async def test_a_port_where_nobody_listens_hangs_up() -> None:
    async with site() as at:
        here = await at.gateway.forward(await free_port())
        reader, writer = await asyncio.open_connection("127.0.0.1", here.forwarded)
        assert await asyncio.wait_for(_all(reader), 10) == b""
        writer.close()


# --- the program in the box, and one that lies


async def test_when_the_program_ends_all_is_lost_and_said() -> None:
    async with site() as at:
        reader, writer = await opened(at)
        at.stream.process.kill()
        assert "ended" in await asyncio.wait_for(at.gateway.lost(), 10)
        assert await _all(reader) == b""
        with pytest.raises(SandboxError):
            await at.gateway.ports()
        await at.door.until(lambda: len(at.door.over) == 1)
        writer.close()


async def test_a_port_that_is_taken_is_said() -> None:
    taken = await asyncio.start_server(echo, "127.0.0.1", 0)
    stream = await ProgramStream.start(taken.sockets[0].getsockname()[1])
    mux = Mux(stream, lambda far: None)
    with pytest.raises(SandboxError, match="Its port is taken"):
        await mux.begin()
    await mux.aclose()
    taken.close()


LIES = [
    b"\xff" * 40,
    frame(Kind.DATA, 1)[:1] + b"\0\0\0\1" + b"\xff\xff\xff\xff",
    frame(Kind.OPEN, 1) + frame(Kind.OPEN, 1),
    frame(Kind.OPEN, 1) + frame(Kind.DATA, 1, b"x" * 60_000) * 5,
    frame(Kind.OPEN, 1) + frame(Kind.END, 1) + frame(Kind.DATA, 1, b"x"),
    frame(Kind.OPEN, 1) + credit(1, 1),
    frame(Kind.OPEN, 1) + frame(Kind.CREDIT, 1, b"no"),
    b"".join(frame(Kind.OPEN, number) for number in range(1, 4 * MOST + 3, 2)),
]


@pytest.mark.parametrize("lie", LIES)
async def test_what_is_out_of_order_ends_the_stream_and_every_connection(lie: bytes) -> None:
    stream, far = HostileStream(), list[Far]()
    mux = Mux(stream, far.append)
    beginning = asyncio.create_task(mux.begin())
    await asyncio.sleep(0)
    stream.say(frame(Kind.READY))
    await beginning
    stream.say(lie)
    assert mux.gone.done()
    for one in far:
        assert one.over
    stream.say(frame(Kind.OPEN, 77))
    await mux.aclose()
    assert stream.closed


async def test_words_about_connections_that_are_not_there_are_nothing() -> None:
    stream = HostileStream()
    mux = Mux(stream, lambda far: None)
    beginning = asyncio.create_task(mux.begin())
    await asyncio.sleep(0)
    stream.say(frame(Kind.READY) * 3)
    await beginning
    for kind in (Kind.DATA, Kind.END, Kind.CLOSE, Kind.CREDIT):
        stream.say(frame(kind, 99, b"abcd"))
    stream.say(frame(Kind.PORTS, 0, b"80 x\n"))
    stream.say(frame(Kind.OPEN, 98))
    assert not mux.gone.done()
    asking = asyncio.create_task(mux.ports())
    await asyncio.wait_for(stream.news.wait(), 10)
    stream.say(frame(Kind.PORTS, 0, b"80 web\n0 x\n99999 x\n\xff\n8080 " + b"n" * 500 + b"\n-1\n"))
    assert await asking == [(80, "web"), (8080, "n" * 64)]
    await mux.aclose()


def test_frames_come_in_any_pieces() -> None:
    whole = frame(Kind.OPEN, 1) + frame(Kind.DATA, 1, b"abc") + frame(Kind.CLOSE, 1)
    for size in (1, 2, 7, len(whole)):
        reader = Frames()
        pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
        found = [one for piece in pieces for one in reader.feed(piece)]
        assert [(one.kind, one.data) for one in found] == [
            (Kind.OPEN, b""),
            (Kind.DATA, b"abc"),
            (Kind.CLOSE, b""),
        ]
    with pytest.raises(FrameError):
        list(Frames().feed(b"\0" * 9))
