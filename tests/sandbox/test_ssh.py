"""The way in over SSH, with real clients: what is served, what is refused, and who is put out.

Each test runs for a workspace of the person's own and, where root runs them, for one of another
user too: the box's user is the workspace's owner, and sshd behaves otherwise as 0.
"""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pocketcoder_tui.core.keys import KeptKey
from pocketcoder_tui.relay import TmuxTerminal
from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.hatch import Hatch
from pocketcoder_tui.sandbox.ssh import SshDoor
from pocketcoder_tui.sandbox.ssh.door import MOST_STRANGERS
from pocketcoder_tui.sandbox.ssh.serving import authorized_keys
from tests.conftest import docker_required

pytestmark = pytest.mark.docker
OUT = 2.0
"""Seconds within which whoever was let in by a key that went must be out."""


def test_the_clients_are_here() -> None:
    """What the others need: they are skipped without it, and here it is said loudly."""
    assert shutil.which("ssh") or not docker_required(), "install openssh-client"


@pytest.fixture(params=["own", "other"])
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    if request.param == "other":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder to another user")
        os.chown(folder, 1000, 1000)
    return folder


@dataclass
class Client:
    """A program of OpenSSH's that runs, and what it printed so far."""

    process: asyncio.subprocess.Process
    shown: bytes = b""
    said: bytes = b""
    _fresh: asyncio.Event = field(default_factory=asyncio.Event)
    _reads: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        for stream, name in ((self.process.stdout, "shown"), (self.process.stderr, "said")):
            self._reads.append(asyncio.create_task(self._read(stream, name)))

    async def _read(self, stream: asyncio.StreamReader, name: str) -> None:
        while data := await stream.read(65536):
            setattr(self, name, getattr(self, name) + data)
            self._fresh.set()
        self._fresh.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(20):
            while text not in self.shown + self.said:
                if all(read.done() for read in self._reads):
                    raise AssertionError(f"ended: {self.shown!r} {self.said!r}")
                self._fresh.clear()
                await self._fresh.wait()

    async def type(self, keys: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(keys)
        await self.process.stdin.drain()

    async def ended(self, seconds: float = 20) -> int:
        async with asyncio.timeout(seconds):
            status = await self.process.wait()
            await asyncio.gather(*self._reads)
        return status


class Place:
    """A door with its box, and the keys of two people."""

    def __init__(self, folder: Path, box: DockerBox, door: SshDoor, hatch: Path) -> None:
        self.folder = folder
        self.box = box
        self.door = door
        self.hatch = hatch
        self.came: list[KeptKey] = []
        self.keys: dict[str, KeptKey] = {}
        self.clients: list[Client] = []

    async def make_key(self, name: str) -> KeptKey:
        path = self.folder / name
        done = await asyncio.create_subprocess_exec(
            "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)
        )
        assert await done.wait() == 0
        kind, blob, _ = (self.folder / f"{name}.pub").read_text().split()
        from pocketcoder_tui.core.keys import fingerprint_of

        number = len(self.keys) + 1
        self.keys[name] = KeptKey(kind, blob, fingerprint_of(blob), name, 1.0, "ada", number)
        return self.keys[name]

    async def admit(self, *names: str) -> None:
        await self.door.admit([self.keys[name] for name in names])

    def options(self, key: str, *more: str) -> list[str]:
        fixed = [
            "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none",
            f"UserKnownHostsFile={self.folder / 'known'}", "StrictHostKeyChecking=accept-new",
            f"IdentityFile={self.folder / key}", "ControlPath=none", "LogLevel=VERBOSE",
        ]  # fmt: skip
        return ["-F", "/dev/null", *(w for o in (*fixed, *more) for w in ("-o", o))]

    async def ssh(self, key: str, *words: str, user: str = "agent") -> Client:
        argv = ["ssh", *self.options(key), "-p", str(self.door.port)]
        return await self.run(*argv, *words[:-1], f"{user}@127.0.0.1", *words[-1:])

    async def attached(self, key: str) -> Client:
        """Sit at the box's terminal."""
        argv = ["ssh", *self.options(key), "-p", str(self.door.port), "-tt", "agent@127.0.0.1"]
        client = await self.run(*argv)
        await client.until(b"pocketcoder")
        await self.until(lambda: any(k.name == key for k in self.came))
        return client

    async def run(self, *argv: str) -> Client:
        pipe = asyncio.subprocess.PIPE
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm-strange", "HOME": "/nonexistent"}
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )
        client = Client(process)
        client.start()
        self.clients.append(client)
        return client

    async def sftp(self, key: str, *lines: str) -> Client:
        argv = ["sftp", *self.options(key), "-P", str(self.door.port), "-b", "-"]
        client = await self.run(*argv, "agent@127.0.0.1")
        await client.type("".join(f"{line}\n" for line in lines).encode())
        assert client.process.stdin is not None
        client.process.stdin.close()
        return client

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not fact():
                await self.servers()

    async def servers(self) -> int:
        """How many sshd run in the box."""
        done = await self.box.exec(["sh", "-c", "pgrep -c -x sshd || true"])
        return int(done.stdout)


@pytest.fixture
async def place(tmp_path: Path, workspace: Path, sandbox: DockerSandbox) -> AsyncIterator[Place]:
    if shutil.which("ssh") is None:
        pytest.skip("NOT TESTED, there is no ssh client: install openssh-client")
    box = await sandbox.ensure()
    folder = tmp_path / "device"
    folder.mkdir()
    came: list[KeptKey] = []
    door = SshDoor(
        0,
        hatch=Hatch(tmp_path / "hatch"),
        key_file=tmp_path / "host_key",
        box=lambda: box,
        came_in=came.append,
    )
    made = Place(folder, box, door, tmp_path / "hatch")
    made.came = came
    terminal = await TmuxTerminal.open(box)
    for name in ("phone", "laptop"):
        await made.make_key(name)
    try:
        await made.admit("phone", "laptop")
        await door.start()
        yield made
    finally:
        await door.aclose()
        for client in made.clients:
            if client.process.returncode is None:
                client.process.kill()
            await client.ended()
        await terminal.aclose()


async def test_attach_is_the_agents_terminal(place: Place) -> None:
    client = await place.attached("phone")
    await client.type(b"echo $((20+3))-$(id -u)\r")
    await client.until(f"23-{place.box.user.split(':')[0]}".encode())
    assert place.door.state.visitors == 1
    await client.type(b"\x02d")
    await client.ended()
    await place.until(lambda: place.door.state.visitors == 0)
    assert [key.name for key in place.came] == ["phone"]


async def test_sftp_puts_and_gets_in_the_workspace(place: Place, workspace: Path) -> None:
    data = os.urandom(5_000_000)
    (place.folder / "there").write_bytes(data)
    client = await place.sftp(
        "phone", "pwd", f"put {place.folder}/there there", f"get there {place.folder}/back"
    )
    assert await client.ended() == 0
    assert b"Remote working directory: /workspace" in client.shown
    there = workspace / "there"
    assert there.read_bytes() == data == (place.folder / "back").read_bytes()
    assert there.lstat().st_uid == os.lstat(workspace).st_uid
    await place.until(lambda: place.door.state.visitors == 0)


@pytest.mark.parametrize("command", ["id", "scp -t x", "/usr/lib/openssh/sftp-server", "bash -i"])
async def test_other_commands_are_refused(place: Place, command: str) -> None:
    client = await place.ssh("phone", command)
    assert await client.ended() == 1
    assert b"only the terminal and sftp" in client.said
    assert b"uid=" not in client.shown


async def test_without_a_terminal_there_is_a_sentence(place: Place) -> None:
    client = await place.ssh("phone", "-T", "")
    assert await client.ended() == 1
    assert b"ssh -t" in client.said


async def test_nothing_is_forwarded(place: Place) -> None:
    wide = await place.ssh("phone", "-W", "127.0.0.1:1", "-v", "-N")
    assert await wide.ended() != 0
    assert b"administratively prohibited" in wide.said
    back = await place.ssh("phone", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "-N")
    assert await back.ended() != 0
    assert b"forwarding failed" in back.said
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for how in (f"-L{port}:127.0.0.1:1", f"-D{port}"):
        client = await place.ssh("phone", "-v", how, "-N")
        await client.until(b"Entering interactive session")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01")
        await client.until(b"administratively prohibited")
        writer.close()
        client.process.kill()
        await client.ended()


async def test_no_agent_and_no_display_come_along(place: Place) -> None:
    agent = place.folder / "agent.sock"
    served = await asyncio.start_unix_server(lambda _r, w: w.close(), agent)
    argv = ["ssh", *place.options("phone", f"IdentityAgent={agent}", "ForwardAgent=yes")]
    client = await place.run(
        *argv, "-p", str(place.door.port), "-v", "-A", "-X", "-tt", "agent@127.0.0.1"
    )
    await client.until(b"pocketcoder")
    done = await place.box.exec(
        ["sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls -R /tmp"]
    )
    for name in (b"SSH_AUTH_SOCK", b"DISPLAY=", b"agent."):
        assert name not in done.stdout
    served.close()


async def test_only_a_listed_key_comes_in(place: Place) -> None:
    await place.make_key("stranger")
    for how in ("PreferredAuthentications=publickey", "PreferredAuthentications=password",
                "PreferredAuthentications=keyboard-interactive"):  # fmt: skip
        client = await place.ssh("stranger", "-o", how, "-v", "id")
        assert await client.ended() == 255
        assert b"Permission denied (publickey)" in client.said
        assert b"can continue: publickey\r\n" in client.said
    for user in ("root", "sshd", "nobody"):
        client = await place.ssh("phone", "id", user=user)
        assert await client.ended() == 255
    assert place.came == []


async def test_the_agent_cannot_change_who_may_come_in(place: Place) -> None:
    client = await place.attached("phone")
    told = place.hatch / "ssh_keys"
    before = told.read_bytes()
    assert before == authorized_keys(place.keys.values())
    assert before.count(b"restrict,pty ssh-ed25519 ") == 2
    await place.make_key("stranger")
    line = authorized_keys([place.keys["stranger"]]).decode().strip()
    attack = f"""
        cd /run/pocketcoder
        echo '{line}' >>in/ssh_keys; echo '{line}' >in/other; rm -f in/ssh_keys; mv in out; rmdir in
        mkdir -p ~/.ssh; echo '{line}' >~/.ssh/authorized_keys; chmod 600 ~/.ssh/authorized_keys
        echo 'echo OWNED' >~/.ssh/rc; echo 'A=OWNED' >~/.ssh/environment
        echo 'echo OWNED' >~/.bashrc
        echo '{line}' >>/etc/ssh/sshd_config; mount -t tmpfs x in; ln -sfn /tmp in; true"""
    await place.box.exec(["bash", "-c", attack])
    assert told.read_bytes() == before
    refused = await place.ssh("stranger", "id")
    assert await refused.ended() == 255
    client = await place.ssh("laptop", "id")
    await client.ended()
    assert b"OWNED" not in client.shown + client.said
    assert b"only the terminal and sftp" in client.said


@pytest.mark.parametrize("how", ["removed", "all"])
async def test_a_key_that_goes_is_out_within_two_seconds(place: Place, how: str) -> None:
    phone, laptop = await place.attached("phone"), await place.attached("laptop")
    await place.until(lambda: place.door.state.visitors == 2)
    await place.admit(*(["laptop"] if how == "removed" else []))
    await phone.ended(OUT)
    if how == "all":
        await laptop.ended(OUT)
    else:
        await laptop.type(b"echo $((40+2))\r")
        await laptop.until(b"42")
        assert place.door.state.visitors == 1
    again = await place.ssh("phone", "id")
    assert await again.ended() == 255
    await place.admit("phone")
    again = await place.ssh("phone", "id")
    assert await again.ended() == 1


async def test_a_key_goes_while_its_owner_does_not_read(place: Place) -> None:
    """A stopped client, with all ways to it full, holds nothing up."""
    client = await place.attached("phone")
    await client.type(b"yes $(seq 200)\r")
    await client.until(b"198 199")
    client.process.send_signal(19)
    await place.until(lambda: place.door.state.visitors == 1)
    async with asyncio.timeout(OUT):
        await place.admit("laptop")
        await place.until(lambda: place.door.state.visitors == 0)
    client.process.send_signal(18)
    await client.ended(OUT)


async def test_a_forged_word_of_the_boxs_ends_the_visit(place: Place) -> None:
    """A process of the box's user can write where sshd writes; what does not fit ends it."""
    client = await place.attached("phone")
    other = place.keys["laptop"].fingerprint
    forged = f"Accepted publickey for agent from UNKNOWN port 65535 ssh2: ED25519 {other}"
    script = f"for p in $(pgrep -x sshd); do echo '{forged}' >/proc/$p/fd/2; done"
    await place.box.exec(["bash", "-c", script])
    await client.ended(5)
    assert [key.name for key in place.came] == ["phone"]


def listening(family: str) -> list[str]:
    """The kernel's table of sockets (proc(5), /proc/net/tcp)."""
    return Path(f"/proc/net/{family}").read_text().splitlines()[1:]


async def test_it_listens_on_the_loopback_alone(place: Place) -> None:
    assert place.door.state.listens == f"127.0.0.1:{place.door.port}"
    wanted = f":{place.door.port:04X}"
    rows = [row.split() for row in [*listening("tcp"), *listening("tcp6")]]
    places = [row[1] for row in rows if row[1].endswith(wanted) and row[3] == "0A"]
    assert places == [f"0100007F{wanted}"]


async def test_a_flood_of_connections_is_bounded(place: Place) -> None:
    held = [await asyncio.open_connection("127.0.0.1", place.door.port) for _ in range(60)]
    banners, cut = 0, 0
    for reader, _writer in held:
        async with asyncio.timeout(20):
            try:
                line = await reader.readline()
            except ConnectionError:
                line = b""
        banners, cut = banners + line.startswith(b"SSH-2.0-"), cut + (not line)
    assert (banners, cut) == (MOST_STRANGERS, 60 - MOST_STRANGERS)
    assert await place.servers() <= 2 * MOST_STRANGERS
    for _reader, writer in held:
        writer.close()
    await place.until(lambda: not place.door._visits)
    client = await place.ssh("phone", "id")
    assert await client.ended() == 1


async def test_the_end_of_the_door_ends_everything(place: Place) -> None:
    client = await place.attached("phone")
    port = place.door.port
    await place.door.aclose()
    await client.ended(OUT)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        while await place.servers():
            pass
    assert not (place.hatch / "ssh_keys").exists()
    assert not (place.hatch / "ssh_host_key").exists()


async def test_the_host_key_is_the_workspaces_and_stays(place: Place, tmp_path: Path) -> None:
    await (await place.ssh("phone", "id")).ended()
    shown = await place.run("ssh-keygen", "-l", "-f", str(place.folder / "known"))
    await shown.ended()
    found = re.search(rb"SHA256:\S+", shown.shown)
    assert found is not None
    assert found[0].decode() == place.door.state.host_key
    assert (tmp_path / "host_key").stat().st_mode & 0o777 == 0o600
