"""The Docker engine: how it stands, and a connection to it."""

import errno
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import docker
import requests

from pocketcoder_tui.core.checks import Check, CheckState
from pocketcoder_tui.core.errors import (
    EngineForbidden,
    EngineMissing,
    EngineStopped,
    SandboxError,
)
from pocketcoder_tui.sandbox.elsewhere.address import (
    Address,
    engine_address,
    is_this_machine,
    socket_path,
)
from pocketcoder_tui.sandbox.elsewhere.tunnel import stands, through_ssh
from pocketcoder_tui.sandbox.faults import translated

__all__ = [
    "EngineFound",
    "EngineState",
    "connect",
    "engine_check",
    "find_engine",
    "is_cut_off",
]

PROBE_SECONDS = 3.0
"""How long the engine may take to answer a question about itself."""

CALL_SECONDS = 60.0
"""How long one call may take; a stream has no limit."""

_TELLING = ("DOCKER_HOST", "DOCKER_CONTEXT")
"""Variables that lead to an engine."""

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
    hint: str = ""
    """What to do, where that is known already."""


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, deaf to what the environment says about proxies and authorities.

    Those are for the web; requests would send the engine's calls through a proxy, and would check
    the engine's certificate against the web's authorities instead of ``DOCKER_CERT_PATH``'s.
    """

    way = ""
    """The address that a way was dug to; empty without."""

    @property
    def trust_env(self) -> bool:
        """Always False."""
        return False

    @trust_env.setter
    def trust_env(self, _value: bool) -> None:
        """The base class sets it; it stays as it is."""


def _open(address: Address, timeout: float) -> docker.APIClient:
    """Raises the SDK's errors, OSError, and SandboxError for a tunnel that does not stand."""
    host = address.host
    if host.startswith("ssh://"):
        host = f"unix://{through_ssh(host)}"
    tls = {"tls": address.tls} if address.tls is not None else {}
    client = _Client(base_url=host, version="auto", timeout=timeout, **tls)
    client.way = address.host if host != address.host else ""
    return client


def is_cut_off(client: docker.APIClient) -> bool:
    """Whether a client's way over SSH has ended, so that another client is needed."""
    way = getattr(client, "way", "")
    return bool(way) and not stands(way)


def connect(*, timeout: float = CALL_SECONDS) -> docker.APIClient:
    """Open the SDK's client; the caller closes it.

    ``timeout`` is in seconds for each call. Raises EngineMissing, EngineStopped, EngineForbidden
    or SandboxError. Blocking.
    """
    address = engine_address()
    found = _knocked(address)
    if found is not None:
        raise _error(found)
    with translated("reach Docker"):
        return _open(address, timeout)


def find_engine() -> EngineFound:
    """Look at the engine's address, tell the four cases apart, and ask for its version.

    Blocking, three seconds at most for each of its steps; a way over SSH takes up to 30.
    """
    try:
        address = engine_address()
    except SandboxError as error:
        return EngineFound(EngineState.SILENT, "", detail=error.sentence, hint=error.hint)
    found = _knocked(address)
    if found is not None:
        return found
    host = address.host
    try:
        client = _open(address, PROBE_SECONDS)
    except SandboxError as error:
        return EngineFound(EngineState.SILENT, host, detail=error.sentence, hint=error.hint)
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
            where = "" if is_this_machine(found.host) else f" at {found.host}"
            sentence = f"Docker {found.version} is running{where}."
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


def binary(name: str) -> str | None:
    """Find a system program, also in folders that an ordinary user's PATH leaves out."""
    folders = [os.environ.get("PATH", ""), *_BINARY_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(folders))


def _knocked(address: Address) -> EngineFound | None:
    """How an engine of this machine stands whose socket nobody answers; None when all is well."""
    path = socket_path(address.host)
    refused = _knock(path) if path is not None else None
    return _without_answer(address.host, refused) if refused is not None else None


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
    told_by = next((name for name in _TELLING if name in os.environ), "")
    hint = f"{told_by} leads to {found.host or 'it'}; check that it is right." if told_by else None
    match found.state:
        case EngineState.MISSING:
            return EngineMissing("Docker is not installed.", hint=hint)
        case EngineState.STOPPED:
            return EngineStopped("Docker is installed and does not run.", hint=hint)
        case EngineState.FORBIDDEN:
            return EngineForbidden("Docker runs, and you may not use it.")
        case _ if found.hint:
            return SandboxError(found.detail, hint=found.hint)
        case _:
            sentence = f"Docker does not answer at {found.host}: {found.detail.rstrip('.')}."
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
