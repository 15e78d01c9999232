"""Hosts as actions: what is told of them, who may answer, and what rules can be about."""

import pytest

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.gatekeeper.effects import Kind, effects_of
from pocketcoder_tui.gatekeeper.policy import MODE_ASK, MODE_CONTAINED, MODE_PLAN, judge
from pocketcoder_tui.gatekeeper.rules import (
    Command,
    Host,
    NotOffered,
    Place,
    Rule,
    Scope,
    allowing,
    denials,
    denying,
    explain,
    offers,
    read_stored,
)
from tests.gatekeeper.samples import allow, deny, shell, tool

NAME = "files.example.org"


def host(name: str = NAME) -> Rule:
    return Rule("rule", Outcome.ALLOW, Host(name), Scope.WORKSPACE, 0.0)


ASKED = tool("connect", {"host": NAME})


def test_what_a_host_means_is_told() -> None:
    report = effects_of(ASKED)
    network = [e for e in report.effects if e.kind is Kind.NETWORK]
    assert any(NAME in e.sentence for e in network)
    assert any("send" in e.sentence for e in network)


@pytest.mark.parametrize("name", ["xn--bcher-kva.example", "files.xn--80ak6aa92e.com"])
def test_a_name_of_other_letters_is_a_danger_that_is_named(name: str) -> None:
    report = effects_of(tool("connect", {"host": name}))
    assert any(e.kind is Kind.DANGER for e in report.effects)


@pytest.mark.parametrize("mode", [MODE_ASK, MODE_CONTAINED])
def test_no_mode_lets_a_host_through(mode: str) -> None:
    assert judge(ASKED, rules=[], mode=mode).outcome is None
    assert judge(ASKED, rules=[], mode=mode, held=True, resolved="/workspace").outcome is None


def test_the_plan_mode_denies_one() -> None:
    assert judge(ASKED, rules=[], mode=MODE_PLAN).outcome is not Outcome.ALLOW


def test_a_rule_is_about_exactly_that_host() -> None:
    rule = host()
    assert allowing(ASKED, [rule]) is rule
    for other in (
        "example.org", "a.files.example.org", "files.example.org.evil.example", "files.example.com",
        "FILES.example.org", "files.example.org.", "filesXexample.org", "", "*",
    ):  # fmt: skip
        assert allowing(tool("connect", {"host": other}), [rule]) is None, other
    for action in (shell(NAME), shell("connect"), tool("read_file", {"host": NAME, "path": NAME})):
        assert allowing(action, [rule]) is None


def test_rules_about_other_things_let_no_host_through() -> None:
    for text in ("connect", NAME, f"connect {NAME}"):
        rule = allow(text)
        assert rule is not None
        assert allowing(ASKED, [rule]) is None
    folder = Rule("r", Outcome.ALLOW, Place("connect", "/", below=True), Scope.WORKSPACE, 0.0)
    assert allowing(ASKED, [folder], resolved="/workspace") is None
    odd = tool("connect", {"host": "Files.example.org."})
    assert allowing(odd, [folder, host()], resolved="/workspace") is None
    assert denying(ASKED, [deny("connect")]) is None


def test_a_denied_host_wins_over_an_allowed_one() -> None:
    [offer] = denials(ASKED)
    outcome, subject = read_stored(offer.stored)
    assert outcome is Outcome.DENY
    rule = Rule("no", outcome, subject, Scope.WORKSPACE, 0.0)
    assert denying(ASKED, [host(), rule]) is not None
    assert judge(ASKED, rules=[host(), rule], mode=MODE_ASK).outcome is Outcome.DENY
    assert judge(ASKED, rules=[host()], mode=MODE_ASK).outcome is Outcome.ALLOW


def test_what_is_offered_says_the_host_and_is_what_is_stored() -> None:
    found = offers(ASKED)
    assert not isinstance(found, NotOffered)
    [offer] = found
    assert offer.subject == Host(NAME)
    assert any(NAME in sentence for sentence in offer.sentences)
    assert read_stored(offer.stored) == (Outcome.ALLOW, Host(NAME))
    assert NAME in str(explain(host(), 1.0))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "example",
        "127.0.0.1",
        "Files.example.org",
        "files.example.org.",
        "*.example.org",
        "a b.c",
    ],
)
def test_no_rule_can_be_about_what_is_no_host(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Host(name)
    with pytest.raises(ValueError, match=r"."):
        read_stored(f'{{"allow":{{"host":"{name}"}}}}')


def test_a_command_about_a_host_is_no_host() -> None:
    assert not isinstance(offers(shell(f"ping {NAME}")), Host)
    assert Command(("connect", NAME), "/workspace") != Host(NAME)
