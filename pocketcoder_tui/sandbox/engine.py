"""The Docker engine of this machine: where it listens, how it stands, and a connection to it."""

import errno
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import docker
import requests

from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import (
    EngineForbidden,
    EngineMissing,
    EngineStopped,
    SandboxError,
)
from pocketcoder_tui.sandbox.faults import translated

__all__ = [
    "DEFAULT_SOCKET",
    "EngineFound",
    "EngineState",
    "connect",
    "engine_check",
    "engine_host",
    "find_engine",
    "socket_path",
]

DEFAULT_SOCKET = "/var/run/docker.sock"
"""Where the engine listens unless it is told otherwise."""

PROBE_SECONDS = 3.0
"""How long the engine may take to answer a question about itself."""

CALL_SECONDS = 60.0
"""How long one call may take; a stream has no limit."""

_BINARY_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/usr/local/sbin", "/usr/local/bin")

_KNOWN_ESCAPES = {"Engine": ((25, 0, 5),), "runc": ((1, 2, 8), (1, 3, 3))}
"""The releases that closed known ways out of a container or its network: the first in each series
that got the fix (for runc CVE-2024-21626, then CVE-2025-31133, -52565 and -52881)."""

_STRONGER = ("runsc", "sysbox-runc")
"""Runtimes that put more between the box and the kernel than namespaces."""


class EngineState(StrEnum):
    """How the engine stands."""

    RUNNING = "running"
    MISSING = "missing"
    STOPPED = "stopped"
    FORBIDDEN = "forbidden"
    SILENT = "silent"
    """Something listens there and does not answer as an engine does."""


@dataclass(frozen=True, slots=True)
class EngineFound:
    """What was found."""

    state: EngineState
    host: str
    """Its address as the SDK writes it."""
    version: str = ""
    aged: tuple[str, ...] = ()
    """Parts that are older than the fix of a known escape, for example "runc 1.1.5"."""
    detail: str = ""
    """What went wrong, in the system's words."""
    stronger: tuple[str, ...] = ()
    """Runtimes it has that could be chosen."""


def engine_host() -> str:
    """The engine's address: ``DOCKER_HOST``, else the system's socket, else this user's own."""
    told = os.environ.get("DOCKER_HOST", "")
    if told:
        return told
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    if not Path(DEFAULT_SOCKET).exists() and own.exists():
        return f"unix://{own}"
    return f"unix://{DEFAULT_SOCKET}"


def socket_path(host: str) -> Path | None:
    """The path of a unix socket address, None for any other kind of address."""
    parts = urlsplit(host)
    return Path(parts.netloc + parts.path) if parts.scheme in ("unix", "http+unix") else None


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, deaf to what the environment says about proxies and authorities.

    Those are for the web; requests would send the engine's calls through a proxy, and would check
    the engine's certificate against the web's authorities instead of ``DOCKER_CERT_PATH``'s.
    """

    @property
    def trust_env(self) -> bool:
        """Always False."""
        return False

    @trust_env.setter
    def trust_env(self, _value: bool) -> None:
        """The base class sets it; it stays as it is."""


def _open(host: str, timeout: float) -> docker.APIClient:
    settings = docker.utils.kwargs_from_env() | {"base_url": host}
    return _Client(version="auto", timeout=timeout, **settings)


def connect(*, timeout: float = CALL_SECONDS) -> docker.APIClient:
    """Open the SDK's client; the caller closes it.

    ``timeout`` is in seconds for each call. Raises EngineMissing, EngineStopped, EngineForbidden
    or SandboxError. Blocking.
    """
    found = find_engine(ask=False)
    if found.state is not EngineState.RUNNING:
        raise _error(found)
    with translated("reach Docker"):
        return _open(found.host, timeout)


def find_engine(*, ask: bool = True) -> EngineFound:
    """Look at the engine's address and tell the four cases apart; with ``ask``, its version too.

    Blocking, three seconds at most for each of its steps.
    """
    host = engine_host()
    path = socket_path(host)
    if path is not None:
        refused = _knock(path)
        if refused is not None:
            return _without_answer(host, refused)
    if not ask:
        return EngineFound(EngineState.RUNNING, host)
    try:
        client = _open(host, PROBE_SECONDS)
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        return EngineFound(EngineState.SILENT, host, detail=_last_words(error))
    try:
        facts, runtimes = client.version(), client.info().get("Runtimes") or {}
    except (docker.errors.DockerException, requests.RequestException) as error:
        return EngineFound(EngineState.SILENT, host, detail=_last_words(error))
    finally:
        client.close()
    version, stronger = facts.get("Version", ""), tuple(r for r in _STRONGER if r in runtimes)
    return EngineFound(EngineState.RUNNING, host, version, _aged(facts), stronger=stronger)


def engine_check(runtime: str = "") -> Check:
    """The checklist's row about the engine. Blocking, a few seconds at most.

    ``runtime``: the one that was chosen; while it is the engine's default, another is offered.
    """
    found = find_engine()
    match found.state:
        case EngineState.RUNNING:
            sentence = f"Docker {found.version} is running."
            return Check("engine", "Docker", CheckState.OK, sentence, hint=_advice(found, runtime))
        case EngineState.MISSING:
            state, mend = CheckState.MISSING, "install Docker"
        case EngineState.STOPPED:
            state, mend = CheckState.BROKEN, "start Docker"
        case _:
            state, mend = CheckState.BROKEN, ""
    error = _error(found)
    return Check("engine", "Docker", state, error.sentence, mend, error.hint)


def _advice(found: EngineFound, runtime: str) -> str:
    """What would make the box safer."""
    said = []
    if found.aged:
        aged = " and ".join(found.aged)
        said.append(f"{aged}: older than the fix of a known escape; update unless patched.")
    if found.stronger and not runtime:
        name = found.stronger[0]
        said.append(f"{name} is here: POCKETCODER_RUNTIME={name} puts more around the box.")
    return " ".join(said)


def is_local(host: str) -> bool:
    """True for an address that this machine's own engine would have."""
    return socket_path(host) is not None


def binary(name: str) -> str | None:
    """Find a system program, also in folders that an ordinary user's PATH leaves out."""
    folders = [os.environ.get("PATH", ""), *_BINARY_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def _knock(path: Path) -> OSError | None:
    """Connect to a socket and hang up; the error, or None when somebody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except OSError as error:
            return error
    return None


def _without_answer(host: str, error: OSError) -> EngineFound:
    detail = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        return EngineFound(EngineState.FORBIDDEN, host, detail=detail)
    if isinstance(error, TimeoutError):
        return EngineFound(EngineState.SILENT, host, detail="it did not answer in time")
    state = EngineState.STOPPED if binary("dockerd") else EngineState.MISSING
    return EngineFound(state, host, detail=detail)


def _error(found: EngineFound) -> SandboxError:
    """The error that says how the engine stands."""
    told = "DOCKER_HOST" in os.environ
    hint = f"DOCKER_HOST is {found.host}; check that it is right." if told else None
    match found.state:
        case EngineState.MISSING:
            return EngineMissing("Docker is not installed.", hint=hint)
        case EngineState.STOPPED:
            return EngineStopped("Docker is installed and does not run.", hint=hint)
        case EngineState.FORBIDDEN:
            return EngineForbidden("Docker runs, and you may not use it.")
        case _:
            sentence = f"Docker does not answer at {found.host}: {found.detail}."
            return SandboxError(sentence, hint=hint)


def _aged(facts: Mapping[str, object]) -> tuple[str, ...]:
    """Name the parts of an engine that are older than the fix of a known escape."""
    aged = []
    components = facts.get("Components")
    for part in components if isinstance(components, list) else []:
        name, version = part.get("Name", ""), part.get("Version", "")
        fixes = _KNOWN_ESCAPES.get(name, ())
        release = _release(version)
        # The newest series that is not newer than this one tells; an older one never got a fix.
        series = [fix for fix in fixes if fix[:2] <= release[:2]] or list(fixes[:1])
        if series and release < series[-1]:
            aged.append(f"{name} {version}")
    return tuple(aged)


def _release(version: str) -> tuple[int, ...]:
    """The numbers a version begins with: ``20.10.24+dfsg1`` is (20, 10, 24)."""
    numbers: list[int] = []
    for piece in version.split("."):
        digits = piece[: len(piece) - len(piece.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != piece:
            break
    return tuple(numbers)


def _last_words(error: BaseException) -> str:
    return str(error).rstrip(".").rsplit(": ", 1)[-1] or type(error).__name__
