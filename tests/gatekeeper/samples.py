"""What the gatekeeper's tests share: actions, rules, the corpora, and shell text made by chance."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketcoder_tui.core.actions import Action, Outcome, ToolCall
from pocketcoder_tui.gatekeeper.rules import Beginning, Command, Rule, Scope, exact_words

DATA = Path(__file__).parent / "data"
CWD = "/workspace"


def shell(command: str, cwd: str = CWD) -> Action:
    """A shell action."""
    return tool("shell", {"command": command}, cwd)


def tool(name: str, arguments: Mapping[str, Any], cwd: str = CWD) -> Action:
    """An action of any tool."""
    call = ToolCall("call", name, arguments)
    return Action("action", "session", "turn", "reply", call, cwd, "box")


def allow(command: str, cwd: str = CWD, **more: Any) -> Rule | None:
    """The rule that allows a command; None when no rule can be about it."""
    words = exact_words(command)
    if words is None:
        return None
    return Rule("rule", Outcome.ALLOW, Command(words, cwd), Scope.WORKSPACE, 0.0, **more)


def deny(*words: str) -> Rule:
    """The rule that denies what begins with some words."""
    return Rule("rule", Outcome.DENY, Beginning(words), Scope.WORKSPACE, 0.0)


@dataclass(frozen=True)
class Row:
    """A remembered rule, and a command that it must or must not let through."""

    id: str
    rule: str
    command: str
    kind: str = ""


def corpus(name: str) -> list[Row]:
    """Read rows of ``data/NAME.jsonl``; the text is the shared corpus, byte for byte."""
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Row(row["id"], row["rule"], row["cmd"], row.get("cls", "")) for row in rows]


def mutations(command: str) -> Iterator[str]:
    """A command written in other ways: spaces, tabs, a quoted word, a last ``;`` or newline."""
    first, _, rest = command.partition(" ")
    yield f"  {command.replace(' ', '   ')}  "
    yield command.replace(" ", "\t")
    yield f'"{first}" {rest}'.rstrip(" ")
    yield f"'{first}' {rest}".rstrip(" ")
    yield f"{command};"
    yield f"{command}\n"


PROGRAMS = ("ls", "cat", "git", "make", "npm", "pytest", "echo", "rm", "cp", "mv", "touch", "tee")
WORDS = (
    "a", "b.txt", "-l", "-rf", "--all", "x=1", "src/c.py", "10", "@v", "a,b", "50%", "+x", "..",
    ".", "status", "a:b", "_", "--opt=v/w", "-", "--", "=", "if", "done", "in", "time",
)  # fmt: skip
_QUOTES = ("'{}'", '"{}"', "$'{}'", "\\{}", '{}""', "'{}", '"{}', "$({})", "`{}`", "${{{}}}")
_SIGNS = (
    " ", " ", " ", "  ", "\t", "\n", ";", "&", "|", "&&", "||", ">", ">>", "<", "2>", "&>", "<<<",
    "<(", "(", ")", "{", "}", "$", "*", "?", "[", "]", "~", "!", "#", "\\", "'", '"', "`", "=",
    "\\\n", "{a,b}", "\r", "\x0b", "\x0c", "\u00a0", "\u2028", "é", "^", "$((1))", "\x7f",
)  # fmt: skip


def shell_text(chance: random.Random) -> str:
    """A simple command, often with something about it that a shell reads in its own way."""
    words = [chance.choice(PROGRAMS), *chance.choices(WORDS, k=chance.randrange(4))]
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        place = chance.randrange(len(words))
        words[place] = chance.choice(_QUOTES).format(words[place])
    text = chance.choice((" ", " ", "  ")).join(words)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(_SIGNS) + text[place:]
    return text


def shell_script(chance: random.Random, depth: int = 2) -> str:
    """Commands put together, with things that a reader may get wrong put in here and there."""
    if depth == 0 or chance.random() < 0.3:
        return shell_text(chance) if chance.random() < 0.4 else _plain_command(chance)
    inner, other = shell_script(chance, depth - 1), shell_script(chance, depth - 1)
    form = chance.choice(_FORMS)
    return form.replace("A", inner).replace("B", other).replace("W", chance.choice(WORDS))


_FORMS = (
    "A; B", "A && B", "A || B", "A | B", "A\nB", "A & B", "(A)", "{ A; }", "! A", "A > W",
    "if A; then B; fi", "for x in W W; do A; done", "while A; do break; done", "echo $(A)",
    "echo \"$(A)\"", "echo `A`", "A <(B)", "bash -c 'A'", "nohup A", "env W A", "A # B",
    "cat <<E\nA\nE\nB", "cat <<'E' > W\nA\nE\n", "cat <<E\n$(A)\nE\nB", "x=W A", "x=$(A) B",
    "f() { A; }; B", "case W in W) A;; *) B;; esac", "echo ${x:-A}", "echo \"A\" B", "echo 'A' B",
    "A \\\n B", "A 2>&1", "time A", "coproc A", "[[ -n W ]] && A", "A >W W", "A <<< W",
    "function W { A; }", "echo A\\\nB", "until A; do B; break; done", "A |& B",
    "echo \"a'\"A\"'b\"", "echo $'\\''; A; echo $'\\''", "A ;# '\nB #'", "x=1 >W A", ">W A",
    "A >W; B", "if A\nthen B\nfi", "{ A\n}", "A && { B; }", "W() { A; }; B", "!A", "A &>W W",
    "A <>W", "{W,W} B", "A\\;B", "A\\ B", "(A) > W", "{ A; } | B", "A\t\\\n\tB", "echo ${x/A/B}",
    "cat <<-E\n\tA\n\tE\nB", "cat <<E; B\nA\nE\n", "echo $[A]", "W=(A) B", "echo $((A))",
    "[ A ] && B", "select x in W; do A; done", "eval 'A'", "! A | B", "A; } ; B", "\"A\" B",
    "x+=W A", "A >&W",
)  # fmt: skip


def _plain_command(chance: random.Random) -> str:
    return " ".join([chance.choice(PROGRAMS), *chance.choices(WORDS, k=chance.randrange(3))])
