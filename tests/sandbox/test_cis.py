"""The CIS Docker Benchmark, section 5, as docker-bench-security asks a started box.

Source: CIS Docker Benchmark 1.6, "Container Runtime"; the numbers and the questions are those of
docker-bench-security's ``5_container_runtime.sh``. What depends on the host, or on something that
no flag can mend, says so in its row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.container import DockerSandbox
from pocketcoder_tui.sandbox.engine import connect

pytestmark = pytest.mark.docker

Facts = dict[str, Any]
SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")


@dataclass(frozen=True)
class Check:
    """One row of the benchmark."""

    number: str
    what: str
    passes: Callable[[Facts], bool]


def host(facts: Facts) -> Facts:
    """What the container was created with on the host's side."""
    found: Facts = facts["HostConfig"]
    return found


def options(facts: Facts) -> list[str]:
    """The security options."""
    return [str(option) for option in host(facts)["SecurityOpt"] or []]


def apparmor(facts: Facts) -> bool:
    """Where the host has AppArmor its default profile holds; no flag takes it away."""
    here = Path("/sys/module/apparmor/parameters/enabled")
    on = here.exists() and here.read_text().startswith("Y")
    mended = not any("apparmor" in o or "label=disable" in o for o in options(facts))
    return mended and (bool(facts["AppArmorProfile"]) or not on)


def binds(facts: Facts) -> list[str]:
    """The host's folders that are mounted."""
    return [m["Source"].rstrip("/") or "/" for m in facts["Mounts"] if m["Type"] == "bind"]


def ulimits(facts: Facts) -> set[str]:
    """The limits that are set."""
    return {limit["Name"] for limit in host(facts)["Ulimits"]}


CHECKS = (
    Check("5.1", "an AppArmor profile, where the host has one", apparmor),
    Check("5.2", "security options are set", lambda f: bool(options(f))),
    Check(
        "5.3", "capabilities restricted",
        lambda f: not host(f)["CapAdd"] and host(f)["CapDrop"] == ["ALL"],
    ),
    Check("5.4", "not privileged", lambda f: host(f)["Privileged"] is False),
    Check(
        "5.5", "no sensitive folder of the host",
        lambda f: not any(s == m for m in binds(f) for s in SENSITIVE),
    ),
    Check("5.6", "no sshd runs beside the box's work", lambda f: "sshd" not in f["Top"]),
    Check("5.7", "no privileged port is mapped", lambda f: not host(f)["PortBindings"]),
    Check("5.8", "no port is open", lambda f: not f["NetworkSettings"]["Ports"]),
    Check("5.9", "not the host's network", lambda f: host(f)["NetworkMode"] == "none"),
    Check("5.10", "memory limited", lambda f: 0 < host(f)["Memory"] == host(f)["MemorySwap"]),
    Check("5.11", "a share of the processors", lambda f: host(f)["CpuShares"] > 0),
    Check("5.12", "root read-only", lambda f: host(f)["ReadonlyRootfs"] is True),
    Check(
        "5.13", "incoming traffic bound to an interface",
        lambda f: not any(host(f)["PortBindings"] or {}),
    ),
    Check("5.15", "not the host's processes", lambda f: host(f)["PidMode"] == ""),
    Check("5.16", "not the host's IPC", lambda f: host(f)["IpcMode"] == "private"),
    Check("5.17", "no device of the host", lambda f: not host(f)["Devices"]),
    Check("5.18", "limits of its own", lambda f: {"nofile", "core"} <= ulimits(f)),
    Check(
        "5.19", "no shared mount",
        lambda f: all(m.get("Propagation") != "shared" for m in f["Mounts"]),
    ),
    Check("5.20", "not the host's name", lambda f: host(f)["UTSMode"] != "host"),
    Check(
        "5.21", "a system call filter",
        lambda f: any(o.startswith("seccomp={") for o in options(f)),
    ),
    Check("5.22", "nothing is run in it with privileges", lambda f: not f["Exec"]["privileged"]),
    Check("5.23", "nothing is run in it as another user", lambda f: f["Exec"]["user"] in (
        "", f["Config"]["User"]
    )),
    Check("5.24", "the engine's own cgroup", lambda f: host(f)["CgroupParent"] == ""),
    Check("5.25", "no new privileges", lambda f: "no-new-privileges:true" in options(f)),
    Check("5.26", "its health is checked", lambda f: bool(f["State"].get("Health", {})["Status"])),
    Check("5.27", "a named image, not the latest", lambda f: ":latest" not in f["Config"]["Image"]),
    Check("5.28", "processes limited", lambda f: (host(f)["PidsLimit"] or 0) > 0),
    Check(
        "5.29", "not the default bridge",
        lambda f: "bridge" not in f["NetworkSettings"]["Networks"],
    ),
    Check("5.30", "not the host's users", lambda f: host(f)["UsernsMode"] != "host"),
    Check(
        "5.31", "no engine socket",
        lambda f: not any("docker.sock" in m or "containerd" in m for m in binds(f)),
    ),
)  # fmt: skip
LEFT = {
    "5.14": "No restart policy on failure: the box is started by the workbench alone, which looks "
    "at it from inside before anything is sent to it.",
}
"""Rows that are a choice, with its reason."""


def facts_of(box: DockerBox) -> Facts:
    """Everything that the engine says of a box."""
    api = connect()
    try:
        facts: Facts = api.inspect_container(box.id)
        programs = [process[-1].split() for process in api.top(box.id)["Processes"]]
        facts["Top"] = " ".join(words[0] for words in programs if words)
        made = api.exec_create(box.id, ["true"], user=box.user)
        told = api.exec_inspect(made["Id"])["ProcessConfig"]
        facts["Exec"] = {"privileged": told["privileged"], "user": told.get("user", "")}
    finally:
        api.close()
    return facts


async def test_the_benchmark_has_no_warning_that_a_flag_could_mend(
    sandbox: DockerSandbox,
) -> None:
    facts = facts_of(await sandbox.ensure())
    warned = [f"{c.number} {c.what}" for c in CHECKS if not c.passes(facts)]
    assert warned == []


def test_every_row_of_the_section_is_there() -> None:
    numbers = {check.number for check in CHECKS} | set(LEFT)
    assert numbers == {f"5.{n}" for n in range(1, 32)}
    assert len(CHECKS) == 30


BARE: Facts = {
    "HostConfig": {
        "SecurityOpt": ["apparmor=unconfined"], "CapAdd": ["SYS_ADMIN"], "CapDrop": None,
        "Privileged": True, "PortBindings": {"80/tcp": [{"HostPort": "80"}]},
        "NetworkMode": "host", "Memory": 0, "MemorySwap": 0, "CpuShares": 0,
        "ReadonlyRootfs": False, "PidMode": "host", "IpcMode": "host", "Devices": [{}],
        "Ulimits": [], "UTSMode": "host", "CgroupParent": "/x", "PidsLimit": None,
        "UsernsMode": "host",
    },
    "AppArmorProfile": "", "Top": "sshd: agent", "State": {"Health": {"Status": ""}},
    "Mounts": [
        {"Type": "bind", "Source": "/etc", "Propagation": "shared"},
        {"Type": "bind", "Source": "/var/run/docker.sock", "Propagation": "shared"},
    ],
    "NetworkSettings": {"Ports": {"80/tcp": []}, "Networks": {"bridge": {}}},
    "Exec": {"privileged": True, "user": "root"},
    "Config": {"User": "1000:1000", "Image": "debian:latest"},
}  # fmt: skip


def test_every_check_can_warn() -> None:
    bare = {**BARE, "HostConfig": {**BARE["HostConfig"], "SecurityOpt": None}}
    passed = [c.number for c in CHECKS if c.passes(BARE) and c.passes(bare)]
    assert passed == []
