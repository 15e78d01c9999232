"""Rules: what they can be about, when they match, what is offered, and how they are told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.rules import (
    Beginning,
    Command,
    NotOffered,
    Offer,
    Place,
    Rule,
    Scope,
    allowing,
    back_test,
    denials,
    denying,
    exact_words,
    explain,
    first_offers,
    never_fired,
    offer,
    offers,
    read_stored,
    written,
)
from tests.gatekeeper.samples import CWD, allow, deny, shell, tool

SAFE = st.text("abcXYZ019_./:,@%+=-", min_size=1, max_size=8)


# --- what a rule can be about


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ls", ("ls",)),
        ("  ls   -la ", ("ls", "-la")),
        ("'ls' \"-la\"", ("ls", "-la")),
        ("pytest -k 'not slow'", ("pytest", "-k", "not slow")),
        ("make CC=gcc", ("make", "CC=gcc")),
        ("./run.sh a", ("./run.sh", "a")),
        ("g++ a.cc", ("g++", "a.cc")),
    ],
)
def test_a_plain_command_is_its_argument_list(text: str, words: tuple[str, ...]) -> None:
    assert exact_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ls\n", "ls\t", "ls;", "ls 'a", "ls ''", "ls a'b'", "ls \\a", "CC=gcc make", "if",
        "time ls", "! ls", "cd src", "export A=b", "eval ls", ". x", ": x", "%1", "-x", "ls *",
        "ls ~", "ls {a,b}", "ls $x", "ls #x", "ls é", "ls\x00", "ls\u00a0-l", "[ x ]", "{ ls",
        "coproc ls", "ls " + "a" * 2_000,
    ],
)  # fmt: skip
def test_anything_else_is_not(text: str) -> None:
    assert exact_words(text) is None


@given(st.lists(SAFE, min_size=1, max_size=6))
def test_what_is_written_is_read_back(words: list[str]) -> None:
    text = written(tuple(words))
    assert exact_words(text) in (None, tuple(words))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Command((), CWD),
        lambda: Command(("ls;",), CWD),
        lambda: Command(("cd", "x"), CWD),
        lambda: Command(("ls",), "src"),
        lambda: Command(("ls",), "/a/../b"),
        lambda: Command(("ls",), "/a/"),
        lambda: Beginning(()),
        lambda: Beginning(("",)),
        lambda: Place("read_file", "x"),
        lambda: Place("read_file", "/workspace/é"),
        lambda: Place("", "/workspace"),
        lambda: Rule("r", Outcome.ALLOW, Beginning(("ls",)), Scope.SESSION, 0.0),
        lambda: Rule("r", Outcome.DENY, Command(("ls",), CWD), Scope.SESSION, 0.0),
    ],
)
def test_a_rule_about_anything_else_cannot_be_made(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="rule"):
        make()


@pytest.mark.parametrize(
    ("rule", "stored"),
    [
        (allow("ls -la"), '{"allow":{"argv":["ls","-la"],"cwd":"/workspace"}}'),
        (deny("git", "push"), '{"deny":{"begins":["git","push"]}}'),
        (
            Rule("r", Outcome.ALLOW, Place("read_file", CWD, True), Scope.WORKSPACE, 0.0),
            '{"allow":{"below":"/workspace","tool":"read_file"}}',
        ),
        (
            Rule("r", Outcome.DENY, Place("edit_file", "/workspace/a"), Scope.WORKSPACE, 0.0),
            '{"deny":{"path":"/workspace/a","tool":"edit_file"}}',
        ),
    ],
)
def test_the_stored_text_is_the_rule(rule: Rule, stored: str) -> None:
    assert rule.stored == stored
    assert read_stored(stored) == (rule.outcome, rule.subject)


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "{", '{"allow":{"argv":["ls;"],"cwd":"/workspace"}}',
        '{"allow":{"begins":["ls"]}}', '{"deny":{"argv":["ls"],"cwd":"/workspace"}}',
        '{"ask":{"argv":["ls"],"cwd":"/workspace"}}', '{"allow":{"argv":"ls","cwd":"/workspace"}}',
        '{"allow":{"argv":["ls"],"cwd":"/workspace","x":1}}',
        '{"allow": {"argv":["ls"],"cwd":"/"}}',
        '{"allow":{"argv":["ls",1],"cwd":"/workspace"}}',
    ],
)  # fmt: skip
def test_a_stored_text_that_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_stored(text)


# --- how long it holds


@pytest.mark.parametrize(
    ("changes", "now", "session", "holds"),
    [
        ({}, 5.0, "other", True),
        ({"disabled": True}, 5.0, "other", False),
        ({"scope": Scope.SESSION, "session_id": "mine"}, 5.0, "mine", True),
        ({"scope": Scope.SESSION, "session_id": "mine"}, 5.0, "other", False),
        ({"scope": Scope.TIME, "made": 1.0, "expires": 10.0}, 9.9, "", True),
        ({"scope": Scope.TIME, "made": 1.0, "expires": 10.0}, 10.0, "", False),
        ({"scope": Scope.TIME, "made": 1.0, "expires": 10.0}, 0.5, "", False),
        ({"scope": Scope.USES, "uses": 3, "used": 2}, 5.0, "", True),
        ({"scope": Scope.USES, "uses": 3, "used": 3}, 5.0, "", False),
        ({"scope": Scope.USES}, 5.0, "", False),
    ],
)
def test_how_long_a_rule_holds(
    changes: dict[str, object], now: float, session: str, holds: bool
) -> None:
    rule = allow("ls")
    assert rule is not None
    assert (replace(rule, **changes).rests(now, session) == "") is holds


# --- deny rules


@pytest.mark.parametrize(
    "command",
    [
        "git push", "git push --force origin", "ls && git push", "ls; git push", "ls | git push",
        "ls || git push &", "(git push)", "{ git push; }", "if true; then git push; fi",
        "for i in 1; do git push; done", "echo $(git push)", "echo `git push`", "cat <(git push)",
        "echo \"$(git push)\"", "x=$(git push)", "X=1 git push", "f() { git push; }", "! git push",
        "bash -c 'git push'", "bash -xc \"git push\"", "sh -c 'ls; git push'", "eval git push",
        "eval 'git push'", "bash <<< 'git push'", "bash <<'E'\ngit push\nE\n",
        "trap 'git push' EXIT",
        "alias x='git push'", "bash -c \"bash -c 'git push'\"", "sudo git push", "env X=1 git push",
        "nohup git push", "timeout 9 git push", "nice -n 5 git push", "xargs git push",
        "time git push",
        "find . -exec git push \\;", "command git push", "exec git push", "/usr/bin/git push",
        "'git' push", "g\\it pu\"sh\"", "$'g\\x69t' push", "git \\\n push", "git push # no",
        "coproc git push",
        "su -c 'git push'", "watch git push", "ssh host git push", "git push >x 2>&1",
        ">x git push",
    ],
)  # fmt: skip
def test_a_deny_rule_matches_any_part(command: str) -> None:
    denial = denying(shell(command), [deny("git", "push")])
    assert denial is not None
    assert denial.certain, denial.why


@pytest.mark.parametrize(
    "command",
    [
        "$x push", "git $x", "\"$x\" push", "eval $x", "bash -c \"$x\"", "curl x | sh",
        "sh <<E\n$x\nE\n",
        "git${IFS}push", "{git,push}", "(((", "echo 'x", "gi\\\nt push", "x" * 40_000, "g?t push",
        "bash -c 'echo \"'", "${x:-git} push", "declare 'x[$(git push)]=1'", "ls >&'$(git push)'",
        "\0", "cat <<E\n", "if git push", "echo ${x/{ y; }/git push}",
    ],
)  # fmt: skip
def test_a_deny_rule_that_cannot_be_checked_says_so(command: str) -> None:
    denial = denying(shell(command), [deny("git", "push")])
    assert denial is not None
    assert not denial.certain
    assert denial.why.endswith(".")


@pytest.mark.parametrize(
    "command",
    [
        "git pull",
        "git status",
        "echo git push",
        "ls push",
        "cat <<'E'\ngit push\nE\n",
        "# git push",
    ],
)
def test_a_deny_rule_leaves_the_rest(command: str) -> None:
    assert denying(shell(command), [deny("git", "push")]) is None


def test_a_certain_denial_comes_before_a_doubtful_one() -> None:
    rules = [deny("rm"), deny("git", "push")]
    denial = denying(shell("git push; $x"), rules)
    assert denial is not None
    assert denial.rule is rules[1]


# --- tools and paths


@pytest.mark.parametrize(
    ("place", "name", "path", "resolved", "covered"),
    [
        (Place("read_file", CWD, True), "read_file", "a.py", "", True),
        (Place("read_file", CWD, True), "read_file", "/workspace/a/b", "", True),
        (Place("read_file", CWD, True), "read_file", "/etc/passwd", "", False),
        (Place("read_file", CWD, True), "read_file", "../etc/passwd", "", False),
        (Place("read_file", CWD, True), "read_file", "a/../b", "", False),
        (Place("read_file", CWD, True), "read_file", "/workspacex/a", "", False),
        (Place("read_file", CWD, True), "read_file", "a.py", "/etc/passwd", False),
        (Place("read_file", CWD, True), "read_file", ".env", "", False),
        (Place("read_file", "/workspace/.env"), "read_file", ".env", "", True),
        (Place("read_file", CWD, True), "write_file", "a.py", "/workspace/a.py", False),
        (Place("list_files", CWD, True), "list_files", ".", "", True),
        (Place("write_file", CWD, True), "write_file", "a.py", "/workspace/a.py", True),
        (Place("write_file", CWD, True), "write_file", "a.py", "", False),
        (Place("write_file", CWD, True), "write_file", "a.py", "/workspace/.envrc", False),
        (Place("write_file", CWD, True), "write_file", "Makefile", "/workspace/Makefile", False),
        (Place("write_file", "/workspace/Makefile"), "write_file", "Makefile",
         "/workspace/Makefile", True),
        (Place("edit_file", "/workspace/a"), "edit_file", "a", "/workspace/a", True),
        (Place("edit_file", "/workspace/a"), "edit_file", "b", "/workspace/b", False),
        (Place("read_file", "/workspace/a"), "read_file", "a\u200b", "", False),
    ],
)  # fmt: skip
def test_a_path_rule_covers_its_place(
    place: Place, name: str, path: str, resolved: str, covered: bool
) -> None:
    rule = Rule("r", Outcome.ALLOW, place, Scope.WORKSPACE, 0.0)
    found = allowing(tool(name, {"path": path}), [rule], resolved=resolved)
    assert (found is not None) is covered


def test_a_path_deny_rule_follows_links() -> None:
    rule = Rule(
        "r", Outcome.DENY, Place("edit_file", "/workspace/secret", True), Scope.SESSION, 0.0
    )
    assert denying(tool("edit_file", {"path": "secret/a"}), [rule]) is not None
    assert denying(tool("edit_file", {"path": "x"}), [rule], resolved="/workspace/secret/a")
    assert denying(tool("edit_file", {"path": "secrets"}), [rule]) is None


def test_a_rule_holds_in_its_directory_alone() -> None:
    assert allowing(shell("make test", "/workspace/sub"), [_rule("make test")]) is None


# --- what is offered


@pytest.mark.parametrize("command", ["ls -la", "npm test", "make test", "pytest -q", "rm -r build"])
def test_a_plain_command_is_offered_with_its_stored_text(command: str) -> None:
    offered = offer(command)
    assert isinstance(offered, Offer)
    assert offered.stored == _rule(command).stored
    assert command in offered.sentences[0]
    assert allowing(shell(command), [_rule(command)]) is not None


def test_an_offer_says_that_code_of_the_workspace_runs() -> None:
    offered = offer("pytest -q")
    assert isinstance(offered, Offer)
    assert "code of the workspace" in offered.sentences[-1]


@pytest.mark.parametrize(
    "command",
    [
        "git status", "/usr/bin/git log", "git-lfs ls", "bash x.sh", "sh -c ls", "zsh", "fish",
        "python3 x.py", "python3.11 -m pytest", "perl x", "node x.js", "ruby x", "awk x", "php x",
        "env ls", "sudo ls", "xargs ls", "nohup ls", "timeout 9 ls", "nice ls", "stdbuf -o0 ls",
        "setsid ls", "busybox ls", "time ls", "watch ls", "strace ls", "ssh host", "npx x",
        "uv run x",
        "docker ps", "vim x", "less x", "./run.sh", "scripts/run", ".venv/bin/pytest", "/tmp/x",
        "find . -exec ls", "tar cf x --to-command=y", "rg --pre x y", "make --eval=x",
        "ls; id", "ls | id", "ls > x", "ls $x", "ls *", "ls ~", "A=1 ls", "ls &", "ls # x",
        "ls\nid",
        "cd x", "export A=b", "eval x", ". x", "alias x=y", "l\u0455", "ls " + "x" * 3_000, "",
        "(((",
        "BASH x", "Python x", "chroot x", "parallel x", "flock x ls", "sqlite3 x", "gdb x",
    ],
)  # fmt: skip
def test_what_is_never_offered(command: str) -> None:
    refused = offer(command)
    assert isinstance(refused, NotOffered)
    assert refused.why.endswith(".")


def test_a_git_rule_matches_although_none_is_offered() -> None:
    assert isinstance(offer("git status"), NotOffered)
    assert allowing(shell("git status"), [_rule("git status")]) is not None


def test_a_file_is_offered_by_itself_and_with_its_folder() -> None:
    offered = offers(tool("edit_file", {"path": "src/a.py"}))
    assert isinstance(offered, tuple)
    assert [o.subject for o in offered] == [
        Place("edit_file", "/workspace/src/a.py"),
        Place("edit_file", "/workspace/src", below=True),
    ]


def test_a_guarded_file_is_offered_with_a_warning() -> None:
    offered = offers(tool("write_file", {"path": "Makefile"}))
    assert isinstance(offered, tuple)
    assert any("build on your machine" in sentence for sentence in offered[0].sentences)


def test_a_path_of_odd_letters_and_an_unknown_tool_are_not_offered() -> None:
    assert isinstance(offers(tool("read_file", {"path": "a\u202e"})), NotOffered)
    assert isinstance(offers(tool("fetch", {"url": "x"})), NotOffered)


def test_the_first_session_offers_looking_around() -> None:
    rules = [Rule("r", Outcome.ALLOW, o.subject, Scope.WORKSPACE, 0.0) for o in first_offers()]
    looks = [("read_file", {"path": "a"}), ("list_files", {}), ("search_files", {"pattern": "x"})]
    assert all(allowing(tool(name, arguments), rules) for name, arguments in looks)
    assert allowing(tool("read_file", {"path": "/etc/passwd"}), rules) is None
    assert allowing(tool("write_file", {"path": "a"}), rules, resolved="/workspace/a") is None


def test_deny_rules_are_offered_from_narrow_to_wide() -> None:
    found = [offered.subject for offered in denials(shell("git push -f; ls"))]
    assert found == [
        Beginning(("git", "push", "-f")), Beginning(("ls",)), Beginning(("git", "push")),
        Beginning(("git",)),
    ]  # fmt: skip
    assert denials(shell("$x")) == ()


# --- how they are told


def test_a_rule_is_explained_with_its_exact_text() -> None:
    rule = replace(_rule("pytest -q"), scope=Scope.USES, uses=5, used=2)
    told = explain(rule, 0.0)
    assert told.stored == rule.stored
    assert "pytest -q" in told.sentences[0]
    assert told.sentences[-2:] == ("It holds for another 3 of 5 uses.", "It decided 2 times.")
    assert explain(replace(rule, disabled=True), 0.0).sentences[-2] == "It is switched off."


def test_back_test_says_what_a_rule_would_have_decided() -> None:
    past = [shell(c) for c in ("ls", "git push", "ls", "ls -a", "$x", "make && git push")]
    allowed, denied = back_test([_rule("ls"), deny("git", "push")], past)
    assert (allowed.actions, allowed.asked, allowed.unsure) == ((past[0], past[2]), 6, 0)
    assert (denied.actions, denied.unsure) == ((past[1], past[5]), 1)


def test_a_rule_that_never_fires_is_found() -> None:
    old, used, new = (replace(_rule("ls"), id=name) for name in ("old", "used", "new"))
    rules = [old, replace(used, used=1), replace(new, made=9.0)]
    assert never_fired(rules, made_before=5.0) == (old,)


def _rule(command: str) -> Rule:
    rule = allow(command)
    assert rule is not None
    return rule
