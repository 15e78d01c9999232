"""Which containers are ours: their names and labels, the list of them, and the orphans in it."""

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketcoder_tui import __version__
from pocketcoder_tui.core.errors import ContainerGone
from pocketcoder_tui.sandbox.flags import signature
from pocketcoder_tui.sandbox.threads import Engine

__all__ = [
    "COVER",
    "FLAGS",
    "GIT",
    "SEAL",
    "WORKSPACE",
    "BoxSummary",
    "container_name",
    "labels_of",
    "list_boxes",
    "machine_mark",
    "owner_mark",
    "reap_orphans",
]

WORKSPACE = "org.pocketcoder.workspace"
"""sha256 (hex) of the workspace's real path; every container of ours bears it."""

FLAGS = "org.pocketcoder.flags"
"""sha256 (hex) of what the container was made with."""

GIT = "org.pocketcoder.git"
"""sha256 (hex) of the mounts that guard the repository."""

COVER = "org.pocketcoder.cover"
"""sha256 (hex) of the mounts over secret files and nested repositories (sandbox.cover)."""

SEAL = "org.pocketcoder.seal"
"""HMAC (hex) of the workspace's path under the person's own secret (config.secrets.box_seal)."""

PATH = "org.pocketcoder.path"
MACHINE = "org.pocketcoder.machine"
"""Whose container it is (``machine_mark``); on a shared engine the others are left alone."""

VERSION = "org.pocketcoder.version"

OWNER = "org.pocketcoder.owner"
"""The process that the container must not outlive (tests); see ``owner_mark``."""


@dataclass(frozen=True, slots=True)
class BoxSummary:
    """A container of ours in a list."""

    id: str
    name: str
    workspace: Path
    status: str
    """Docker's word: running, exited, created, paused."""
    version: str
    """The version of pocketcoder that made it."""
    owner: str = ""
    ours: bool = True
    """False for one that another machine, or another person here, made on the same engine."""


def container_name(workspace: Path, *, elsewhere: bool = False) -> str:
    """The name of a workspace's container.

    ``elsewhere``: on an engine that other machines use too, where paths alone may be the same.
    """
    name = f"pocketcoder-{_key(workspace)[:16]}"
    return f"{name}-{machine_mark()[:8]}" if elsewhere else name


def machine_mark() -> str:
    """Tells this user of this machine from others (hex; machine-id(5))."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    whose = f"{machine or socket.gethostname()}/{os.getuid()}"
    return hashlib.sha256(whose.encode()).hexdigest()


def labels_of(
    workspace: Path, config: dict[str, Any], mounts: list[dict[str, Any]], *, tied: bool, seal: str
) -> dict[str, str]:
    """The labels of a container that is made with this."""
    labels = {
        WORKSPACE: _key(workspace),
        PATH: str(workspace),
        MACHINE: machine_mark(),
        VERSION: __version__,
        FLAGS: signature(config),
        GIT: signature({"mounts": mounts}),
    }
    labels |= {SEAL: seal} if seal else {}
    return labels | ({OWNER: owner_mark(os.getpid())} if tied else {})


async def list_boxes() -> list[BoxSummary]:
    """Every container of ours, running or not. Raises SandboxError."""
    async with Engine() as engine:
        return await _boxes(engine)


async def reap_orphans() -> list[BoxSummary]:
    """Remove our containers whose workspace is gone or whose owner has ended; returns them.

    Raises SandboxError.
    """
    async with Engine() as engine:
        orphans = [box for box in await _boxes(engine) if _is_orphan(box)]
        for box in orphans:
            try:
                await engine.call(
                    "remove an orphaned box", "remove_container", box.id, force=True, v=True
                )
            except ContainerGone:
                continue
    return orphans


def owner_mark(pid: int) -> str:
    """Name a process so that another one with the same number is not taken for it.

    Boot id, pid namespace, pid, and start time in clock ticks (proc(5), stat field 22); empty when
    the process does not exist.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{_machine()}/{pid}/{fields[19]}"


def _is_orphan(box: BoxSummary) -> bool:
    if not box.ours:
        return False
    if box.owner:
        machine, pid, _start = box.owner.rsplit("/", 2)
        # A process of another pid namespace cannot be seen from here; it is left alone.
        return machine == _machine() and owner_mark(int(pid)) != box.owner
    try:
        os.stat(box.workspace)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # For example no permission: that says nothing about the folder.
        return False
    return False


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}"


async def _boxes(engine: Engine) -> list[BoxSummary]:
    found = await engine.call(
        "list the boxes", "containers", all=True, filters={"label": WORKSPACE}
    )
    return [_summary(facts) for facts in found]


def _summary(facts: dict[str, Any]) -> BoxSummary:
    labels = facts["Labels"]
    return BoxSummary(
        id=facts["Id"],
        name=facts["Names"][0].lstrip("/"),
        workspace=Path(labels.get(PATH, "")),
        status=facts["State"],
        version=labels.get(VERSION, ""),
        owner=labels.get(OWNER, ""),
        ours=labels.get(MACHINE, machine_mark()) == machine_mark(),
    )


def _key(workspace: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(workspace))).hexdigest()
