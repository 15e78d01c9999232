"""The way out of the box, which asks, against a container that is simply on Docker's bridge.

The same program, from the same image, asks one server of this machine: through the proxy in the
box, the engine's stream and the proxy of the host, or straight over the bridge. The hosts are
allowed already, and nothing is recorded: what is measured is the way.

    uv run python -m bench.network [REQUESTS] [MEGABYTES]
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import docker

from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.egress import open_gateway
from pocketcoder_tui.sandbox.engine import connect
from pocketcoder_tui.sandbox.image import image_tag
from tests.sandbox.wayout import Book, Door

HOST, OUTER = "files.example.org", "8.8.8.8"
PROGRAM = r"""
import http.client, json, socket, statistics, sys, time
host, port, proxy, requests, megabytes = sys.argv[1], *map(int, sys.argv[2:])
def tunnelled():
    if not proxy:
        return http.client.HTTPConnection(host, port)
    made = http.client.HTTPConnection("127.0.0.1", proxy)
    made.set_tunnel(host, 443)
    return made
def straight():
    return http.client.HTTPConnection("127.0.0.1", proxy) if proxy else tunnelled()
def one(way=tunnelled, kept=None):
    made = kept or way()
    made.request("GET", f"http://{host}/small" if proxy and way is straight else "/small")
    assert made.getresponse().read() == b"small"
    if kept is None:
        made.close()
def timed(work, times):
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
for _ in range(20):
    one()
spans = []
for way in (tunnelled, straight):
    spans.append(timed(lambda: one(way), requests))
    kept = way()
    spans.append(timed(lambda: one(way, kept), requests))
    kept.close()
def down():
    made = tunnelled()
    made.request("GET", f"/large/{megabytes}")
    answer = made.getresponse()
    got = 0
    while piece := answer.read(1 << 18):
        got += len(piece)
    assert got == megabytes << 20
    made.close()
def up():
    made = tunnelled()
    made.request("PUT", "/", body=iter([bytes(1 << 20)] * megabytes),
                 headers={"Content-Length": str(megabytes << 20)})
    assert made.getresponse().read() == b"small"
    made.close()
print(json.dumps([*spans, megabytes / timed(down, 3), megabytes / timed(up, 3)]))
"""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """HTTP, as much as PROGRAM asks for."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            size = next((line.split(": ")[1] for line in head.split("\r\n")
                         if line.lower().startswith("content-length")), "0")  # fmt: skip
            left = int(size)
            while left > 0:
                left -= len(await reader.read(min(left, 1 << 18)))
            megabytes = int(path.rsplit("/", 1)[1]) if path.startswith("/large") else 0
            length = megabytes << 20 or 5
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
            if not megabytes:
                writer.write(b"small")
            for _ in range(megabytes):
                writer.write(bytes(1 << 20))
                await writer.drain()
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@asynccontextmanager
async def bridged() -> AsyncIterator[tuple[docker.APIClient, str, str]]:
    """A container on the bridge, and this machine's address there."""
    api = connect()
    made = api.create_container(image_tag(), ["sleep", "infinity"], entrypoint=[], user="65534")
    try:
        api.start(made)
        networks = api.inspect_container(made)["NetworkSettings"]["Networks"]
        yield api, str(made["Id"]), str(networks["bridge"]["Gateway"])
    finally:
        api.remove_container(made, force=True)
        api.close()


def ran(api: docker.APIClient, container: str, argv: list[str]) -> list[float]:
    """What PROGRAM measured there."""
    made = api.exec_create(container, ["python3", "-c", PROGRAM, *argv])
    printed = api.exec_start(made)
    return [float(number) for number in json.loads(printed)]


async def measure(requests: int, megabytes: int) -> None:
    """Both in turns, and the table."""
    server = await asyncio.start_server(serve, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    door, book = Door(), Book()
    book.addresses[HOST] = [[OUTER]]
    book.servers[OUTER, 443] = book.servers[OUTER, 80] = port
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "shop"
        workspace.mkdir()
        async with (
            bridged() as (api, container, gate),
            DockerSandbox(
                workspace, image=image_tag(), tied=True, hatch=Path(name) / "in", egress=True
            ) as sandbox,
        ):
            try:
                box = await sandbox.ensure()
                gateway = await open_gateway(box, door, book)
                numbers = [str(requests), str(megabytes)]
                straight = await asyncio.to_thread(
                    ran, api, container, [gate, str(port), "0", *numbers]
                )
                told = await box.exec(["python3", "-c", PROGRAM, HOST, "443", "3128", *numbers])
                assert told.status == 0, told.stderr
                ours = [float(number) for number in json.loads(told.stdout)]
                await gateway.aclose()
            finally:
                await sandbox.remove()
    server.close()
    print("| | the way that asks | the bridge | ratio |")
    print("|---|---:|---:|---:|")
    names = (
        "a request over CONNECT, connection and all, ms",
        "a request over CONNECT, kept, ms",
        "a plain request, connection and all, ms",
        "a plain request, kept, ms",
    )
    for what, mine, other in zip(names, ours, straight, strict=False):
        print(f"| {what} | {mine * 1e3:.2f} | {other * 1e3:.2f} | {mine / other:.2f} |")
    for what, mine, other in zip(("down, MB/s", "up, MB/s"), ours[4:], straight[4:], strict=True):
        print(f"| {what} | {mine:.0f} | {other:.0f} | {mine / other:.2f} |")


if __name__ == "__main__":
    asyncio.run(measure(*(int(word) for word in sys.argv[1:] or ("300", "200"))))
