"""What cannot be seen is made visible, and two texts that differ never look the same."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.gatekeeper.faithful import faithful, faithful_text, plain

NASTY = st.text(
    st.sampled_from(
        "ab <>U+2020E0123456789·→\t\n\r\x1b\x07\x00\u202e\u200b\u2028\u3164\ufe0f spaceblnki"
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ls -la", "ls -la"),
        ("a\u202eb", "a<U+202E>b"),
        ("\x1b]52;c;eA==\x07", "<U+001B>]52;c;eA==<U+0007>"),
        ("a\tb", "a→   b"),
        ("a  \nb ", "a··\nb·"),
        ("x" + " " * 200 + "rm", "x<200 spaces>rm"),
        ("x" + "\n" * 30 + "rm", "x\n<29 blank lines>\nrm"),
        ("<U+202E>", "<U+003C>U+202E>"),
        ("<5 spaces>", "<U+003C>5 spaces>"),
        ("a<b && c", "a<b && c"),
        ("\u3164", "<U+3164>"),
        ("a\r\nb", "a<U+000D>\nb"),
        ("\xa0", "<U+00A0>"),
        ("é日本", "é日本"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_shows_what_is_there(text: str, shown: str) -> None:
    assert faithful_text(text) == shown


@given(NASTY, NASTY)
def test_different_texts_look_different(a: str, b: str) -> None:
    assert (a == b) == (faithful_text(a) == faithful_text(b))


@given(st.text())
def test_nothing_invisible_comes_out(text: str) -> None:
    for shown in (faithful_text(text), plain(text)):
        assert shown.replace("\n", "").isprintable()


@given(st.text())
def test_fragments_alternate(text: str) -> None:
    marks = [f.marked for f in faithful(text)]
    assert all(a != b for a, b in pairwise(marks))


def test_plain_is_one_line_when_asked() -> None:
    assert plain("a\nb\r\nc\td", keep_newlines=False) == "a b c    d"


def test_plain_draws_emoji_parts() -> None:
    assert plain("ok ✔\ufe0f") == "ok ✔"


def test_long_hostile_lines_take_linear_time() -> None:
    text = " x" * 200_000 + "\r" * 200_000 + " " * 20 + "\u202e" * 100_000
    began = time.process_time()
    assert len(faithful_text(text)) > len(text)
    # Joining piece by piece took 20 s for this text, and one pass 1 s.
    assert time.process_time() - began < 5
