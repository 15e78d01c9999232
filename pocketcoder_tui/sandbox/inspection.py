"""What a box says of itself: the promises of its flags, looked at from inside after each start.

A box that is not as promised gets nothing to run. What is looked at is written by nobody in the
box: /proc, /sys and the mounts (proc(5), cgroups(7)). gVisor has a kernel of its own that tells
less of itself; what it does not tell is said so and does not count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pocketcoder_tui.core.errors import SandboxError
from pocketcoder_tui.core.ports import Box
from pocketcoder_tui.sandbox.flags import HATCH, HOME, RUN, WORKSPACE, Limits, environment

__all__ = [
    "LOOK",
    "Finding",
    "Promise",
    "findings_in",
    "folder_in",
    "inspect_box",
    "require_promised",
]

Finding = tuple[str, bool, str]
"""What was looked at, whether it is as promised, and what was seen."""

LOOK = r"""
[ -O /workspace ] && echo "owner $EUID"
stat -c 'inode %i' /workspace
while read -r word values; do
    case "${word%:}" in
        Uid | Cap[A-Z]* | NoNewPrivs | Seccomp) echo "${word%:}" $values ;;
    esac
done </proc/self/status
while read -r _ where type how _; do echo "mount $where $type $how"; done </proc/mounts
for f in /dev/*; do
    if [ ! -L "$f" ]; then
        if [ -b "$f" ] || [ -c "$f" ]; then echo "device $f"; fi
    fi
done
for f in memory/memory.limit_in_bytes memory.max; do
    [ -r "/sys/fs/cgroup/$f" ] && read -r word <"/sys/fs/cgroup/$f" && echo "memory $word"
done
for f in pids/pids.max pids.max; do
    [ -r "/sys/fs/cgroup/$f" ] && read -r word <"/sys/fs/cgroup/$f" && echo "pids $word"
done
for f in cpu/cpu.cfs_quota_us cpu.max; do
    [ -r "/sys/fs/cgroup/$f" ] && read -r word <"/sys/fs/cgroup/$f" && echo "cpu $word"
done
printf 'files '; ulimit -Hn
printf 'cores '; ulimit -Hc
printf first
while IFS= read -r -d '' word || [ -n "$word" ]; do printf ' %s' "$word"; done </proc/1/cmdline
echo
while IFS= read -r -d '' f; do echo "variable ${f%%=*}"; done </proc/self/environ
for f in kcore keys timer_list sched_debug; do
    { IFS= read -r -n 1 -d '' word <"/proc/$f"; } 2>/dev/null && echo "open /proc/$f"
done
for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/uevent_helper; do
    [ -w "$f" ] && echo "open $f"
done
{ read -r _; while read -r line; do echo "route $line"; done; } </proc/net/route
[ -r /proc/net/ipv6_route ] && while read -r line; do
    case "$line" in *" lo") ;; *) echo "route $line" ;; esac
done </proc/net/ipv6_route
for f in /sys/class/net/*; do [ -e "$f" ] && echo "link ${f##*/}"; done
for f in .git/hooks .git/config; do
    [ -e "/workspace/$f" ] && { [ -w "/workspace/$f" ] && echo "writable $f"; }
done
for f in /var/run/docker.sock /run/docker.sock /run/containerd /run/podman; do
    [ -e "$f" ] && echo "socket $f"
done
exit 0
"""
"""For bash; prints a word and what was seen a line. Forks are dear at a start: it has one."""

_DEVICES = {f"/dev/{name}" for name in ("full", "null", "ptmx", "random", "tty", "urandom", "zero")}
"""What every container has (OCI runtime specification, default devices); none is of the host's."""
_SYSTEM = ("/proc", "/sys", "/dev")
"""Everything mounted at or below these is the engine's own."""
_OWN = {
    "/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/tmp", "/run", RUN, HATCH, HOME,
    WORKSPACE, "/sbin/docker-init", "/usr/sbin/docker-init", "/dev/init",
}  # fmt: skip
_FALLBACKS = {
    "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip6gre0", "ip_vti0", "ip6_vti0",
}  # fmt: skip
"""Tunnels that some kernels put into every network namespace; down, and nobody can raise them."""
_SHELLS_OWN = {"PWD", "SHLVL", "_", "HOSTNAME", "OLDPWD"}
"""Variables that the engine or the shell adds."""
_GIT = "writable"
_TOLD = {"ro", "rw", "nosuid", "nodev", "noexec"}
_SILENT = "gVisor's own kernel does not tell"


@dataclass(frozen=True, slots=True)
class Promise:
    """With what a box was made."""

    limits: Limits = field(default_factory=Limits)
    runtime: str = ""
    """The engine's name of its runtime; one with "runsc" in it is gVisor."""
    guarded: bool = True
    """False for a box that is older than the workspace's repository: it guards it once it is
    started anew, and until then what it does to it is named like any other change."""

    covers: int = 0
    """Mounts over secret files and nested repositories with which the box was made."""

    carried: bool = False
    """True for a box with a copy of the workspace of its own: what git obeys is not taken back."""

    @property
    def own_kernel(self) -> bool:
        """True for gVisor."""
        return "runsc" in self.runtime


Seen = Mapping[str, list[str]]
"""By their word, the lines that were printed."""


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    word: str
    """The lines that count."""
    good: Callable[[list[str], Promise], bool]
    told_by_gvisor: bool = True
    place: str = ""
    """Of the mounts, the one that counts; empty for all."""


def _mounts(seen: list[str]) -> dict[str, tuple[str, set[str]]]:
    """What is mounted where: its type and its options; the last one at a place counts."""
    rows = [line.split(" ") for line in seen]
    return {row[0]: (row[1], set(row[2].split(","))) for row in rows if len(row) == 3}


def _memory_of(place: str, *options: str) -> Callable[[list[str], Promise], bool]:
    """A rule: at this place is a memory file system with these options and a size."""

    def good(seen: list[str], promise: Promise) -> bool:
        kind, has = _mounts(seen).get(place, ("", set()))
        wanted = set() if promise.own_kernel else set(options)
        return kind == "tmpfs" and wanted <= has and any(o.startswith("size=") for o in has)

    return good


def _read_only(place: str) -> Callable[[list[str], Promise], bool]:
    return lambda seen, _: "ro" in _mounts(seen).get(place, ("", set()))[1]


def _nothing_else(seen: list[str], promise: Promise) -> bool:
    """Nothing of the host's is mounted but what is meant to be; links below .git are ours.

    What lies over parts of the workspace is read-only, and moves along with renamed folders.
    """
    ours = (*(f"{system}/" for system in _SYSTEM), f"{WORKSPACE}/.git")
    others = {
        where: options
        for where, (_, options) in _mounts(seen).items()
        if where not in _OWN and where not in _SYSTEM and not where.startswith(ours)
    }
    within = f"{WORKSPACE}/"
    covers = [w for w, options in others.items() if w.startswith(within) and "ro" in options]
    return len(covers) == len(others) <= promise.covers


def _hatch_shut(seen: list[str], _: Promise) -> bool:
    return HATCH not in _mounts(seen) or "ro" in _mounts(seen)[HATCH][1]


def _processors(seen: list[str], promise: Promise) -> bool:
    """cgroup v1 gives the quota of a period of 100 ms, v2 gives both."""
    quota = (seen[0].split() or [""])[0] if seen else ""
    return quota.isdigit() and int(quota) <= int(promise.limits.cpus * 100_000)


def _at_most(wanted: Callable[[Limits], int]) -> Callable[[list[str], Promise], bool]:
    def good(seen: list[str], promise: Promise) -> bool:
        return bool(seen) and all(v.isdigit() and int(v) <= wanted(promise.limits) for v in seen)

    return good


def _only(names: set[str]) -> Callable[[list[str], Promise], bool]:
    return lambda seen, _: set(seen) <= names


def _no_device(seen: list[str], promise: Promise) -> bool:
    """gVisor makes /dev/fuse and /dev/net/tun itself; they are none of the host's."""
    return set(seen) <= (_DEVICES | {"/dev/fuse"} if promise.own_kernel else _DEVICES)


def _nothing(seen: list[str], _: Promise) -> bool:
    return not seen


def _no_capability(seen: list[str], promise: Promise) -> bool:
    return len(seen) == (4 if promise.own_kernel else 5) and not any(int(v, 16) for v in seen)


_RULES = (
    _Rule("no capability", "Cap", _no_capability),
    _Rule("no new privileges", "NoNewPrivs", lambda seen, _: seen == ["1"], False),
    _Rule("system call filter", "Seccomp", lambda seen, _: seen == ["2"], False),
    _Rule("read-only root", "mount", _read_only("/"), place="/"),
    _Rule(
        "/tmp in memory, no setuid", "mount", _memory_of("/tmp", "nosuid", "nodev"), place="/tmp"
    ),
    _Rule("home in memory, no setuid", "mount", _memory_of(HOME, "nosuid", "nodev"), place=HOME),
    _Rule(
        "/run in memory, no programs",
        "mount",
        _memory_of("/run", "nosuid", "nodev", "noexec"),
        place="/run",
    ),
    _Rule(
        "relay's folder in memory", "mount", _memory_of(RUN, "nosuid", "nodev", "noexec"), place=RUN
    ),
    _Rule("what the host hands in is read-only", "mount", _hatch_shut, place=HATCH),
    _Rule("nothing else of the host mounted", "mount", _nothing_else),
    _Rule("memory limit", "memory", _at_most(lambda limits: limits.memory), False),
    _Rule("process limit", "pids", _at_most(lambda limits: limits.pids), False),
    _Rule("processor limit", "cpu", _processors, False),
    _Rule("open file limit", "files", _at_most(lambda limits: limits.files)),
    _Rule("no core dumps", "cores", lambda seen, _: seen == ["0"]),
    _Rule(
        "processes of its own",
        "first",
        lambda seen, _: len(seen) == 1 and seen[0].endswith("sleep infinity"),
    ),
    _Rule("no device of the host", "device", _no_device),
    _Rule("kernel's files masked", "open", _nothing),
    _Rule("no variable of the host", "variable", _only({*environment(egress=True), *_SHELLS_OWN})),
    _Rule("no network route", "route", _nothing),
    _Rule("no network device", "link", _only({"lo", *_FALLBACKS})),
    _Rule("git hooks and settings guarded", _GIT, _nothing),
    _Rule("no engine socket", "socket", _nothing),
)


async def inspect_box(box: Box, promise: Promise | None = None) -> list[Finding]:
    """Look at a running box from inside; one short program.

    Raises ContainerGone or SandboxError.
    """
    done = await box.exec(["bash", "-c", LOOK])
    return findings_in(done.stdout.decode("utf-8", "replace"), promise or Promise())


def findings_in(text: str, promise: Promise) -> list[Finding]:
    """Judge what LOOK printed."""
    pairs = [line.partition(" ")[::2] for line in text.splitlines()]
    owner = [v for w, v in pairs if w == "owner"]
    uids = [uid for w, v in pairs if w == "Uid" for uid in v.split()]
    same = bool(owner) and bool(uids) and set(uids) == set(owner)
    findings = [("runs as the workspace's owner", same, f"uid {' '.join(sorted(set(uids)))}")]
    for rule in _RULES:
        values = [v for w, v in pairs if w == rule.word or (rule.word == "Cap" and w[:3] == "Cap")]
        if rule.word == _GIT and promise.carried:
            findings.append((rule.name, True, "not taken from the box's copy"))
        elif rule.word == _GIT and values and not promise.guarded:
            findings.append((rule.name, True, "the repository is newer than the box"))
        elif rule.word == _GIT and values and not _covered(values, pairs):
            findings.append((rule.name, True, f"replaced on the host: {', '.join(values)}"))
        elif promise.own_kernel and not rule.told_by_gvisor:
            findings.append((rule.name, True, _SILENT))
        else:
            findings.append((rule.name, rule.good(values, promise), _words(rule, values)))
    return findings


def _covered(writable: list[str], pairs: Sequence[tuple[str, ...]]) -> bool:
    """Whether one of these is a mount. One that is none was replaced by a program of the host
    (``git config`` does that), for nothing in the box can take a mount away; what the box does to
    it is named, and the next start guards it again."""
    mounted = _mounts([value for word, value in pairs if word == "mount"])
    return any(f"{WORKSPACE}/{path}" in mounted for path in writable)


def folder_in(text: str) -> int:
    """The number of the folder that is the box's workspace (st_ino of stat(2)); 0 when untold."""
    told = [line.removeprefix("inode ") for line in text.splitlines() if line.startswith("inode ")]
    return int(told[0]) if told and told[0].isdigit() else 0


def require_promised(findings: list[Finding]) -> None:
    """Raise SandboxError, which names them, when something is not as promised."""
    drifted = [f"{name} ({seen})" for name, good, seen in findings if not good]
    if drifted:
        raise SandboxError(
            f"The box is not as it was made, so nothing is sent to it: {'; '.join(drifted)}.",
            hint="See pocketcoder doctor --sandbox. pocketcoder reset makes it anew.",
        )


def _words(rule: _Rule, values: list[str]) -> str:
    if rule.word != "mount":
        return ", ".join(dict.fromkeys(values)) or "none"
    if not rule.place:
        return f"{len(_mounts(values))} mounts"
    kind, options = _mounts(values).get(rule.place, ("not mounted", set()))
    wanted = sorted(o for o in options if o in _TOLD or o.startswith("size="))
    return " ".join((kind, *wanted))
