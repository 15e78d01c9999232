"""What a box says of itself: the promises of its flags, looked at from inside."""

from collections.abc import Callable
from dataclasses import dataclass

from pocketcoder_tui.core.ports import Box

__all__ = ["Finding", "inspect_box"]

Finding = tuple[str, bool, str]
"""What was looked at, whether it is as promised, and what was seen."""

_LOOK = r"""
stat -c 'owner %u' /workspace
sed -n 's/^\(Uid\|Cap[A-Z][a-z]*\|NoNewPrivs\|Seccomp\):[[:space:]]*/\1 /p' /proc/self/status
while read -r _ where type how _; do [ "$where" = / ] && echo "root $how"; done < /proc/mounts
tail -n +2 /proc/net/route | sed 's/^/route /'
for f in /sys/class/net/*; do echo "link ${f##*/}"; done
for f in .git/hooks .git/config; do
    [ -e "/workspace/$f" ] && { [ -w "/workspace/$f" ] && echo "writable $f"; }
done
for f in /var/run/docker.sock /run/docker.sock /run/containerd; do
    [ -e "$f" ] && echo "socket $f"
done
exit 0
"""
"""Reads /proc (proc(5)) and prints a word and a value a line."""


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    word: str
    """The lines that count."""
    good: Callable[[list[str]], bool]


_RULES = (
    _Rule("no capability", "Cap", lambda seen: len(seen) == 5 and not any(_hex(v) for v in seen)),
    _Rule("no new privileges", "NoNewPrivs", lambda seen: seen == ["1"]),
    _Rule("system call filter", "Seccomp", lambda seen: seen == ["2"]),
    _Rule("read-only root", "root", lambda seen: len(seen) == 1 and "ro" in seen[0].split(",")),
    _Rule("no network route", "route", lambda seen: not seen),
    _Rule("no network device", "link", lambda seen: seen == ["lo"]),
    _Rule("git hooks and settings guarded", "writable", lambda seen: not seen),
    _Rule("no engine socket", "socket", lambda seen: not seen),
)


async def inspect_box(box: Box) -> list[Finding]:
    """Look at a running box from inside; one short program, about 60 ms.

    Raises ContainerGone or SandboxError.
    """
    done = await box.exec(["sh", "-c", _LOOK])
    text = done.stdout.decode("utf-8", "replace")
    pairs = [line.partition(" ")[::2] for line in text.splitlines()]
    seen = {rule.word: [v for w, v in pairs if w.startswith(rule.word)] for rule in _RULES}
    owner = [v for w, v in pairs if w == "owner"]
    uids = [uid for w, v in pairs if w == "Uid" for uid in v.split()]
    same = bool(owner) and bool(uids) and set(uids) == set(owner)
    findings = [("runs as the workspace's owner", same, f"uid {' '.join(sorted(set(uids)))}")]
    for rule in _RULES:
        values = seen[rule.word]
        findings.append((rule.name, rule.good(values), ", ".join(values) or "none"))
    return findings


def _hex(value: str) -> int:
    return int(value, 16)
