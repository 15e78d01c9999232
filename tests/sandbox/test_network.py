"""The box's network as it is: nothing leaves it, and programs in it find the way out that asks."""

import ast
import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.egress import open_gateway
from pocketcoder_tui.sandbox.egress.authorities import authorities
from pocketcoder_tui.sandbox.egress.gateway import BoxGateway
from tests.sandbox.wayout import Book, Door

HOST = "files.example.org"
OUTER = "8.8.8.8"
COMMIT = "1f7a7a472abf3dd9643fd615f6da379c4acb3e3a"

ATTEMPTS = r"""
import os, socket, sys, struct
gate, here, port, name = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
S = socket
def tcp(to, number, family=S.AF_INET):
    with S.socket(family, S.SOCK_STREAM) as s:
        s.settimeout(3)
        s.connect((to, number))
def udp(to, number, family=S.AF_INET):
    with S.socket(family, S.SOCK_DGRAM) as s:
        s.setsockopt(S.SOL_SOCKET, S.SO_BROADCAST, 1)
        s.sendto(b"out", (to, number))
def raw(family, kind, proto, to):
    with S.socket(family, kind, proto) as s:
        s.sendto(b"\x08\0\0\0\0\0\0\0", to)
def unix(path):
    with S.socket(S.AF_UNIX) as s:
        s.connect(path)
def named(text):
    S.getaddrinfo(text, 443)
def route():
    import fcntl
    with S.socket() as s:
        fcntl.ioctl(s, 0x890B, b"\0" * 120)
def device():
    import fcntl
    fd = os.open("/dev/net/tun", os.O_RDWR)
def vsock():
    with S.socket(40, S.SOCK_STREAM) as s:
        s.connect((2, port))
tries = {
    "tcp dns": lambda: tcp("8.8.8.8", 53),
    "tcp https": lambda: tcp("1.1.1.1", 443),
    "tcp http": lambda: tcp("93.184.216.34", 80),
    "tcp ssh": lambda: tcp("140.82.112.3", 22),
    "tcp gateway": lambda: tcp(gate, port),
    "tcp host": lambda: tcp(here, port),
    "tcp engine api": lambda: tcp(gate, 2375),
    "tcp metadata": lambda: tcp("169.254.169.254", 80),
    "tcp azure": lambda: tcp("168.63.129.16", 80),
    "tcp alibaba": lambda: tcp("100.100.100.200", 80),
    "tcp desktop": lambda: tcp("192.168.65.2", 80),
    "tcp engine dns": lambda: tcp("127.0.0.11", 53),
    "tcp lan": lambda: tcp("192.168.1.1", 80),
    "tcp zero": lambda: tcp("0.0.0.0", port),
    "udp dns": lambda: udp("8.8.8.8", 53),
    "udp quic": lambda: udp("1.1.1.1", 443),
    "udp gateway": lambda: udp(gate, port),
    "udp host": lambda: udp(here, port),
    "udp dhcp": lambda: udp("255.255.255.255", 67),
    "udp mdns": lambda: udp("224.0.0.251", 5353),
    "udp ssdp": lambda: udp("239.255.255.250", 1900),
    "tcp6": lambda: tcp("2606:4700:4700::1111", 443, S.AF_INET6),
    "udp6": lambda: udp("2001:4860:4860::8888", 53, S.AF_INET6),
    "udp6 all nodes": lambda: udp("ff02::1%eth0", 9, S.AF_INET6),
    "tcp4in6": lambda: tcp("::ffff:" + gate, port, S.AF_INET6),
    "icmp": lambda: raw(S.AF_INET, S.SOCK_RAW, 1, (gate, 0)),
    "icmp dgram": lambda: raw(S.AF_INET, S.SOCK_DGRAM, 1, (gate, 0)),
    "icmp6": lambda: raw(S.AF_INET6, S.SOCK_RAW, 58, ("ff02::1", 0)),
    "packet": lambda: S.socket(17, S.SOCK_RAW, 0x0300).close(),
    "raw ip": lambda: S.socket(S.AF_INET, S.SOCK_RAW, 255).close(),
    "sctp": lambda: S.socket(S.AF_INET, S.SOCK_STREAM, 132).connect((gate, port)),
    "vsock": vsock,
    "name": lambda: named("example.org"),
    "name host": lambda: named(name),
    "name engine": lambda: named("host.docker.internal"),
    "name gateway": lambda: named("gateway.docker.internal"),
    "name metadata": lambda: named("metadata.google.internal"),
    "engine socket": lambda: unix("/var/run/docker.sock"),
    "containerd": lambda: unix("/run/containerd/containerd.sock"),
    "abstract": lambda: unix("\0/containerd-shim/moby"),
    "bus": lambda: unix("/run/dbus/system_bus_socket"),
    "route": route,
    "tun": device,
}
told = {}
for key, attempt in tries.items():
    try:
        attempt()
        told[key] = "WENT"
    except OSError as error:
        told[key] = str(error)
print(repr(told))
"""


@asynccontextmanager
async def tripwires() -> AsyncIterator[tuple[int, list[str]]]:
    """The same port of every address of this machine, over TCP and UDP; what came to it."""
    came: list[str] = []

    def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append("tcp")
        writer.close()

    class Heard(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            came.append("udp")

    server = await asyncio.start_server(knock, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    heard, _ = await loop.create_datagram_endpoint(Heard, local_addr=("0.0.0.0", port))
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)  # they are alive
        writer.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"x", ("127.0.0.1", port))
        async with asyncio.timeout(10):
            while sorted(came) != ["tcp", "udp"]:
                await asyncio.to_thread(lambda: None)
        came.clear()
        yield port, came
    finally:
        server.close()
        heard.close()


def own_addresses() -> tuple[str, str]:
    """The engine's bridge, and the address by which this machine goes out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("8.8.8.8", 9))
        return "172.17.0.1", str(probe.getsockname()[0])


async def attempt_all(box: DockerBox) -> dict[str, str]:
    async with tripwires() as (port, came):
        gate, here = own_addresses()
        argv = ["python3", "-c", ATTEMPTS, gate, here, str(port), socket.gethostname()]
        done = await box.exec(argv)
        assert done.status == 0, done.stderr
        told: dict[str, str] = ast.literal_eval(done.stdout.decode())
        assert came == []
        return told


@asynccontextmanager
async def asking(
    workspace: Path, image: str, hatch: Path, trusted: bytes = b""
) -> AsyncIterator[tuple[DockerBox, BoxGateway, Door, Book]]:
    """A box with a way out, and names of the test's own."""
    door, book = Door(), Book()
    async with DockerSandbox(
        workspace, image=image, tied=True, hatch=hatch, egress=True, authorities=trusted
    ) as sandbox:
        try:
            box = await sandbox.ensure()
            gateway = await open_gateway(box, door, book)
            yield box, gateway, door, book
            await gateway.aclose()
        finally:
            await sandbox.remove()


@pytest.mark.docker
async def test_nothing_leaves_a_box_whose_network_is_off(box: DockerBox) -> None:
    told = await attempt_all(box)
    assert len(told) >= 30
    assert [key for key, word in told.items() if word == "WENT"] == []


@pytest.mark.docker
async def test_nothing_leaves_but_by_the_way_that_asks(
    workspace: Path, sandbox_image: str, tmp_path: Path
) -> None:
    async with asking(workspace, sandbox_image, tmp_path / "hatch") as (box, _, door, book):
        told = await attempt_all(box)
        assert [key for key, word in told.items() if word == "WENT"] == []
        assert door.asked == []
        assert book.dialled == []


async def dumb_git(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server of one reference, as git reads it over plain HTTP (gitprotocol-http(5))."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            refs = b"/info/refs" in head.split(b"\r\n")[0]
            body = f"{COMMIT}\trefs/heads/main\n".encode() if refs else b"ref: refs/heads/main\n"
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
                % len(body)
                + body
            )
            await writer.drain()
    writer.close()


def authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A company's authority")])
    return key, certificate(name, name, key, key, is_authority=True)


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(signer, hashes.SHA256())
    )


def tls_of(
    folder: Path, signer: ec.EllipticCurvePrivateKey, root: x509.Certificate
) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    leaf = certificate(subject, root.subject, key, signer)
    pem = serialization.Encoding.PEM
    written = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(written + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.docker
async def test_git_goes_over_http_and_https_with_the_authority_of_the_host(
    workspace: Path, sandbox_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, root = authority()
    plain = await asyncio.start_server(dumb_git, "127.0.0.1", 0)
    context = await asyncio.to_thread(tls_of, tmp_path, signer, root)
    secure = await asyncio.start_server(dumb_git, "127.0.0.1", 0, ssl=context)
    pem = root.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "host.pem").write_bytes(b"# Of the company.\nsecret=hunter2\n" + pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "host.pem"))
    trusted = await asyncio.to_thread(authorities)
    assert b"hunter2" not in trusted
    async with asking(workspace, sandbox_image, tmp_path / "hatch", trusted) as at:
        box, _, door, book = at
        book.addresses[HOST] = [[OUTER]]
        book.servers[OUTER, 80] = plain.sockets[0].getsockname()[1]
        book.servers[OUTER, 443] = secure.sockets[0].getsockname()[1]
        for scheme in ("http", "https"):
            done = await box.exec(["git", "ls-remote", f"{scheme}://{HOST}/r.git"])
            assert done.status == 0, done.stderr
            assert COMMIT in done.stdout.decode()
        assert set(door.asked) == {(HOST, 80), (HOST, 443)}
        await door.until(lambda: not door.open)
        assert all(sent > 0 and received > 0 for _, sent, received, _ in door.over)
        untrusting = "GIT_SSL_CAINFO=/etc/ssl/certs/none.pem git ls-remote https://" + HOST
        assert (await box.exec(["sh", "-c", untrusting])).status != 0
        door.denied[HOST] = f"{HOST} was denied."
        done = await box.exec(["git", "ls-remote", f"https://{HOST}/r.git"])
        assert done.status != 0
        assert b"403" in done.stderr
    plain.close()
    secure.close()


@pytest.mark.docker
async def test_a_server_in_the_box_is_listed_by_name_and_reached_from_here(
    workspace: Path, sandbox_image: str, tmp_path: Path
) -> None:
    serve = (
        "import socket; s = socket.create_server(('127.0.0.1', 8000)); print(1, flush=True)\n"
        "while True:\n c, _ = s.accept(); c.sendall(b'hello ' + c.recv(100)); c.close()"
    )
    async with asking(workspace, sandbox_image, tmp_path / "hatch") as (box, gateway, _, _):
        server = await box.open(["python3", "-c", serve])
        ready = asyncio.Event()
        server.follow(lambda data: ready.set(), lambda: None)
        await asyncio.wait_for(ready.wait(), 20)
        [port] = await gateway.ports()
        assert (port.number, port.program) == (8000, "python3")
        here = await gateway.forward(8000)
        reader, writer = await asyncio.open_connection("127.0.0.1", here.forwarded)
        writer.write(b"you")
        assert await reader.read() == b"hello you"
        writer.close()
        addresses = [str(s.getsockname()[0]) for s in _listening(here.forwarded)]
        assert all(ipaddress.ip_address(address).is_loopback for address in addresses)
        await server.aclose()


def _listening(port: int) -> list[socket.socket]:
    """Who else could be reached at that port: an address of this machine that answers."""
    found = []
    for address in ("127.0.0.1", own_addresses()[1]):
        with contextlib.suppress(OSError):
            one = socket.create_connection((address, port), 2)
            found.append(one)
            one.close()
    assert found == found[:1], "it can be reached from elsewhere"
    return []


@pytest.mark.docker
async def test_what_the_agent_does_to_the_program_ends_the_way_out_and_no_more(
    workspace: Path, sandbox_image: str, tmp_path: Path
) -> None:
    async with asking(workspace, sandbox_image, tmp_path / "hatch") as (box, gateway, door, book):
        await box.exec(["sh", "-c", "pkill -9 -f 'python3 -I' || kill -9 -1"])
        assert await asyncio.wait_for(gateway.lost(), 20)
        told = await box.exec(["git", "ls-remote", f"http://{HOST}/r.git"])
        assert told.status != 0
        again = await open_gateway(box, door, book)
        assert await again.ports() == []
        await again.aclose()


@pytest.mark.docker
async def test_a_port_that_the_agent_holds_is_said(
    workspace: Path, sandbox_image: str, tmp_path: Path
) -> None:
    take = "import socket; s = socket.create_server(('127.0.0.1', 3128)); print(1, flush=True)\n"
    async with DockerSandbox(
        workspace, image=sandbox_image, tied=True, hatch=tmp_path / "hatch", egress=True
    ) as sandbox:
        try:
            box = await sandbox.ensure()
            taker = await box.open(["python3", "-c", take + "input()"])
            ready = asyncio.Event()
            taker.follow(lambda data: ready.set(), lambda: None)
            await asyncio.wait_for(ready.wait(), 20)
            with pytest.raises(SandboxError, match="port is taken"):
                await open_gateway(box, Door(), Book())
            await taker.aclose()
        finally:
            await sandbox.remove()


@pytest.mark.docker
async def test_a_box_with_a_copy_of_its_own_asks_as_any_other(
    workspace: Path, sandbox_image: str, tmp_path: Path
) -> None:
    """An engine elsewhere: no folder of the host's is in the box, and the way out is the same."""
    server = await asyncio.start_server(dumb_git, "127.0.0.1", 0)
    door, book = Door(), Book()
    book.addresses[HOST] = [[OUTER]]
    book.servers[OUTER, 80] = server.sockets[0].getsockname()[1]
    async with DockerSandbox(
        workspace, image=sandbox_image, tied=True, egress=True, carried=tmp_path / "carried"
    ) as sandbox:
        try:
            box = await sandbox.ensure()
            gateway = await open_gateway(box, door, book)
            told = await box.exec(["git", "ls-remote", f"http://{HOST}/r.git"])
            assert COMMIT in told.stdout.decode(), told.stderr
            assert door.asked
            await gateway.aclose()
        finally:
            await sandbox.remove()
            server.close()
