"""Asks bash itself what a text would run, without running any of it.

Every program is a function that records its arguments, whether it ran in the shell's own process,
and whether a stream was led elsewhere; there is no other program to be found.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = (
    "ls cat git make npm pytest echo rm cp mv touch tee true false test printf kill pwd head sort "
    "grep sed find wc mkdir env sudo nohup bash sh xargs python3 curl a b.txt x z"
)

SCRIPT = rf"""
exec 5>"$1/out" 6>"$1/err" 9>&1 1>&5 2>&6 8</dev/null
exec 7<&0 0<&8
PATH=/nonexistent
builtin cd -- "$1"
shopt -s expand_aliases
record() {{
    builtin local state=plain
    ((BASH_SUBSHELL == 0)) || state=forked
    [[ /dev/fd/0 -ef /dev/fd/8 && /dev/fd/1 -ef /dev/fd/5 && /dev/fd/2 -ef /dev/fd/6 ]] \
        || state+=-led
    # One write, which a newline would end, so that the parts of a pipeline do not mix theirs.
    builtin local line
    builtin printf -v line '%s\x01' "$number" "$state" "$@"
    builtin printf '%s\x02' "${{line//$'\n'/$'\x03'}}" >&9
}}
command_not_found_handle() {{ record "$@"; }}
for program in {_PROGRAMS}; do
    builtin eval "function $program {{ record $program \"\$@\"; }}"
done
number=0
while IFS= builtin read -r -d '' text <&7; do
    # A text that may end the shell is given a shell of its own.
    if [[ ${{2-}} == apart ]]; then (builtin eval "$text"); else builtin eval "$text"; fi
    ((number++))
    [[ $! ]] && builtin wait
done
builtin printf '%s\x01done\x01\x02' "$number" >&9
"""


@dataclass(frozen=True)
class Ran:
    """One program that bash started."""

    state: str
    """plain; forked in a process of its own; with ``-led`` a stream was led elsewhere."""
    argv: tuple[str, ...]


def parse(output: bytes, count: int) -> list[list[Ran]]:
    """What the script recorded, by text. Fails unless it went through all of them."""
    ran: list[list[Ran]] = [[] for _ in range(count)]
    records = output.decode("utf-8", "surrogateescape").split("\x02")[:-1]
    *records, last = [record.split("\x01")[:-1] for record in records]
    assert last[:2] == [str(count), "done"], "bash did not get to the end"
    for number, state, *argv in records:
        ran[int(number)].append(Ran(state, tuple(word.replace("\x03", "\n") for word in argv)))
    return ran


def argv(folder: str, *, apart: bool = False) -> list[str]:
    """How bash is asked; ``apart`` gives each text a shell of its own."""
    asked = ["/bin/bash", "--noprofile", "--norc", "-c", SCRIPT, "bash", folder]
    return [*asked, "apart"] if apart else asked


def encoded(texts: Sequence[str]) -> bytes:
    """The texts as the script reads them."""
    return "".join(f"{text}\0" for text in texts).encode()


def run_here(texts: Sequence[str], folder: Path) -> list[list[Ran]]:
    """Ask the bash of this machine. Only for texts that neither write nor leave ``folder``."""
    done = subprocess.run(
        argv(str(folder)),
        input=encoded(texts),
        stdout=subprocess.PIPE,
        cwd=folder,
        env={},
        timeout=100,
        check=True,
    )
    return parse(done.stdout, len(texts))
