"""How a command runs that a rule allows: its argument list, in a process that inherits nothing.

Not through the agent's shell. There an alias, a function, ``hash -p``, a DEBUG trap, ``bind -x``,
``enable -n``, a changed PATH, IFS or LD_PRELOAD decide what ``ls`` means. Whatever text were typed
or sourced to get around them, a shell that the agent prepared would be the one to read it: a trap
runs before its first word, and ``builtin`` and ``exec`` can be functions. No text is robust there.

So the list goes to ``Box.exec``, which starts a process that is no child of that shell, with the
container's environment. ``env -i`` drops that too and sets the few variables below; it looks for
the program in the system's own folders, which are read-only in the box, and nowhere else. HOME
does not exist, because the box's home can be written by the agent and ``~/.gitconfig`` or
``~/.npmrc`` would decide what a program does. There is no terminal and no standard input, and what
the program prints belongs to the transcript.

What remains is what the command itself reads: ``make test`` runs the Makefile of that moment. The
offer says so (``offers``).
Source: env(1) of GNU coreutils 9.1, execvp(3).
"""

from collections.abc import Sequence

__all__ = ["ENVIRONMENT", "FOLDERS", "fresh_argv"]

FOLDERS = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
)
"""Where a program is looked for, in this order; each is on the box's read-only file system."""

ENVIRONMENT = {
    "PATH": ":".join(FOLDERS),
    "HOME": "/nonexistent",
    "USER": "agent",
    "LOGNAME": "agent",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "PAGER": "cat",
    # A repository may name programs that git runs by itself; these two need no option to do so.
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath",
    "GIT_CONFIG_VALUE_1": "/nonexistent",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
}
"""The whole environment of a command that a rule allows."""


def fresh_argv(argv: Sequence[str], cwd: str) -> tuple[str, ...]:
    """What ``Box.exec`` is given for a rule's argument list and directory.

    The status 127 means that the system's folders hold no such program, 125 that the directory is
    gone; nothing ran then.
    """
    variables = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    return ("/usr/bin/env", "-i", f"--chdir={cwd}", *variables, *argv)
