"""What the gatekeeper makes of a text is what bash makes of it, over texts made by chance."""

import random
from pathlib import Path

import pytest

from pocketcoder_tui.gatekeeper.effects.wrappers import unwrapped
from pocketcoder_tui.gatekeeper.policy import crossings
from pocketcoder_tui.gatekeeper.reading import Word, read_whole
from pocketcoder_tui.gatekeeper.rules import Command, allowing, denying, exact_words
from pocketcoder_tui.sandbox.box import DockerBox
from tests.gatekeeper import bash
from tests.gatekeeper.samples import PROGRAMS, allow, deny, shell, shell_script, shell_text

TEXTS = 100_000
SCRIPTS = 15_000
OUTPUT = 60_000_000
"""Bytes that bash may write about all of them."""


def allowed_texts(seed: int) -> list[tuple[str, tuple[str, ...]]]:
    """Of TEXTS different texts those that a rule can allow, with that rule's argument list."""
    chance, texts = random.Random(seed), set[str]()
    while len(texts) < TEXTS:
        texts.add(shell_text(chance))
    found = [(text, words) for text in sorted(texts) if (words := exact_words(text))]
    assert len(found) > TEXTS // 20, "too few to prove anything"
    return found


def hold(found: list[tuple[str, tuple[str, ...]]], ran: list[list[bash.Ran]]) -> None:
    """Each text ran one program in the shell's own process, with the rule's argument list."""
    wrong = [
        (text, words, runs)
        for (text, words), runs in zip(found, ran, strict=True)
        if runs != [bash.Ran("plain", words)]
    ]
    assert not wrong[:20]


def test_what_a_rule_allows_is_what_bash_runs(tmp_path: Path) -> None:
    found = allowed_texts(5)
    hold(found, bash.run_here([text for text, _ in found], tmp_path))


@pytest.mark.docker
async def test_what_a_rule_allows_is_what_bash_runs_in_the_box(box: DockerBox) -> None:
    found = allowed_texts(6)
    stdin = bash.encoded([text for text, _ in found])
    done = await box.exec(bash.argv("/tmp"), stdin=stdin, limit=OUTPUT)
    hold(found, bash.parse(done.stdout, len(found)))


def test_a_rule_matches_no_other_argument_list() -> None:
    chance = random.Random(7)
    rules = [rule for program in PROGRAMS if (rule := allow(f"{program} a -l"))]
    for _ in range(20_000):
        action = shell(shell_text(chance))
        rule = allowing(action, rules)
        if rule is not None:
            words = exact_words(str(action.call.arguments["command"]))
            assert isinstance(rule.subject, Command)
            assert words == rule.subject.argv


@pytest.mark.docker
async def test_no_program_runs_that_was_not_read(box: DockerBox) -> None:
    """Of texts that can be read, and what bash ran of them.

    A deny rule about a program denies or asks whenever it runs. And of a text that the contained
    mode runs at once, every program and every argument that could be told is as it was read.
    """
    chance = random.Random(8)
    made = {shell_script(chance, chance.choice((1, 2, 3))) for _ in range(SCRIPTS)}
    texts = [text for text in sorted(made) if _is_clear(text)]
    assert len(texts) > SCRIPTS // 5, "too few to prove anything"
    argv = bash.argv("/tmp", apart=True)
    done = await box.exec(argv, stdin=bash.encoded(texts), limit=OUTPUT)
    inside = 0
    for text, runs in zip(texts, bash.parse(done.stdout, len(texts)), strict=True):
        for program in {run.argv[0] for run in runs if run.argv[0]}:
            assert denying(shell(text), [deny(program)]) is not None, (text, program)
        if not crossings(shell(text)):
            inside += 1
            assert not [run for run in runs if not _was_read(text, run.argv)], text
    assert inside > SCRIPTS // 20, "too few to prove anything"


def _is_clear(text: str) -> bool:
    whole = read_whole(text)
    return not whole.outer.why and not whole.doubts


def _was_read(text: str, argv: tuple[str, ...]) -> bool:
    seen = [layer for command in read_whole(text).commands for layer in unwrapped(command.words)]
    return any(_fits(words, argv) for words in seen)


def _fits(words: list[Word], argv: tuple[str, ...]) -> bool:
    if words[0].text != argv[0]:
        return False
    texts = tuple(word.text for word in words)
    return None in texts or texts == argv
