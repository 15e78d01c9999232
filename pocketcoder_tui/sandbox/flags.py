"""The box's flags: everything that the container may and may not do, as one value (pure).

The names are those of the Docker Engine API, POST /containers/create.
"""

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.errors import SandboxError

__all__ = [
    "AUTHORITIES",
    "HATCH",
    "HOME",
    "PROXY_PORT",
    "RUN",
    "WORKSPACE",
    "BoxUser",
    "Limits",
    "bind",
    "container_flags",
    "git_mounts",
    "signature",
]

WORKSPACE = "/workspace"
"""Where the person's folder is inside."""

HOME = "/home/agent"
RUN = "/run/pocketcoder"
"""The relay's own folder inside: its socket, logs and claims. 0700, gone when the box stops."""

PROXY_PORT = 3128
"""Of the box's own loopback: where programs in it ask for a host (sandbox/egress)."""

AUTHORITIES = "authorities.pem"
"""The file in the hatch that holds the certificates which the host trusts."""

HATCH = f"{RUN}/in"
"""Where the host's own folder for what it hands in is bound, read-only."""

_MIB = 1 << 20
_PERIOD = 100_000
"""Length of a scheduling period, microseconds (CFS bandwidth control)."""
_SHARES = 512
"""Half the weight of an ordinary program: the box yields to the person's own work."""
_HEALTH_EVERY = 600 * 10**9
"""Nanoseconds between two looks of the engine's own at whether programs can run in the box."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine the box may use."""

    memory: int = 4096 * _MIB
    """Bytes, memory file systems included; nothing is swapped."""
    cpus: float = 2.0
    """Processors' worth of time."""
    pids: int = 1024
    """Processes and threads."""
    files: int = 16_384
    """Open files of one process."""
    tmp: int = 1024 * _MIB
    """Bytes in /tmp."""
    home: int = 1024 * _MIB
    """Bytes in the home folder."""
    run: int = 256 * _MIB
    """Bytes in /run/pocketcoder, where the panes' logs are."""


@dataclass(frozen=True, slots=True)
class BoxUser:
    """Who everything in the box runs as."""

    uid: int
    gid: int

    @property
    def text(self) -> str:
        """As Docker writes it."""
        return f"{self.uid}:{self.gid}"

    @classmethod
    def of(cls, workspace: Path, *, rootless: bool = False) -> "BoxUser":
        """The workspace's owner.

        In a rootless engine that is 0, which the engine maps to the person who runs it.
        """
        if rootless:
            return cls(0, 0)
        facts = workspace.stat()
        return cls(facts.st_uid, facts.st_gid)


def container_flags(
    workspace: Path,
    *,
    image: str,
    user: BoxUser,
    limits: Limits,
    seccomp: str,
    runtime: str = "",
    hatch: Path | None = None,
    egress: bool = False,
    trusted: bool = False,
    volume: str = "",
) -> dict[str, Any]:
    """Return what the container is created with, save labels and the mounts of ``git_mounts``.

    ``seccomp`` is the profile's JSON text; ``image`` an image id; ``hatch`` a folder of the host's;
    ``volume`` one of the engine's that holds the workspace when it cannot be mounted.
    With ``egress`` programs are told of the proxy, and if ``trusted`` of the host's authorities in
    the hatch; the box has no network in either case.
    """
    own = f"uid={user.uid},gid={user.gid}"
    variables = environment(egress=egress, trusted=trusted)
    host = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={seccomp}"],
        "Privileged": False,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "Init": True,
        "Runtime": runtime,
        "PidsLimit": limits.pids,
        "Memory": limits.memory,
        "MemorySwap": limits.memory,
        "CpuShares": _SHARES,
        "CpuPeriod": _PERIOD,
        "CpuQuota": int(limits.cpus * _PERIOD),
        "Ulimits": [
            {"Name": "nofile", "Soft": limits.files, "Hard": limits.files},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "ShmSize": 64 * _MIB,
        "Tmpfs": {
            "/tmp": f"rw,exec,nosuid,nodev,size={limits.tmp},mode=1777",
            "/run": f"rw,noexec,nosuid,nodev,size={4 * _MIB},mode=0755,{own}",
            RUN: f"rw,noexec,nosuid,nodev,size={limits.run},mode=0700,{own}",
            HOME: f"rw,exec,nosuid,nodev,size={limits.home},mode=0700,{own}",
        },
        "Mounts": [
            volume_mount(volume) if volume else bind(workspace, WORKSPACE),
            *([bind(hatch, HATCH, read_only=True)] if hatch is not None else []),
        ],
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
    }
    return {
        "Image": image,
        "Entrypoint": [],
        "Cmd": ["sleep", "infinity"],
        "User": user.text,
        "WorkingDir": WORKSPACE,
        "Hostname": "box",
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Healthcheck": {
            "Test": ["CMD", "test", "-O", WORKSPACE],
            "Interval": _HEALTH_EVERY,
            "Timeout": _HEALTH_EVERY // 60,
            "Retries": 3,
        },
        "HostConfig": host,
    }


def environment(*, egress: bool = False, trusted: bool = True) -> dict[str, str]:
    """The whole environment of the box's programs; nothing of the host's is in it.

    ``trusted``: the host's authorities are in the hatch.
    """
    ways = (_WAYS_OUT | (_TRUST if trusted else {})) if egress else {}
    return ways | {
        "HOME": HOME,
        "USER": "agent",
        "LOGNAME": "agent",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


_PROXY = f"http://127.0.0.1:{PROXY_PORT}"
_HERE = "localhost,127.0.0.1,::1"
_WAYS_OUT = (
    dict.fromkeys(
        ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _PROXY
    )
    | dict.fromkeys(("no_proxy", "NO_PROXY"), _HERE)
    # A person may take their time to answer, and a program is not to give up meanwhile.
    | {"PIP_DEFAULT_TIMEOUT": "900", "UV_HTTP_TIMEOUT": "900", "npm_config_fetch_timeout": "900000"}
    # Nobody is to be asked for a host because of a program's own news.
    | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "npm_config_update_notifier": "false"}
    | {"NODE_USE_ENV_PROXY": "1"}
)
"""By what programs find the proxy."""
_TRUST = dict.fromkeys(
    ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO",
     "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO"), f"{HATCH}/{AUTHORITIES}",
)  # fmt: skip
"""By what they find the authorities that the host trusts."""


def git_mounts(workspace: Path) -> list[dict[str, Any]]:
    """Mounts that keep the agent from changing what git runs on the host later.

    ``.git`` is bound on itself, so that it cannot be renamed away; its hooks and configuration,
    or a ``.git`` file that names another folder, are read-only. Raises SandboxError when one of
    them is a link, because the engine would follow it on the host.
    """
    git = workspace / ".git"
    match _kind(git):
        case "":
            return []
        case "file":
            return [bind(git, f"{WORKSPACE}/.git", read_only=True)]
        case "folder":
            mounts = [bind(git, f"{WORKSPACE}/.git")]
    for name in ("config", "config.worktree", "hooks"):
        if _kind(git / name):
            mounts.append(bind(git / name, f"{WORKSPACE}/.git/{name}", read_only=True))
    return mounts


def signature(flags: dict[str, Any]) -> str:
    """sha256 (hex) of the flags; another signature means that the container must be made again."""
    return hashlib.sha256(json.dumps(flags, sort_keys=True).encode()).hexdigest()


def bind(source: Path, target: str, *, read_only: bool = False) -> dict[str, Any]:
    """A mount of a place of the host's, as the engine takes it."""
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def volume_mount(name: str) -> dict[str, Any]:
    """A mount of an engine's volume as the workspace."""
    return {
        "Type": "volume",
        "Source": name,
        "Target": WORKSPACE,
        "ReadOnly": False,
        "VolumeOptions": {"NoCopy": True},
    }


def _kind(path: Path) -> str:
    """Whether a path is a "file", a "folder" or nothing (""). Raises SandboxError for others."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "file"
    raise SandboxError(
        f"{path} is a link or a special file, and the box will not follow it.",
        hint="Replace it with a real file or folder, then try again.",
    )
