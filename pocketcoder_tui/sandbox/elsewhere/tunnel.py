"""An engine over SSH: the person's own ssh carries a socket of ours to the engine's.

OpenSSH forwards unix sockets (ssh(1), -L), so everything that is done over a socket of this
machine is done over that one unchanged. One tunnel for each address and process; it ends with it.
"""

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.sandbox.elsewhere.address import DEFAULT_SOCKET

__all__ = ["stands", "through_ssh"]

READY_SECONDS = 30.0
"""How long it may take until the other machine has let us in."""
_UP = b"pocketcoder-up"
_LONGEST = 253 + 64

_OPTIONS = (
    "BatchMode=yes",  # nobody can answer a question here: the screen is the program's
    "ExitOnForwardFailure=yes",
    "StreamLocalBindMask=0177",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=no",
    "PermitLocalCommand=yes",
    f"LocalCommand=echo {_UP.decode()}",  # runs once the forwarding stands
    "ControlMaster=no",
    "ControlPath=none",
)


@dataclass(slots=True)
class _Tunnel:
    """One ssh. Owns the process and the folder of its socket."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    def close(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_tunnels: dict[str, _Tunnel] = {}
_lock = threading.Lock()


def through_ssh(host: str) -> Path:
    """Return a socket that leads to the engine at ``ssh://[user@]name[:port][/path]``.

    The person's own ssh settings, keys, agent and known hosts count. Blocking, 30 s at most. Raises
    SandboxError with what ssh said.
    """
    with _lock:
        tunnel = _tunnels.get(host)
        if tunnel is not None and tunnel.process.poll() is None:
            return tunnel.socket
        if tunnel is not None:
            del _tunnels[host]
            tunnel.close()
        _tunnels[host] = tunnel = _dig(host)
        return tunnel.socket


def stands(host: str) -> bool:
    """Whether the way to an address is open, as far as ssh has noticed."""
    with _lock:
        tunnel = _tunnels.get(host)
        return tunnel is not None and tunnel.process.poll() is None


@atexit.register
def close_all() -> None:
    """End every tunnel of this process."""
    with _lock:
        for tunnel in _tunnels.values():
            tunnel.close()
        _tunnels.clear()


def _dig(host: str) -> _Tunnel:
    ssh = shutil.which("ssh")
    if ssh is None:
        raise SandboxError(f"{host} needs ssh, which is not here.", hint="Install openssh-client.")
    where, far = _split(host)
    folder = Path(tempfile.mkdtemp(prefix="pocketcoder-ssh-"))
    argv = [ssh, "-N", "-T", "-L", f"{folder}/docker.sock:{far}"]
    for option in _OPTIONS:
        argv += ["-o", option]
    try:
        process = subprocess.Popen(
            [*argv, *where],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SandboxError(f"ssh cannot be started: {error.strerror}.") from error
    tunnel = _Tunnel(process, folder)
    said = _wait(tunnel)
    if said is not None:
        tunnel.close()
        raise SandboxError(
            f"No way to {host}: {said}.",
            hint=f"This must work without a question: ssh {' '.join(where)} docker version.",
        )
    return tunnel


def _split(host: str) -> tuple[list[str], str]:
    """What ssh is told of the other machine, and the engine's socket there."""
    try:
        parts = urlsplit(host)
        name, port, user = parts.hostname or "", parts.port, parts.username or ""
    except ValueError as error:
        raise SandboxError(f"{host!a} is no address: {error}.") from error
    words = [user, name, parts.path]
    bad = not name or parts.password or parts.query or len(name) > _LONGEST
    # ssh takes words that begin with a minus for options, and expands %.
    if bad or any(w.startswith("-") or not w.isprintable() or set(w) & set(" %:") for w in words):
        raise SandboxError(f"{host!a} is no address: ssh://USER@HOST[:PORT][/path/of/the.sock].")
    far = parts.path if parts.path not in ("", "/") else DEFAULT_SOCKET
    where = [*(["-p", str(port)] if port else []), *(["-l", user] if user else []), "--", name]
    return where, far


def _wait(tunnel: _Tunnel) -> str | None:
    """Wait until it stands; what ssh said when it does not."""
    output, errors = tunnel.process.stdout, tunnel.process.stderr
    assert output is not None  # both are pipes
    assert errors is not None
    late = threading.Timer(READY_SECONDS, tunnel.process.terminate)
    late.start()
    try:
        up = _UP in output.readline()
    finally:
        late.cancel()
    if up:
        threading.Thread(target=_drain, args=(errors,), daemon=True).start()
        return None
    tunnel.process.terminate()
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    said = "".join(c for c in lines[-1] if c.isprintable()).strip().rstrip(".") if lines else ""
    return said or f"it did not answer within {READY_SECONDS:.0f} s"


def _drain(errors: IO[bytes]) -> None:
    """What ssh says later goes nowhere; its end is seen by the connection's."""
    with contextlib.suppress(OSError, ValueError):
        while os.read(errors.fileno(), 4096):
            pass
