"""How long a decision and the cleaning of text take, against what Python does in C.

    uv run python bench/gate.py

Exits with 1 when a limit is missed: 50 ms for a decision about any text of up to 1 MB, 20 MB/s for
cleaning what programs print. Each figure is the best of several, as a busy machine only adds.
"""

import sys
import time
from collections.abc import Callable

from pocketcoder_tui.core.actions import Action, Outcome, ToolCall
from pocketcoder_tui.gatekeeper.effects import of_command
from pocketcoder_tui.gatekeeper.faithful import faithful, faithful_text, plain
from pocketcoder_tui.gatekeeper.policy import MODE_CONTAINED, judge
from pocketcoder_tui.gatekeeper.reading import read_whole
from pocketcoder_tui.gatekeeper.rules import Beginning, Command, Rule, Scope

MB = 1_000_000
DECISION = 0.050
"""Seconds that a decision may take."""
CLEANING = 20.0
"""MB/s that cleaning must reach."""

RULES = [
    Rule("a", Outcome.ALLOW, Command(("ls",), "/workspace"), Scope.WORKSPACE, 0.0),
    Rule("d", Outcome.DENY, Beginning(("git", "push")), Scope.WORKSPACE, 0.0),
]
EVERYDAY = "cd src && pytest -q tests 2>&1 | tail -20"
COMMANDS = {
    "ls": "ls",
    "everyday": EVERYDAY,
    "30 lines of shell": f"{EVERYDAY}\n" * 30,
    "10 kB here-document": "cat > a.py <<'E'\n" + "print('a')\n" * 900 + "E\n",
}
HOSTILE = (
    "ls;",
    "a|",
    "(",
    "$(",
    "`",
    "<<A\n",
    "x ",
    "'a' ",
    "function f ",
    "case x in ",
    "@a",
    "? ",
)
"""Repeated up to each size of SIZES."""
SIZES = (1_000, 4_000, 6_000, 32_000, MB)

TEXTS = {
    "ASCII": ("ls -la foo bar baz and more\n", True),
    "a coloured log": ("\x1b[32mok\x1b[0m some line of log output, as programs print\n", True),
    "Japanese": ("日本語のテキスト。", True),
    "mixed": ("naïve café — “x” 12345 abc\n", True),
    "escapes alone": ("\x1b", True),
    "every second one an escape": ("a\x1b", True),
    "bidi controls": ("\u202ea", True),
    "trailing spaces": ("x  \n", True),
    "tabs": ("\tx", True),
    "imitated tokens": ("<U+0041>", True),
    "marks on ASCII": ("e\u0301", False),
    "all of Unicode": (
        "".join(map(chr, (*range(0x20, 0xD800, 3), *range(0xE000, 0x110000, 3)))),
        False,
    ),
}
"""What is repeated, and whether the limit is for it; the last two are what nobody prints."""


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the quickest of some runs."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def decide(text: str) -> None:
    """The longest way: a deny rule and the contained mode, which computes every effect."""
    call = ToolCall("c", "shell", {"command": text})
    action = Action("a", "s", "t", "r", call, "/workspace", "box")
    read_whole.cache_clear()
    judge(action, mode=MODE_CONTAINED, rules=RULES, now=1.0)


def decisions() -> bool:
    """Print how long decisions take; says whether all are within the limit."""
    worst: dict[int, tuple[float, str]] = {}
    for size in SIZES:
        for piece in HOSTILE:
            text = (piece * (size // len(piece) + 1))[:size]
            worst[size] = max(
                worst.get(size, (0.0, "")), (best(lambda t=text: decide(t), 3), piece)
            )
    print("| a decision, milliseconds | |\n|---|---:|")
    for name, text in COMMANDS.items():
        print(f"| {name} | {best(lambda t=text: decide(t)) * 1e3:.2f} |")
    for size, (seconds, piece) in worst.items():
        print(f"| the slowest of {size:,} hostile characters ({piece!r}) | {seconds * 1e3:.2f} |")
    effects = best(lambda: of_command("ls;" * (MB // 3)))
    print(f"| effects of 1 MB | {effects * 1e3:.2f} |\n")
    return max(seconds for seconds, _ in worst.values()) <= DECISION


def cleaning() -> bool:
    """Print how quick cleaning is; says whether it is quick enough where that is asked."""
    enough = True
    print(
        "| cleaning, MB/s | plain / translate | plain | faithful_text | faithful | str.translate |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    table = {code: f"<U+{code:04X}>" for code in (0x1B, 0x202E, 0x9, 0x3C, 0x301)}
    for name, (piece, held) in TEXTS.items():
        text = piece * max(MB // len(piece.encode()), 1)
        size = len(text.encode()) / MB
        works = (plain, faithful_text, faithful, lambda t: t.translate(table))
        rates = [size / best(lambda w=work, t=text: w(t), 3) for work in works]
        ratio = f"| {name} | {rates[0] / rates[3]:.2f} |"
        print(ratio, *(f"{rate:.1f} |" for rate in rates))
        enough = enough and (not held or min(rates[:2]) >= CLEANING)
    return enough


if __name__ == "__main__":
    decide(EVERYDAY)
    results = decisions(), cleaning()
    sys.exit(0 if all(results) else 1)
