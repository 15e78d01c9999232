"""What programs are, by name: shells, interpreters, wrappers and the shell's own words. Data."""

import re

__all__ = [
    "BUILTINS",
    "INTERPRETERS",
    "RESERVED",
    "SCREENS",
    "SHELLS",
    "WRAPPERS",
    "family",
    "names",
]

_VERSIONED = re.compile(
    r"(python|pypy|perl|ruby|irb|lua|php|node|nodejs|tclsh|wish|gcc|g\+\+|clang|clang\+\+|pip|g?awk"
    r"|mawk|java|erl|sqlite|psql|ghc|ghci|ocaml|guile|bash|zsh|ksh|vim|emacs|ipython|make|git|sudo)"
    r"[-.]?[0-9][0-9.]*"
)
"""Names under which several versions of a program are installed."""


def names(text: str) -> frozenset[str]:
    """A set of the words of a text; the lists below read better so."""
    return frozenset(text.split())


SHELLS = names(
    """sh bash dash zsh ksh mksh ash fish csh tcsh rbash yash pwsh busybox toybox elvish nu"""
)
"""They run text as commands."""

INTERPRETERS = names(
    """python pypy perl ruby irb node nodejs deno bun php lua luajit tclsh expect wish
    awk gawk mawk nawk rscript julia java jshell groovy scala kotlin ghci runghc runhaskell
    erl escript elixir iex ocaml guile racket sbcl clisp gdb lldb sqlite psql mysql m4 bc dc
    osascript ts-node tsx ipython jupyter emacsclient ex ed"""
)
"""They run text, or a file that can be changed, as a program."""

WRAPPERS = names(
    """env sudo doas su runuser pkexec xargs nohup timeout nice time gtime stdbuf setsid ionice chrt
    taskset setpriv unshare nsenter chroot flock watch parallel strace ltrace script unbuffer
    command builtin exec eval coproc source . trap systemd-run at batch start-stop-daemon ssh
    npx pnpx bunx uvx pipx uv poetry pipenv hatch rye direnv dotenv docker podman kubectl
    entr prlimit setarch linux32 linux64 i386 x86_64 faketime fakeroot proot bwrap
    firejail proxychains torsocks tsocks catchsegv valgrind perf rlwrap tmux screen
    run-parts dbus-run-session xvfb-run choom cpulimit cgexec capsh newgrp sg"""
)
"""They run whatever program they are given."""

SCREENS = names(
    """vi vim nvim view vimdiff nano pico emacs micro helix hx less more most man info top htop btop
    tig lazygit mc ranger dialog whiptail"""
)
"""They need a terminal, which a command that runs by a rule does not have."""

RESERVED = names(
    """! case coproc do done elif else esac fi for function if in select then time until while
    { } [[ ]]"""
)
"""Bash manual, Reserved Words."""

BUILTINS = names(
    """. : alias bg bind break builtin caller cd command compgen complete compopt continue declare
    dirs disown enable eval exec exit export fc fg getopts hash help history jobs let local
    logout mapfile popd pushd read readarray readonly return set shift shopt source suspend times
    trap type typeset ulimit umask unalias unset wait"""
)
"""Bash manual, Shell Builtin Commands, without those that exist as programs too."""


def family(program: str) -> str:
    """The name by which a program is known: without folders, version and capitals.

    ``/usr/bin/python3.11`` is ``python``.
    """
    name = program.rpartition("/")[2].casefold()
    versioned = _VERSIONED.fullmatch(name)
    return name if versioned is None else versioned[1]
