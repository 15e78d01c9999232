"""Which engine is meant, by the variables and contexts that Docker's own command obeys.

``DOCKER_HOST`` wins over ``DOCKER_CONTEXT``, which wins over the context that ``docker context
use`` chose; without any it is this machine's own (Docker's documentation of contexts). An engine
is as good as root on its machine, so an address on which others could listen or answer is refused.
"""

import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI

from pocketcoder_tui.core.errors import SandboxError

__all__ = ["DEFAULT_SOCKET", "Address", "engine_address", "is_this_machine", "socket_path"]

DEFAULT_SOCKET = "/var/run/docker.sock"
"""Where the engine listens unless it is told otherwise."""

_OPEN_HINT = "Use ssh://USER@HOST, or TLS: DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH."


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is."""

    host: str
    """As Docker writes it: ``unix://``, ``tcp://`` or ``ssh://``."""
    told_by: str = ""
    """What named it, for a sentence; empty for this machine's own."""
    tls: Any = None
    """The SDK's ``TLSConfig``; None for a connection without."""


def engine_address() -> Address:
    """The engine that is meant. Raises SandboxError when it cannot be told or trusted."""
    told = os.environ.get("DOCKER_HOST", "")
    if told:
        return _trusted(Address(told, "DOCKER_HOST", _tls_of_environment(told)))
    if name := os.environ.get("DOCKER_CONTEXT", ""):
        return _trusted(_of_context(name, "DOCKER_CONTEXT"))
    name = _chosen_context()
    if name not in ("", "default"):
        return _trusted(_of_context(name, f"the Docker context {name}"))
    return Address(_own())


def is_this_machine(host: str) -> bool:
    """Whether an address is one of this machine: a socket, or its loopback."""
    if socket_path(host) is not None:
        return True
    parts = urlsplit(host)
    return parts.scheme != "ssh" and _is_loopback(parts.hostname or "")


def socket_path(host: str) -> Path | None:
    """The path of a unix socket address, None for any other kind of address."""
    parts = urlsplit(host)
    return Path(parts.netloc + parts.path) if parts.scheme in ("unix", "http+unix") else None


def _own() -> str:
    """The system's socket, else this user's own."""
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    if not Path(DEFAULT_SOCKET).exists() and own.exists():
        return f"unix://{own}"
    return f"unix://{DEFAULT_SOCKET}"


def _chosen_context() -> str:
    """The name in Docker's own settings; a file that cannot be read names none."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    name = settings.get("currentContext", "") if isinstance(settings, dict) else ""
    return name if isinstance(name, str) else ""


def _of_context(name: str, told_by: str) -> Address:
    if name == "default":
        return Address(_own())
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # boundary: the SDK raises bare exceptions for a damaged file
        raise SandboxError(f"{told_by} cannot be read: {error}.") from error
    if context is None or not context.Host:
        raise SandboxError(
            f"There is no Docker context named {name!a}.",
            hint="List them: docker context ls. Choose one: docker context use NAME.",
        )
    if context.endpoints["docker"].get("SkipTLSVerify") and context.TLSConfig is not None:
        raise SandboxError(f"{told_by} does not check who answers, so it is not used.")
    return Address(str(context.Host), told_by, context.TLSConfig)


def _tls_of_environment(host: str) -> Any:
    """By DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as Docker's own command takes them."""
    if urlsplit(host).scheme != "tcp":
        return None
    verify = os.environ.get("DOCKER_TLS_VERIFY", "")
    if not verify and os.environ.get("DOCKER_CERT_PATH"):
        raise SandboxError(
            "DOCKER_CERT_PATH is set and DOCKER_TLS_VERIFY is not: anybody could answer as Docker.",
            hint="Set DOCKER_TLS_VERIFY=1.",
        )
    try:
        return docker.utils.kwargs_from_env().get("tls") or None
    except docker.errors.DockerException as error:
        raise SandboxError(
            f"TLS to {host} cannot be set up: {str(error).rstrip('.')}.",
            hint="DOCKER_CERT_PATH is a folder with ca.pem, cert.pem and key.pem.",
        ) from error


def _trusted(address: Address) -> Address:
    parts = urlsplit(address.host)
    plain = parts.scheme in ("tcp", "http") and address.tls is None
    if plain and not _is_loopback(parts.hostname or ""):
        raise SandboxError(
            f"Docker at {address.host} is open to everybody on the way there, so it is not used.",
            hint=_OPEN_HINT,
        )
    return address


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
