"""SGR colours are kept; no other sequence, and no control character, comes through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color

from pocketcoder_tui.ui.ansi import Pen, cells, parse_line, tail_lines

NASTY = st.text(st.sampled_from("ab\x1b[]0123;:mKHP\\^_\x07\x9b\x9c\x90\x9d\r\n\x00\u202e #(B?"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[2Kb\x1b[10;5Hc", "abc"),
        ("a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("a\x1b(Bb", "ab"),
        ("a\x1bcb", "ab"),
        ("a\x1b]8;;http://evil\x07link\x1b]8;;\x07", "alink"),
        ("[/bold] [red]", "[/bold] [red]"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\x85b", "a<U+0085>b"),
    ],
)
def test_only_text_is_left(raw: str, shown: str) -> None:
    assert cells(parse_line(raw)) == shown


def test_colours_and_flags() -> None:
    pen = Pen()
    pen.feed("1;38;2;1;2;3;48;5;200")
    assert pen.style.bold
    assert pen.style.color == Color.from_rgb(1, 2, 3)
    assert pen.style.bgcolor == Color.from_ansi(200)
    pen.feed("22;39;49")
    assert not pen.style.bold
    assert pen.style.color is None


@pytest.mark.parametrize("junk", ["38", "38;2;1", "48;5", "999999999999", ";;;", "38;9;1"])
def test_broken_parameters_are_no_error(junk: str) -> None:
    Pen().feed(junk)


@given(NASTY)
def test_nothing_raw_comes_out(raw: str) -> None:
    assert cells(parse_line(raw)).isprintable()
    for row in tail_lines(raw, 5):
        assert cells(row).isprintable()


def test_the_tail_is_what_a_terminal_would_leave() -> None:
    rows = tail_lines("one\r\n 10%\r 20%\r\nthree\x1b[3", 3)
    assert [cells(r) for r in rows] == ["one", " 20%", "three"]


def test_a_hostile_line_takes_linear_time() -> None:
    cells(parse_line("\x1b[" * 100_000 + "\x1b]" * 100_000 + "0;" * 100_000 + "\r" * 100_000))
    tail_lines("\x1b]" * 200_000 + "\r" * 200_000, 4)
