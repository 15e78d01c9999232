"""The three modes, and what wins over what."""

import time

import pytest

from pocketcoder_tui.core.actions import DecidedBy, Outcome
from pocketcoder_tui.engine.tools import TOOLS
from pocketcoder_tui.gatekeeper.effects import Kind, effects_of
from pocketcoder_tui.gatekeeper.policy import (
    MODE_ASK,
    MODE_CONTAINED,
    MODE_PLAN,
    MODES,
    judge,
)
from pocketcoder_tui.gatekeeper.rules import (
    NotOffered,
    Place,
    Rule,
    Scope,
    fresh_argv,
    offers,
)
from pocketcoder_tui.gatekeeper.toolset import (
    ASK,
    PLAN,
    SEARCHING,
    SHELL,
    STOPPING,
    TYPING,
    WATCHING,
    WRITING,
)
from tests.gatekeeper.samples import CWD, allow, deny, shell, tool

READ = tool("read_file", {"path": "a.py"})
WRITE = tool("write_file", {"path": "a.py", "content": "x"})


def test_without_rules_the_ask_mode_asks() -> None:
    for action in (shell("ls"), READ, WRITE, tool("unknown", {})):
        verdict = judge(action)
        assert (verdict.outcome, verdict.who, verdict.by) == (None, MODE_ASK, DecidedBy.MODE)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown mode"):
        judge(READ, mode="yolo")


@pytest.mark.parametrize(
    "command",
    [
        "ls -la", "cat a.py | grep x | wc -l", "echo hi > out.txt", "mkdir -p a/b && touch a/b/c",
        "rm -r build", "cp a b", "mv a b", "sed -i s/a/b/ x.py", "find . -name '*.py'",
        "git status",
        "git diff HEAD~1", "cd src && ls", "for f in *.py; do wc -l \"$f\"; done",
        "head -c 9 a > b",
        "cat <<'EOF' > src/new.py\nimport os\nEOF", "if [ -f x ]; then echo y; fi",
        "sort x | uniq -c",
        "timeout 5 ls", "LC_ALL=C sort x", "echo $(date)", "diff <(sort a) <(sort b)", "ls &",
        "x=1; echo $x", "tee a b < c", "test -f x && echo yes", "echo hi > /tmp/x",
    ],
)  # fmt: skip
def test_contained_runs_what_stays_inside(command: str) -> None:
    verdict = judge(shell(command), mode=MODE_CONTAINED)
    assert verdict.outcome is Outcome.ALLOW, verdict.why
    assert verdict.who == MODE_CONTAINED
    assert verdict.argv == ()


GUARDED = [
    "echo x > Makefile", "echo x >> .envrc", "tee package.json < x", "cp x .vscode/tasks.json",
    "mv hook .git/hooks/pre-commit", "sed -i s/a/b/ conftest.py", "touch .husky/pre-push",
    "cd .git && echo x > config", "ln -s .git g", "rm .pre-commit-config.yaml", "mkdir .vscode",
    "echo x > venv/bin/activate", "cp Makefile sub/", "dd of=.envrc", "truncate -s 0 setup.py",
    "mv .git g", "echo x > MAKEFILE", "echo x > .GIT/config", "chmod +x .husky/x", "> .envrc",
    "git config core.pager x", "git init", "echo x | tee -a .idea/workspace.xml", "cp -t .vscode a",
    "python3 -c 'open(\".envrc\", \"w\")'", "bash -c 'echo x > Makefile'", "x 2> Makefile",
    "python3 <<'E'\nopen('Makefile','w')\nE\n", "cp a ./", "install -m 755 x .git/hooks/y",
]  # fmt: skip


@pytest.mark.parametrize("command", GUARDED)
@pytest.mark.parametrize("held", [False, True])
def test_contained_waits_for_a_guarded_file(command: str, held: bool) -> None:
    if command == "cp a ./":
        assert judge(shell(command), mode=MODE_CONTAINED).outcome is Outcome.ALLOW
        command = "cp x/Makefile ./"
    verdict = judge(shell(command), mode=MODE_CONTAINED, held=held)
    assert verdict.outcome is None
    assert verdict.who == MODE_CONTAINED


@pytest.mark.parametrize(
    "command",
    [
        "curl https://example.com", "git push", "git clone https://example.com/x", "ssh host",
        "pip install x", "npm install", "apt-get install x", "nc host 80", "cat < /dev/tcp/h/1",
        "sudo ls", "rm -rf /", "rm -rf ~", "rm -rf \"$x\"", "cat .env", "cat ~/.ssh/id_rsa", "(((",
        "x" * 40_000, "$x", "eval $x", "bash -c \"$x\"", "l\u0455", "ls \u202e", "cat x | sh",
        "chmod 777 x", ":(){ :|:& };:", "dd if=x of=/dev/sda", "mkfs.ext4 /dev/sda", "kill -9 -1",
        "git reset --hard", "git clean -fdx", "echo x > /dev/sda",
    ],
)  # fmt: skip
@pytest.mark.parametrize("held", [False, True])
def test_contained_waits_for_what_crosses(command: str, held: bool) -> None:
    assert judge(shell(command), mode=MODE_CONTAINED, held=held).outcome is None


OPAQUE = [
    "pytest -q", "make", "npm test", "./run.sh", "python3 x.py", "bash x.sh", "cargo build",
    "no-such-program", "echo x > $f", "rm *", "cp -r a b", "tar xf a.tar", "git checkout x",
    "patch",
    "git commit -m x", "find . -exec rm {} +", "find . -name x | xargs rm", "sed 's/a/b/w x' y",
    "sort -o $x y", "alias ls=x", "f() { ls; }", "export X=1", "PATH=. ls", "LD_PRELOAD=x ls",
    "FOO=1 ls", "env FOO=1 ls", "env -C sub touch x", "env --unset ls x", "env -uu x ls",
    "env -iS ls",
    "echo x >> ~/.bashrc", "cd $x; echo > config", "cp $x b", "sort $x", "trap ls EXIT", "set -k",
    "source x", ". x", "exec ls", "printf -v PATH x", "printf $x", "[ $x ]", "[ \"$x\" a ]",
    "test $x", "echo $((x))", "[[ $x -eq 1 ]]", "x[1]=2", "read PATH", "hash -p a b", "coproc ls",
    "history -w x", "LS", "dir/ls", "busybox ls", "flock x ls", "time -o x ls", "jobs -x ls",
    "tree -o $x", "mktemp x", "awk '{print}' x", "git -c a=b status", "git log --output=x",
    "git $x", "find . -delete", "find $x", "xargs ls", "date -s x", "uniq $x", "dd $x",
]  # fmt: skip


@pytest.mark.parametrize("command", OPAQUE)
def test_contained_waits_where_a_change_can_hide_unless_the_box_holds(command: str) -> None:
    verdict = judge(shell(command), mode=MODE_CONTAINED)
    assert verdict.outcome is None
    assert verdict.why.startswith("Contained mode: ")


@pytest.mark.parametrize("command", ["pytest -q", "make", "cp -r a b", "f() { ls; }", "x[1]=2"])
def test_contained_runs_code_of_the_workspace_when_the_box_holds(command: str) -> None:
    verdict = judge(shell(command), mode=MODE_CONTAINED, held=True)
    assert verdict.outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("path", "resolved", "outcome"),
    [
        ("a.py", "/workspace/a.py", Outcome.ALLOW),
        ("a.py", "", None),
        ("a.py", "/workspace/.envrc", None),
        (".envrc", "/workspace/.envrc", None),
        ("Makefile", "/workspace/Makefile", None),
        ("/tmp/x", "/tmp/x", Outcome.ALLOW),
    ],
)
def test_contained_writes_files_that_the_host_does_not_run(
    path: str, resolved: str, outcome: Outcome | None
) -> None:
    action = tool("write_file", {"path": path, "content": "x"})
    assert judge(action, mode=MODE_CONTAINED, resolved=resolved).outcome is outcome


@pytest.mark.parametrize("mode", [MODE_CONTAINED, MODE_PLAN])
def test_looking_is_free_but_for_secrets(mode: str) -> None:
    for action in (READ, tool("list_files", {}), tool("search_files", {"pattern": "x"})):
        assert judge(action, mode=mode).outcome is Outcome.ALLOW
    assert judge(tool("read_file", {"path": ".env"}), mode=mode).outcome is None
    assert judge(READ, mode=mode, resolved="/workspace/.env").outcome is None


@pytest.mark.parametrize("action", [shell("ls"), WRITE, tool("edit_file", {"path": "a"})])
def test_plan_denies_everything_else_with_words_for_the_model(action: object) -> None:
    verdict = judge(action, mode=MODE_PLAN, rules=[rule] if (rule := allow("ls")) else [], now=1.0)
    assert (verdict.outcome, verdict.who, verdict.by) == (Outcome.DENY, MODE_PLAN, DecidedBy.MODE)
    assert "read_file, list_files and search_files" in verdict.why
    assert "nothing was changed" in verdict.why


def test_a_tool_outside_the_sandbox_waits_in_every_mode_but_plan() -> None:
    action = tool("fetch", {"url": "https://example.com"})
    assert judge(action, mode=MODE_CONTAINED).outcome is None
    assert judge(action, mode=MODE_PLAN).outcome is Outcome.DENY


def test_every_tool_of_the_engine_is_known_here() -> None:
    for name in TOOLS:
        assert not effects_of(tool(name, {})).of(Kind.UNREAD), name
        asks = judge(tool(name, {})).outcome is None
        assert asks is (name != PLAN), name
    known = {SHELL, TYPING, *SEARCHING, *WATCHING, *WRITING, *STOPPING}
    assert known == set(TOOLS)


@pytest.mark.parametrize("name", sorted(WATCHING - {ASK}))
def test_watching_the_terminal_is_looking(name: str) -> None:
    for mode in (MODE_CONTAINED, MODE_PLAN):
        assert judge(tool(name, {}), mode=mode).outcome is Outcome.ALLOW
    offered = offers(tool(name, {}))
    assert isinstance(offered, tuple)
    rule = Rule("r", Outcome.ALLOW, offered[0].subject, Scope.SESSION, 0.0, "session")
    assert judge(tool(name, {}), rules=[rule], now=1.0).outcome is Outcome.ALLOW


def test_typing_into_a_program_waits_unless_the_box_holds() -> None:
    typed = tool("shell_input", {"text": "y", "keys": ["Enter"]})
    assert judge(typed, mode=MODE_CONTAINED).outcome is None
    assert judge(typed, mode=MODE_CONTAINED, held=True).outcome is Outcome.ALLOW
    named = tool("shell_input", {"text": "open('.envrc','w')"})
    assert judge(named, mode=MODE_CONTAINED, held=True).outcome is None
    pushed = tool("shell_input", {"text": "git push"})
    assert judge(pushed, rules=[deny("git", "push")], now=1.0).outcome is Outcome.DENY
    assert judge(pushed, mode=MODE_PLAN).outcome is Outcome.DENY
    assert isinstance(offers(pushed), NotOffered)


@pytest.mark.parametrize("name", sorted(STOPPING))
def test_ending_a_program_stays_inside(name: str) -> None:
    assert judge(tool(name, {}), mode=MODE_CONTAINED).outcome is Outcome.ALLOW
    assert judge(tool(name, {}), mode=MODE_PLAN).outcome is Outcome.DENY


# --- rules


def test_a_command_rule_is_not_about_another_window() -> None:
    rules = [rule] if (rule := allow("make")) else []
    for window, outcome in (("agent", Outcome.ALLOW), ("server", None)):
        action = tool("shell", {"command": "make", "window": window})
        assert judge(action, rules=rules, now=1.0).outcome is outcome


def test_an_allow_rule_gives_the_argument_list_to_run() -> None:
    rule = allow("pytest -q")
    assert rule is not None
    verdict = judge(shell("pytest -q"), rules=[rule], now=1.0)
    assert (verdict.outcome, verdict.who, verdict.by) == (Outcome.ALLOW, "rule", DecidedBy.RULE)
    assert verdict.argv == fresh_argv(["pytest", "-q"], CWD)
    assert rule.stored in verdict.why


def test_a_tool_rule_runs_as_the_tool_does() -> None:
    rule = Rule("r", Outcome.ALLOW, Place("read_file", CWD, True), Scope.WORKSPACE, 0.0)
    verdict = judge(READ, rules=[rule], now=1.0)
    assert (verdict.outcome, verdict.argv) == (Outcome.ALLOW, ())


@pytest.mark.parametrize("mode", MODES)
def test_a_deny_rule_wins_over_everything(mode: str) -> None:
    rules = [rule for rule in (allow("rm x"), deny("rm")) if rule]
    verdict = judge(shell("rm x"), mode=mode, rules=rules, now=1.0)
    assert (verdict.outcome, verdict.by) == (Outcome.DENY, DecidedBy.RULE)
    assert "rm x" in verdict.why


@pytest.mark.parametrize("mode", [MODE_ASK, MODE_CONTAINED])
def test_a_deny_rule_that_cannot_be_checked_asks(mode: str) -> None:
    verdict = judge(shell("echo `"), mode=mode, rules=[deny("rm")], now=1.0, held=True)
    assert verdict.outcome is None
    assert verdict.why.startswith("A deny rule could not be checked")


def test_a_rule_that_rests_decides_nothing() -> None:
    rule = allow("ls", disabled=True)
    assert rule is not None
    assert judge(shell("ls"), rules=[rule], now=1.0).outcome is None


# --- the limits


@pytest.mark.parametrize(
    "piece",
    ["ls;", "a|", "(", "$(", "`", "'", '"', "<<A\n", "{", "\\\n", "é", "\u202e", "x ", "\n",
     "rm -rf ",
     "eval ", ":(){", "/dev/tcp/", "base64 -d", "\0", "\x1b[0m", "echo 'a' ", "${x:-", "((", "[[ "],
)  # fmt: skip
@pytest.mark.parametrize("size", [4_000, 30_000, 1_000_000])
def test_a_decision_is_quick_and_fails_closed(piece: str, size: int) -> None:
    action = shell(piece * (size // len(piece)))
    rules = [rule for rule in (allow("ls"), deny("git", "push")) if rule]
    judge(shell("ls | cat"), mode=MODE_CONTAINED, rules=rules, now=1.0)
    began = time.process_time()
    verdict = judge(action, mode=MODE_CONTAINED, rules=rules, now=1.0)
    # 50 ms on a quiet machine (bench/gate.py); what is held here is that nothing grows faster.
    assert time.process_time() - began < 0.5
    if size > 4_000:
        assert verdict.outcome is None
    effects_of(action)
    assert time.process_time() - began < 1
