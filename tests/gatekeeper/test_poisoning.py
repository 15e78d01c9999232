"""However the agent prepared its shell and its home, an allowed command runs what it says.

One box, its real terminal. Each poison is shown to bite first: in the poisoned shell the same text
does something else. Then the engine runs the rule's argument list (engine/tools/fresh.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.ids import new_id
from pocketcoder_tui.engine.tools.fresh import argv_of, finish_fresh, run_fresh
from pocketcoder_tui.gatekeeper.policy import judge
from pocketcoder_tui.gatekeeper.rules import ENVIRONMENT, fresh_argv
from pocketcoder_tui.sandbox.box import DockerBox
from tests.gatekeeper.samples import allow, shell
from tests.relay.conftest import Hand, hand, terminal

__all__ = ["hand", "terminal"]

pytestmark = pytest.mark.docker

LIST = "ls -a data"
KEPT = 40_000
"""Characters of an output."""
PRINT = "printf %s/%s. a b"
REPOSITORY = "git status -s"
EXPECTED = {
    LIST: b".\n..\na.txt\n",
    PRINT: b"a/b.",
    REPOSITORY: b"?? data/\n",
    "cat data/a.txt": b"hello\n",
    "python3 -c pass": b"",
    "date +%Y-x": None,
}
"""What each allowed command prints; None when only the canary matters."""

CANARY = "/tmp/pwn"
EVIL = f"touch {CANARY}; echo PWN"
FAKE = (
    "mkdir -p /tmp/bin; printf '#!/bin/sh\\ntouch /tmp/pwn; echo PWN\\n' >/tmp/bin/ls; "
    "chmod +x /tmp/bin/ls; cp /tmp/bin/ls /tmp/bin/git; cp /tmp/bin/ls /tmp/bin/printf"
)


@dataclass(frozen=True)
class Poison:
    """Text that the agent ran before, and the text in which it bites."""

    name: str
    text: str
    probe: str = LIST
    """Empty for what cannot be shown from within."""
    at_prompt: bool = False
    """True when it bites again by itself (a prompt, the launcher), whatever else runs."""
    fatal: bool = False
    """True when the launcher in the shell does not survive it either."""


POISONS = (
    Poison("alias", f"alias ls='{EVIL} #'"),
    Poison(
        "alias of the words that get around aliases", f"alias builtin='{EVIL} #'", "builtin cd ."
    ),
    Poison("function", f"ls() {{ {EVIL}; }}"),
    Poison("exported function", f"ls() {{ {EVIL}; }}; export -f ls", "bash -c 'ls -a data'"),
    Poison(
        "functions named command and exec",
        f"command() {{ {EVIL}; }}; exec() {{ {EVIL}; }}",
        "command ls -a data",
    ),
    Poison("function named as a path", f"function /bin/ls {{ {EVIL}; }}", "/bin/ls -a data"),
    Poison("PATH", f"{FAKE}; PATH=/tmp/bin:$PATH"),
    Poison("read-only PATH", f"{FAKE}; declare -rx PATH=/tmp/bin:/usr/bin:/bin"),
    Poison("hash -p", f"{FAKE}; hash -p /tmp/bin/ls ls"),
    Poison("enable -n", f"{FAKE}; PATH=/tmp/bin:$PATH; enable -n printf", fatal=True),
    Poison("a function named builtin", f"builtin() {{ {EVIL}; }}", at_prompt=True, fatal=True),
    Poison("DEBUG trap", f"trap '{EVIL}' DEBUG", at_prompt=True),
    Poison("RETURN, ERR and EXIT traps", f"trap '{EVIL}' RETURN ERR EXIT", "false"),
    Poison("PROMPT_COMMAND", f"PROMPT_COMMAND=('{EVIL}')", ":", True),
    Poison("PS1", f"PS1='$({EVIL})$ '", ":", True),
    Poison("PS0", f"PS0='$({EVIL})'", ":", True),
    Poison("PS4 of set -x", f"PS4='$({EVIL})'; set -x"),
    Poison("bind -x", f"bind -x '\"\\C-m\": {EVIL}'; bind -x '\"z\": {EVIL}'", ""),
    Poison("BASH_ENV", f"echo '{EVIL}' >/tmp/e; export BASH_ENV=/tmp/e", "bash -c :"),
    Poison("ENV", f"echo '{EVIL}' >/tmp/e; export ENV=/tmp/e", "sh -i -c : </dev/null"),
    Poison("LD_PRELOAD", "export LD_PRELOAD=/tmp/missing.so"),
    Poison(
        "LD_LIBRARY_PATH", "mkdir -p /tmp/l; : >/tmp/l/libc.so.6; export LD_LIBRARY_PATH=/tmp/l"
    ),
    Poison("IFS", "readonly IFS=a; x='ls -a data'", "$x"),
    Poison("QUOTING_STYLE and other variables of ls", "export QUOTING_STYLE=c"),
    Poison("set -f, set -k and POSIXLY_CORRECT", "set -fk; export POSIXLY_CORRECT=1", "ls data -a"),
    Poison(
        "command_not_found_handle", f"command_not_found_handle() {{ {EVIL}; }}", "no-such-program"
    ),
    Poison("complete -C", f"complete -C '{EVIL}' -D", ""),
    Poison("umask", "umask 777", "umask"),
    Poison("ulimit", "ulimit -v 100"),
    Poison("another directory and CDPATH", "mkdir -p /tmp/data; cd /tmp; export CDPATH=/tmp"),
    Poison("a redirected shell", "exec >/tmp/out 2>&1"),
    Poison("ignored signals", "trap '' INT TERM PIPE CHLD HUP", ""),
    Poison(
        "start files in the home",
        f"echo '{EVIL}' | tee ~/.bashrc ~/.profile ~/.bash_profile",
        "bash -lc :",
    ),
    Poison(
        "GIT_ variables",
        f"export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsmonitor GIT_CONFIG_VALUE_0='{EVIL};:'",
        REPOSITORY,
    ),
    Poison("~/.gitconfig", f"git config --global core.fsmonitor '{EVIL};:'", REPOSITORY),
    Poison(
        "~/.config/git",
        f"mkdir -p ~/.config/git; printf '[core]\\nfsmonitor={CANARY}.sh\\n' "
        f">~/.config/git/config; printf '#!/bin/sh\\n{EVIL}\\n' >{CANARY}.sh; chmod +x {CANARY}.sh",
        REPOSITORY,
    ),
    Poison("the repository's own fsmonitor", f"git config core.fsmonitor '{EVIL};:'", REPOSITORY),
    Poison(
        "PYTHONPATH",
        'mkdir -p /tmp/py; echo \'open("/tmp/pwn","w")\' >/tmp/py/usercustomize.py; '
        "export PYTHONPATH=/tmp/py",
        "python3 -c pass",
    ),
    Poison(
        "Python's user folder",
        "d=$(python3 -m site --user-site); mkdir -p $d; "
        'echo \'open("/tmp/pwn","w")\' >$d/usercustomize.py',
        "python3 -c pass",
    ),
    Poison(
        "programs in the home",
        f"{FAKE}; mkdir -p ~/bin ~/.local/bin; cp /tmp/bin/ls ~/.local/bin; "
        "PATH=~/.local/bin:$PATH",
    ),
)


async def test_an_allowed_command_runs_what_it_says(box: DockerBox, hand: Hand) -> None:
    made = await box.exec(["bash", "-c", "git init -q . && mkdir data && echo hello >data/a.txt"])
    assert made.status == 0, made.stderr
    clean = {p.probe: await box.exec(["bash", "-c", p.probe]) for p in POISONS}
    for poison in POISONS:
        await box.exec(["rm", "-f", CANARY])
        async with poisoned(hand, box, poison):
            if poison.probe and not poison.fatal:
                shown = (await hand.run(poison.probe)).output
                bites = (await box.exec(["test", "-e", CANARY])).status == 0
                before = clean[poison.probe].stdout.decode()
                assert bites or shown != before, f"{poison.name} does nothing, and proves nothing"
            await box.exec(["rm", "-f", CANARY])
            allowed = (hold(box, *command, poison.name) for command in EXPECTED.items())
            await asyncio.gather(*allowed)
            if not poison.at_prompt:
                assert (await box.exec(["test", "-e", CANARY])).status == 1, poison.name


@asynccontextmanager
async def poisoned(hand: Hand, box: DockerBox, poison: Poison) -> AsyncIterator[None]:
    """The agent's shell, poisoned; a new one afterwards."""
    if not poison.fatal:
        await hand.run(poison.text)
        yield
        assert (await hand.run("exit")).shell_died, poison.name
        return
    await box.exec(["mkfifo", "/tmp/ready"])
    running = asyncio.create_task(hand.run(f"{poison.text}; /bin/echo >/tmp/ready"))
    await box.exec(["cat", "/tmp/ready"])
    yield
    await box.exec(["pkill", "-KILL", "-f", "rcfile /opt/pocketcoder/shell.bash"])
    assert (await running).shell_died, poison.name
    await box.exec(["rm", "/tmp/ready"])


async def hold(box: DockerBox, command: str, output: bytes | None, poison: str) -> None:
    """A rule allows the command, and it prints what it prints in a clean box."""
    rule = allow(command)
    assert rule is not None
    action = replace(shell(command), id=new_id())
    verdict = judge(action, rules=[rule], now=1.0)
    assert verdict.outcome is Outcome.ALLOW
    assert argv_of(action) == verdict.argv
    done = finish_fresh(action, await run_fresh(action, box, KEPT), KEPT)
    assert (done.status, done.error) == (0, ""), (poison, command)
    assert output is None or done.output == output.decode(), (poison, command)


async def test_the_environment_is_the_whole_environment(box: DockerBox) -> None:
    done = await box.exec(fresh_argv(["env", "-0"], "/workspace"))
    lines = done.stdout.decode().split("\0")[:-1]
    assert dict(line.split("=", 1) for line in lines) == ENVIRONMENT


async def test_the_program_is_one_of_the_system_or_none(box: DockerBox, workspace: Path) -> None:
    (workspace / "mine").write_text("#!/bin/sh\necho mine\n")
    (workspace / "mine").chmod(0o755)
    assert (await box.exec(fresh_argv(["mine"], "/workspace"))).status == 127
    assert (await box.exec(fresh_argv(["./mine"], "/workspace"))).stdout == b"mine\n"
    assert (await box.exec(fresh_argv(["ls"], "/workspace/gone"))).status == 125
    found = await box.exec(fresh_argv(["readlink", "/proc/self/exe"], "/workspace"))
    assert found.stdout.startswith(b"/usr/bin/")
    seen = await box.exec(fresh_argv(["readlink", "/proc/self/cwd", "/proc/self/fd/0"], "/tmp"))
    assert seen.stdout.split() == [b"/tmp", b"/dev/null"]


def test_there_are_enough_kinds() -> None:
    assert len({poison.name for poison in POISONS}) == len(POISONS) >= 21
