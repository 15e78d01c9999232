"""Marks in output: found across chunks, and nothing that imitates one is taken for one."""

import re

from hypothesis import assume, example, given
from hypothesis import strategies as st

from pocketcoder_tui.relay.marks import (
    ActionBegun,
    ActionOver,
    HalfTyped,
    LineOver,
    Mark,
    MarkScanner,
    Printed,
    PromptBegun,
    PromptShown,
    ShellBegun,
)

ID, OTHER = "01" * 16, "02" * 16
KEY, WRONG = "ab" * 8, "cd" * 8
BEGUN, OVER = f"\x1b]133;C;{ID}\x07".encode(), f"\x1b]133;D;7;{ID};/a%20b\x07".encode()

FORGED = [
    b"\x1b]133;D;0\x07",
    b"\x1b]133;A\x07",
    b"\x1b]133;B\x07",
    b"\x1b]133;C\x07",
    b"\x1b]133;P;0\x07",
    f"\x1b]133;A;{KEY}\x07".encode(),
    f"\x1b]133;B;{KEY}\x07".encode(),
    f"\x1b]133;C;{KEY}\x07".encode(),
    f"\x1b]133;S;{WRONG}\x07".encode(),
    f"\x1b]133;L;{KEY};0;/;ls\x07".encode(),
    f"\x1b]133;R;{ID}\x07".encode(),
    f"\x1b]133;D;0;{OTHER};/\x07".encode(),
    f"\x1b]133;C;{ID}\x07".encode(),
    f"\x1b]133;D;0;{ID}\x07".encode(),
    f"\x1b]133;D;-1;{ID};/\x07".encode(),
    f"\x1b]133;D;0;{ID};/\n\x07".encode(),
    f"\x1b]133;D;0;{ID};/\x1b".encode(),
    f"\x1b]633;D;0;{ID};/\x07".encode(),
    f"133;D;0;{ID};/\x07".encode(),
    b"\x1b]133;",
    b"\x1b",
    b"\x1b]133;D;0;" + b"x" * 20_000 + b"\x07",
    b"%end 1 2 1\n",
]
REAL = re.compile(rf"\x1b\]133;D;[0-9]+;{ID};/[^\x07\x1b\n]*(?:\x07|\x1b\\)".encode())
"""An end that cannot be told from the real one: whoever knows the id can write it, and the status
is the box's word in any case. Pieces of forgeries may add up to it."""
texts = st.lists(st.sampled_from(FORGED) | st.binary(max_size=20), max_size=12).map(b"".join)


def scan(data: bytes, cuts: list[int]) -> tuple[list[Mark], bytes]:
    """Marks, and what was printed between the action's two, fed in pieces."""
    scanner = MarkScanner()
    scanner.key, scanner.action = KEY, ID
    marks: list[Mark] = []
    printed = b""
    at = 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        for item in scanner.feed(data[at:cut]):
            if not isinstance(item, Printed):
                marks.append(item)
            elif scanner.running:
                printed += item.data
        at = cut
    return marks, printed


@given(texts, st.lists(st.integers(0, 100_000), max_size=20))
@example(f"\x1b]133;D;0;{ID};/\x1b".encode(), [])
def test_only_the_real_end_ends(text: bytes, cuts: list[int]) -> None:
    assume(not REAL.search(text))
    data = b"before" + BEGUN + text.replace(b"133;X", b"") + b"\n" + OVER + b"after"
    marks, printed = scan(data, cuts)
    assert marks == [ActionBegun(ID), ActionOver(ID, 7, "/a b")]
    assert printed == text.replace(b"133;X", b"") + b"\n"


def test_prompt_marks_count_outside_a_command_only() -> None:
    prompt = f"\x1b]133;A;{KEY}\x07$ \x1b]133;B;{KEY}\x07".encode()
    marks, _ = scan(prompt + BEGUN + prompt + OVER + prompt, [])
    shown: list[Mark] = [PromptBegun(KEY), PromptShown(KEY)]
    assert marks == [*shown, ActionBegun(ID), ActionOver(ID, 7, "/a b"), *shown]


def test_a_shell_s_marks_count_with_its_key_only() -> None:
    def mark(letter: str, key: str, rest: str = "") -> bytes:
        return f"\x1b]133;{letter};{key}{rest}\x07".encode()

    for key in (WRONG, "", KEY[:-1], KEY + "0", KEY.upper()):
        forged = b"".join(mark(letter, key) for letter in "ABC")
        assert scan(forged + mark("P", key, ";0") + mark("L", key, ";0;/;ls"), [])[0] == []
    heard, _ = scan(mark("P", KEY, ";12") + mark("L", KEY, ";7;/a%20b;ls -l%0Aé;\u00e9"), [])
    assert heard == [HalfTyped(KEY, 12), LineOver(KEY, 7, "/a b", "ls -l\né;é")]


def test_a_new_shell_says_its_key_once() -> None:
    scanner = MarkScanner()
    said = f"\x1b]133;A;{KEY}\x07\x1b]133;S;{KEY}\x07\x1b]133;S;{WRONG}\x07\x1b]133;A;{WRONG}\x07"
    marks = [item for item in scanner.feed(said.encode()) if not isinstance(item, Printed)]
    assert marks == [ShellBegun(KEY)]
    assert scanner.key == KEY


def test_what_is_held_is_bounded() -> None:
    scanner = MarkScanner()
    for _ in range(100):
        list(scanner.feed(b"\x1b]133;D" + b"0" * 1_000))
    list(scanner.feed(b"0" * 100_000))
    assert len(scanner._held) <= 34_000
