"""`pocketcoder rules` and `pocketcoder stats`: only what may be offered, and the owner is named."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pocketcoder_tui.config.paths import Paths
from pocketcoder_tui.core.actions import ActionState
from pocketcoder_tui.ledger import SqliteLedger
from pocketcoder_tui.ledger.inspection import records
from pocketcoder_tui.ledger.ownership import Ownership
from tests.cli.conftest import Run
from tests.ledger.samples import OPENING, SESSION, action, life_to


@pytest.fixture
def ledger(paths: Paths) -> Path:
    """A ledger in which commands were asked about."""

    async def fill() -> None:
        async with await SqliteLedger.open(paths.ledger) as ledger:
            await ledger.record(SESSION, *OPENING)
            for n, text in enumerate(["make test", "make  'test'", "git status", "git status"]):
                what = action(f"a{n}", text)
                await ledger.record(SESSION, *life_to(what, ActionState.FINISHED))

    paths.prepare()
    asyncio.run(fill())
    return paths.ledger


def listed(run: Run) -> list[dict[str, Any]]:
    done = run("rules", "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["schema"] == 1
    found: list[dict[str, Any]] = said["rules"]
    return found


def test_a_rule_is_made_listed_switched_off_and_deleted(run: Run, ledger: Path) -> None:
    assert "There are no rules" in run("rules").stdout
    made = run("rules", "add", "make test", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    [rule] = json.loads(made.stdout)["rules"]
    assert rule["stored"] == '{"allow":{"argv":["make","test"],"cwd":"/workspace"}}'
    assert listed(run) == [rule]
    short = rule["id"][-6:]
    assert run("rules", "show", short).stdout == rule["stored"] + "\n"
    assert "Allows exactly this command" in run("rules", "explain", short).stdout
    assert "make test" in run("rules", "unused").stdout
    assert run("rules", "disable", short).returncode == 0
    assert not listed(run)[0]["holds"]
    assert run("rules", "enable", short).returncode == 0
    assert listed(run)[0]["holds"]
    assert run("rules", "delete", short).returncode == 0
    assert listed(run) == []
    told = [r["facts"]["what"] for r, _, _ in records(ledger) if r["kind"] == "rule"]
    assert told == ["added", "disabled", "enabled", "deleted"]
    assert run("audit", "verify").returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("git status",), "git runs programs"),
        (("bash -c ls",), "bash runs whatever"),
        (("ls > x",), "one plain command"),
        (("env ls",), "runs another program"),
        (("x", "--tool", "shell_stop"), "no rules about this tool"),
        (("src", "--tool", "list_files"), "Only this is offered"),
        (("ls", "--scope", "uses"), "--uses N"),
        (("ls", "--in", "/a b\x1b"), "plain name"),
    ],
)
def test_only_what_may_be_offered_is_made(
    run: Run, ledger: Path, words: tuple[str, ...], sentence: str
) -> None:
    done = run("rules", "add", *words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert listed(run) == []


def test_rules_about_tools_and_deny_rules_are_made(run: Run, ledger: Path) -> None:
    assert run("rules", "add", "src", "--tool", "list_files", "--below").returncode == 0
    assert run("rules", "add", "a.py", "--tool", "read_file").returncode == 0
    assert run("rules", "add", "rm -rf", "--deny", "--scope", "uses", "--uses", "3").returncode == 0
    assert [rule["stored"] for rule in listed(run)] == [
        '{"allow":{"below":"/workspace/src","tool":"list_files"}}',
        '{"allow":{"path":"/workspace/a.py","tool":"read_file"}}',
        '{"deny":{"begins":["rm","-rf"]}}',
    ]
    assert listed(run)[2]["uses"] == 3


def test_a_rule_is_tried_on_the_past(run: Run, ledger: Path) -> None:
    [rule] = json.loads(run("rules", "add", "make test", "--json").stdout)["rules"]
    done = run("rules", "test", rule["id"])
    assert "Of your last 4 actions it would have allowed these 2." in done.stdout
    said = json.loads(run("rules", "test", rule["id"], "--json").stdout)
    assert [one["command"] for one in said["decided"]] == ["make test", "make  'test'"]
    assert (said["asked"], said["unsure"]) == (4, 0)


def test_what_is_unknown_or_mistyped_is_a_sentence(run: Run, ledger: Path) -> None:
    gone = run("rules", "show", "zzz")
    assert (gone.returncode, "No rule has an id" in gone.stderr) == (1, True)
    assert run("rules", "delete").returncode == 2
    assert run("rules", "add", "ls", "--scope", "forever").returncode == 2
    assert "Traceback" not in run("rules", "frobnicate").stderr


def test_reading_works_beside_the_owner_and_writing_names_it(run: Run, ledger: Path) -> None:
    [rule] = json.loads(run("rules", "add", "make test", "--json").stdout)["rules"]
    with Ownership(ledger):
        assert listed(run) == [rule]
        assert json.loads(run("stats", "--json").stdout)["actions"] == 4
        for words in (("add", "ls"), ("disable", rule["id"]), ("delete", rule["id"])):
            done = run("rules", *words)
            assert done.returncode == 1
            assert f"process {os.getpid()}" in done.stderr
    assert listed(run) == [rule]


def test_stats_say_who_decided_and_which_rule_would_have_helped(run: Run, ledger: Path) -> None:
    before = {p.name: p.read_bytes() for p in ledger.parent.iterdir() if p.is_file()}
    done = run("stats")
    assert "You were asked 4 times" in done.stdout
    assert "2 times: make test" in done.stdout
    assert '{"allow":{"argv":["make","test"]' in done.stdout
    assert "git runs programs" in done.stdout
    said = json.loads(run("stats", "--json").stdout)
    assert (said["schema"], said["asked"], said["allowed"], said["denied"]) == (1, 4, 4, 0)
    assert said["deciders"] == [{"by": "person", "who": "ada", "allowed": 4, "denied": 0}]
    assert [(r["command"], r["asked"]) for r in said["repeated"]] == [
        ("make test", 2),
        ("git status", 2),
    ]
    after = {p.name: p.read_bytes() for p in ledger.parent.iterdir() if p.is_file()}
    assert after["ledger.db"] == before["ledger.db"]


def test_stats_and_rules_without_a_ledger(run: Run, paths: Paths) -> None:
    assert "has not asked for anything yet" in run("stats").stdout
    assert json.loads(run("stats", "--json").stdout)["median_seconds"] is None
    assert listed(run) == []
    assert not paths.ledger.exists()
