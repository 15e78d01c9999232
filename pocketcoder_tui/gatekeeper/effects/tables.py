"""What is known about programs: which only look, which write what, which use the network. Data."""

from pocketcoder_tui.gatekeeper.programs import names

__all__ = [
    "ALL_WRITTEN",
    "BUILDERS",
    "DESTROYERS",
    "DOWNLOADERS",
    "GIT_DESTROYS",
    "GIT_FORCES",
    "GIT_LOOKS",
    "GIT_NETWORK",
    "GIT_RECORDS",
    "GIT_SETTINGS",
    "GIT_TREE",
    "HARMLESS_VARIABLES",
    "HOST_FIRST",
    "LOOKS",
    "LOOKS_MOSTLY",
    "MODES",
    "PACKERS",
    "PATTERN_FIRST",
    "PRIVILEGED",
    "QUIET",
    "REGISTRY",
    "SETTINGS",
    "SHELL_CHANGES",
]

LOOKS = names(
    """ls cat head tail wc grep egrep fgrep cut tr nl od stat du df basename dirname realpath
    readlink pwd echo printf true false test [ [[ expr seq whoami id uname hostname printenv which
    type diff cmp comm md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum
    base64 base32
    strings column fold fmt paste join rev tac jq yes sleep nproc free ps pgrep uptime factor numfmt
    tsort pr expand unexpand look eza exa locale getconf lsof tput clear break continue return
    times :"""
)
"""They only look, whatever options they are given."""

LOOKS_MOSTLY = names("sort shuf sed find fd tree date rg yq uniq xxd hexdump file bat hash history")
"""They look, but have options that write files or run programs (``files``)."""

QUIET = names("/dev/null /dev/stdout /dev/stderr /dev/stdin /dev/tty /dev/fd /dev/zero /dev/random")
"""Devices that keep nothing."""

PATTERN_FIRST = names("grep egrep fgrep rg sed jq yq tr expr")
"""Their first argument is no file."""

ALL_WRITTEN = {"touch": "", "mkdir": "m", "tee": "", "truncate": "sr", "mkfifo": "m", "mknod": "m"}
"""Programs that write every file they are given, and their short options that take a value."""

PACKERS = names(
    """tar unzip zip gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd 7z 7za cpio ar patch rsync split
    csplit dos2unix unix2dos install pax unrar"""
)
"""They write files that the text does not name."""

MODES = {"chmod": "permissions", "chown": "owner", "chgrp": "group", "setfacl": "permissions"}
"""What of its files each changes."""

PRIVILEGED = names(
    """sudo doas su pkexec runuser setcap capsh mount umount insmod modprobe rmmod sysctl iptables
    nft ufw useradd usermod userdel groupadd passwd visudo chroot nsenter unshare newgrp sg
    systemctl service setenforce swapon swapoff"""
)
"""They act with more rights than the person's, or change who has them. In the box none has."""

DESTROYERS = {
    "mkfs": "Makes a new file system, which deletes what was there.",
    "fdisk": "Changes the partitions of a disk.",
    "parted": "Changes the partitions of a disk.",
    "sfdisk": "Changes the partitions of a disk.",
    "wipefs": "Deletes a file system's marks.",
    "mkswap": "Makes swap space, which deletes what was there.",
    "shred": "Overwrites a file so that it cannot be brought back.",
    "shutdown": "Turns the machine off.",
    "reboot": "Starts the machine again.",
    "halt": "Turns the machine off.",
    "poweroff": "Turns the machine off.",
    "telinit": "Changes what the machine runs.",
    "killall": "Ends every program of a name.",
    "pkill": "Ends every program that fits a pattern.",
    "crontab": "Sets commands that run later by themselves.",
    "at": "Sets commands that run later by themselves.",
}
"""Programs that are marked whatever they are given."""

BUILDERS = names(
    """make gmake ninja cmake ctest npm pnpm yarn npx pnpx bunx bun deno node nodejs tsx ts-node
    pytest py.test tox nox python pypy ipython perl ruby rake bundle php lua julia rscript cargo
    rustc go mvn gradle sbt just task mix dotnet swift jest vitest mocha tsc eslint prettier
    webpack vite rollup esbuild pre-commit mypy pylint ruff black isort flake8 rspec phpunit
    composer stack cabal ghc zig bazel meson java javac gcc g++ cc clang clang++ uv uvx poetry
    pipenv hatch rye pipx docker podman gdb awk gawk mawk nawk direnv husky lefthook"""
)
"""They run code that is in the workspace, or in the command itself."""

DOWNLOADERS = names("curl wget aria2c axel lynx w3m links http https httpie xh")
HOST_FIRST = names(
    """ssh scp sftp rsync nc ncat netcat telnet ftp ping dig nslookup host whois traceroute socat
    openssl mosh nmap ftp tftp"""
)
"""They reach the host that they are given."""

REGISTRY = {
    "pip": names("install download wheel index search"),
    "uv": names("add sync lock pip run tool"),
    "poetry": names("install add update lock publish"),
    "npm": names("install i ci add update publish audit outdated view exec"),
    "pnpm": names("install i add update publish dlx audit"),
    "yarn": names("install add upgrade publish dlx audit"),
    "cargo": names("install add fetch update publish search build run test check"),
    "go": names("get install mod build run test"),
    "gem": names("install update push"),
    "bundle": names("install update"),
    "composer": names("install update require"),
    "apt": names("install update upgrade remove"),
    "apt-get": names("install update upgrade dist-upgrade remove"),
    "apk": names("add update upgrade"),
    "dnf": names("install update upgrade"),
    "yum": names("install update"),
    "brew": names("install update upgrade"),
    "docker": names("pull push build run login"),
    "podman": names("pull push build run login"),
    "twine": names("upload"),
    "gh": names("pr issue release repo api auth run"),
}
"""Programs that reach a service on the network of their own accord, and by which words."""

GIT_LOOKS = names(
    """status log diff show blame grep ls-files ls-tree rev-parse rev-list describe shortlog
    cat-file for-each-ref name-rev merge-base whatchanged count-objects version help check-ignore
    check-attr diff-tree diff-index diff-files show-ref show-branch cherry range-diff annotate var
    verify-commit verify-tag"""
)
GIT_RECORDS = names("add commit branch tag notes reflog stage mktag write-tree commit-tree gc")
"""They change only what is in ``.git``, in the ways that git has for it; commit runs hooks."""
GIT_TREE = names(
    """checkout switch restore merge rebase pull reset stash apply am cherry-pick revert clean clone
    submodule bisect worktree rm mv sparse-checkout read-tree checkout-index"""
)
"""They write or delete files that the text need not name."""
GIT_NETWORK = names("clone fetch pull push ls-remote archive send-email request-pull")
GIT_SETTINGS = names("config init remote submodule clone worktree maintenance lfs filter-branch")
"""They write git's settings."""
GIT_DESTROYS = {
    ("reset", "--hard"): "Throws away every change that was not committed.",
    ("clean", ""): "Deletes files that git does not know; they cannot be brought back by git.",
    ("filter-branch", ""): "Rewrites the history.",
    ("filter-repo", ""): "Rewrites the history.",
    ("rebase", ""): "Rewrites the history of this branch.",
    ("commit", "--amend"): "Replaces the last commit.",
    ("branch", "-D"): "Deletes a branch even if its commits are nowhere else.",
    ("tag", "-d"): "Deletes a tag.",
    ("stash", "drop"): "Throws away changes that were put aside.",
    ("stash", "clear"): "Throws away everything that was put aside.",
    ("checkout", "."): "Throws away changes that were not committed.",
    ("checkout", "--force"): "Throws away changes that were not committed.",
    ("checkout", "-f"): "Throws away changes that were not committed.",
    ("restore", ""): "Throws away changes that were not committed.",
    ("reflog", "expire"): "Deletes the record from which lost commits are found again.",
    ("gc", "--prune=now"): "Deletes commits that no branch names.",
    ("update-ref", ""): "Moves a branch by hand.",
    ("push", "--delete"): "Deletes a branch on the other side.",
    ("push", "--mirror"): "Makes the other side the same as this one, deleting what is only there.",
}
"""A subcommand, and the word that makes it dangerous (none: it always is)."""
GIT_FORCES = names("-f --force --force-with-lease --force-if-includes")

SHELL_CHANGES = {
    "alias": "From now on a word of the shell means another command.",
    "unalias": "Changes what words of the shell mean.",
    "enable": "Switches commands of the shell on or off.",
    "hash": "Changes which program a name starts.",
    "bind": "Changes what keys do in the shell.",
    "trap": "Sets a command that the shell runs later by itself.",
    "set": "Changes how the shell reads later commands.",
    "shopt": "Changes how the shell reads later commands.",
    "export": "Sets a variable for every later program.",
    "declare": "Sets a variable of the shell.",
    "typeset": "Sets a variable of the shell.",
    "readonly": "Sets a variable of the shell for good.",
    "local": "Sets a variable of the shell.",
    "unset": "Removes a variable or function of the shell.",
    "source": "Runs a file in the shell itself.",
    ".": "Runs a file in the shell itself.",
    "exec": "Replaces the shell, or leads its input or output elsewhere.",
    "umask": "Changes the permissions of files made later.",
    "ulimit": "Changes how much later programs may use.",
    "history": "Changes the shell's history.",
    "complete": "Changes what the tab key does.",
    "exit": "Ends the shell.",
    "logout": "Ends the shell.",
    "popd": "Goes to another directory.",
    "disown": "Lets a program go on after the shell ends.",
}
"""Builtins after which the same text may do something else."""

SETTINGS = names(
    """PATH IFS ENV BASH_ENV CDPATH HOME SHELL PS0 PS1 PS2 PS4 PROMPT_COMMAND GLOBIGNORE SHELLOPTS
    BASHOPTS LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5LIB
    PERL5OPT RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH JAVA_TOOL_OPTIONS EDITOR VISUAL PAGER BROWSER
    GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR GIT_ASKPASS TMPDIR HISTFILE FCEDIT
    MAKEFLAGS CC CXX LESSOPEN LESSCLOSE MANPAGER RIPGREP_CONFIG_PATH"""
)
"""Variables that decide what programs run or read; so do all that begin with GIT_ or LD_."""

HARMLESS_VARIABLES = names("LANG TZ TERM COLUMNS LINES NO_COLOR FORCE_COLOR CLICOLOR CI")
"""Variables that change how something is printed, and nothing else."""
