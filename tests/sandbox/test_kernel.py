"""What the kernel does for a program in the box: a table of calls, each asked for from inside.

The arguments are such that a call which is allowed fails for another reason (EFAULT, EBADF,
EINVAL), or does nothing. The same program in a container without the filter and with every
capability shows that the answers come from the box and not from the arguments.
"""

import platform
from pathlib import Path

import pytest

from pocketcoder_tui.sandbox.box import DockerBox
from pocketcoder_tui.sandbox.engine import connect

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        platform.machine() != "x86_64",
        reason="NOT TESTED: the table has the numbers of x86_64 (unistd_64.h) alone",
    ),
]

CALLS = {
    "io_uring_setup": (425, "0", "0"), "io_uring_enter": (426, "-1", "1"),
    "io_uring_register": (427, "-1", "0"), "ptrace": (101, "16", "0"),
    "process_vm_readv": (310, "1", "0", "0", "0", "0", "1"),
    "process_vm_writev": (311, "1", "0", "0", "0", "0", "1"), "kcmp": (312, "1", "1", "99"),
    "process_madvise": (440, "-1", "0"), "pidfd_getfd": (438, "-1", "0"),
    "add_key": (248, "0", "0"), "request_key": (249, "0", "0"), "keyctl": (250, "99"),
    "bpf": (321, "99", "0"), "perf_event_open": (298, "0", "0", "-1", "-1"),
    "userfaultfd": (323, "1"), "memfd_secret": (447, "99"),
    "unshare user": (272, "0x10000000"), "unshare mount": (272, "0x20000"),
    "unshare net": (272, "0x40000000"), "unshare pid": (272, "0x20000000"),
    "unshare ipc": (272, "0x08000000"), "unshare uts": (272, "0x04000000"),
    "unshare cgroup": (272, "0x02000000"), "unshare time": (272, "0x80"),
    "setns": (308, "-1", "0"), "clone3": (435, "0", "0"),
    "mount": (165, "0", "0"), "umount2": (166, "0", "0"), "pivot_root": (155, "0", "0"),
    "chroot": (161, "0"), "move_mount": (429, "-1", "0", "-1", "0"), "fsopen": (430, "0", "0"),
    "fsconfig": (431, "-1", "0"), "fsmount": (432, "-1"), "fspick": (433, "-1", "0"),
    "open_tree": (428, "-1", "0"), "mount_setattr": (442, "-1", "0"),
    "swapon": (167, "0"), "swapoff": (168, "0"), "acct": (163, "1"),
    "quotactl": (179, "0", "0"), "quotactl_fd": (443, "-1", "0"),
    "open_by_handle_at": (304, "-1", "0"), "fanotify_init": (300, "0", "0"),
    "reboot": (169, "0", "0"), "kexec_load": (246, "0", "99"), "kexec_file_load": (320, "-1", "-1"),
    "init_module": (175, "0", "0"), "finit_module": (313, "-1", "0"),
    "delete_module": (176, "0", "0"), "create_module": (174, "0", "0"),
    "syslog": (103, "2", "0", "1"), "settimeofday": (164, "0", "1"),
    "clock_settime": (227, "0", "1"), "clock_adjtime": (305, "0", "1"), "adjtimex": (159, "1"),
    "sethostname": (170, "0", "1"), "setdomainname": (171, "0", "1"),
    "iopl": (172, "3"), "ioperm": (173, "0", "1", "1"), "modify_ldt": (154, "1", "0", "0"),
    "personality": (135, "0x0008000"), "vhangup": (153,), "lookup_dcookie": (212, "0", "0"),
    "nfsservctl": (180, "0"), "uselib": (134, "0"), "ustat": (136, "0", "0"),
    "sysfs": (139, "99"), "_sysctl": (156, "0"), "move_pages": (279, "1", "1", "0"),
    "migrate_pages": (256, "1", "0"), "mbind": (237, "0", "0", "99"),
    "set_mempolicy": (238, "99"), "name_to_handle_at": (303, "-1", "0"),
}  # fmt: skip
"""Number and arguments of each system call that nobody in the box is to have."""
SOCKETS = {
    "raw": (2, 3, 1), "raw IPv6": (10, 3, 58), "packet": (17, 3, 0x300), "netlink": (16, 3, 0),
    "vsock": (40, 1, 0), "kernel crypto": (38, 5, 0), "bluetooth": (31, 3, 1), "can": (29, 3, 1),
    "tipc": (30, 5, 0), "rds": (21, 5, 0), "xdp": (44, 3, 0), "key": (15, 3, 2),
    "x25": (9, 5, 0), "ax25": (3, 2, 0), "appletalk": (5, 2, 0), "kcm": (41, 2, 0),
    "smc": (43, 1, 0), "qipcrtr": (42, 2, 0), "nfc": (39, 5, 0), "ieee802154": (36, 2, 0),
    "llc": (26, 1, 0), "phonet": (35, 2, 0), "caif": (37, 1, 0), "isdn": (34, 3, 0),
    "mctp": (45, 2, 0), "sctp": (2, 5, 132), "dccp": (2, 6, 33), "udplite": (2, 2, 136),
}  # fmt: skip
"""Family, type and protocol of sockets that nobody in the box is to have (address_families(7))."""
OPEN = {"unix": (1, 1, 0), "tcp": (2, 1, 0), "udp": (2, 2, 0), "tcp IPv6": (10, 1, 0)}
"""Sockets that are open: those of the Internet reach the box's own loopback and nothing else."""
PROBE = """
import ctypes, errno, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
for row in sys.stdin.read().splitlines():
    name, *words = row.split("|")
    ctypes.set_errno(0)
    if words[0] == "socket":
        got = libc.socket(*(int(w, 0) for w in words[1:]))
    else:
        got = libc.syscall(*(ctypes.c_long(int(w, 0)) for w in words))
    code = ctypes.get_errno() if got < 0 else 0
    print(name, errno.errorcode.get(code, "open"), sep="|", flush=True)
"""
GIVEN = {
    13: "NET_RAW", 12: "NET_ADMIN", 16: "SYS_MODULE", 17: "SYS_RAWIO", 18: "SYS_CHROOT",
    19: "SYS_PTRACE", 20: "SYS_PACCT", 21: "SYS_ADMIN", 22: "SYS_BOOT", 23: "SYS_NICE",
    25: "SYS_TIME", 26: "SYS_TTY_CONFIG", 34: "SYSLOG",
}  # fmt: skip
"""Capabilities by their numbers (capability.h)."""
SHUT = {"EPERM", "ENOSYS"}
NO_SOCKET = {"EPERM", "EACCES", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"}


def rows() -> str:
    """What the program is asked."""
    calls = [f"{name}|{'|'.join(map(str, words))}" for name, words in CALLS.items()]
    sockets = [
        f"{name}|socket|{'|'.join(map(str, words))}" for name, words in {**SOCKETS, **OPEN}.items()
    ]
    return "\n".join([*calls, *sockets])


def held_here() -> list[str]:
    """The capabilities that a container can be given on this machine (capabilities(7))."""
    status = Path("/proc/self/status").read_text()
    bounds = int(status.partition("CapBnd:")[2].split()[0], 16)
    return [name for number, name in GIVEN.items() if bounds >> number & 1]


def read(text: str) -> dict[str, str]:
    """What it answered."""
    return dict(line.split("|") for line in text.splitlines())


@pytest.fixture
async def answers(box: DockerBox, workspace: Path) -> dict[str, str]:
    """From within the box."""
    (workspace / "probe.py").write_text(PROBE)
    (workspace / "rows").write_text(rows())
    done = await box.exec(["bash", "-c", "python3 -I probe.py <rows"])
    assert done.status == 0, done.stderr
    return read(done.stdout.decode())


async def test_no_call_and_no_socket_is_open_that_the_box_does_not_need(
    answers: dict[str, str],
) -> None:
    assert len(CALLS) + len(SOCKETS) >= 100
    assert {n: a for n, a in answers.items() if n in CALLS and a not in SHUT} == {}
    assert {n: a for n, a in answers.items() if n in SOCKETS and a not in NO_SOCKET} == {}
    assert {n for n in OPEN if answers[n] == "open"} == set(OPEN)
    assert set(answers) == {*CALLS, *SOCKETS, *OPEN}


def test_without_the_filter_the_same_program_finds_them_open(
    sandbox_image: str, workspace: Path
) -> None:
    api = connect()
    (workspace / "probe.py").write_text(PROBE)
    (workspace / "rows").write_text(rows())
    made = api.create_container(
        sandbox_image,
        ["bash", "-c", "cd /workspace; python3 -I probe.py <rows"],
        host_config=api.create_host_config(
            binds=[f"{workspace}:/workspace"],
            cap_drop=["ALL"],
            cap_add=held_here(),
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            network_mode="none",
        ),
    )["Id"]
    try:
        api.start(made)
        api.wait(made)
        answers = read(api.logs(made).decode())
    finally:
        api.remove_container(made, force=True)
        api.close()
    reached = {n for n in CALLS if answers.get(n) not in SHUT}
    assert len(reached) >= 45, sorted(set(CALLS) - reached)
    assert {"raw", "packet", "netlink"} <= {n for n in SOCKETS if answers.get(n) == "open"}
