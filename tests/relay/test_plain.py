"""Output as text: what a terminal would show, in linear time, with head and tail kept."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.relay.keep import HeadAndTail
from pocketcoder_tui.relay.plain import PlainText


def plain(*pieces: str, head: int = 10**6, tail: int = 10**6) -> str:
    """The text of some output."""
    made = PlainText(head, tail)
    for piece in pieces:
        made.feed(piece)
    return made.finish()[0]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\r\nb\r\n", "a\nb\n"),
        ("10%\r20%\r\n", "20%\n"),
        ("long\rab\r\n", "abng\n"),
        ("long\rab\x1b[K\r\n", "ab\n"),
        ("ab\b\bxy", "xy"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x\x1b]8;;u\x1b\\y", "xy"),
        ("\x1bPq...\x1b\\z\x1b(Bw", "zw"),
        ("a\x00\x07\x0eb", "ab"),
        ("\x1b]133;never closed\r\nnext", "133;never closed\nnext"),
        ("tab\there", "tab\there"),
    ],
)
def test_what_a_terminal_shows(raw: str, text: str) -> None:
    assert plain(raw) == text
    assert plain(*raw) == text


@given(st.text(st.sampled_from("ab\r\n\b\x1b[K;1m]\x07é"), max_size=60), st.data())
def test_chunking_changes_nothing(raw: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(raw)))
    assert plain(raw[:cut], raw[cut:]) == plain(raw)


@given(st.lists(st.text("ab", max_size=30)), st.integers(0, 20), st.integers(0, 20))
def test_head_and_tail_count_what_is_left_out(pieces: list[str], head: int, tail: int) -> None:
    kept = HeadAndTail(head, tail)
    for piece in pieces:
        kept.add(piece)
    whole = "".join(pieces)
    assert kept.omitted == max(0, len(whole) - head - tail)
    if not kept.omitted:
        assert kept.text == whole
    else:
        assert kept.text.startswith(whole[:head])
        assert kept.text.endswith(whole[len(whole) - tail :])


@pytest.mark.parametrize(
    "raw", ["x" * 60_000 + "\r" + "b\r" * 500_000, "\x1b[" * 500_000, "y\n" * 10**6]
)
def test_hostile_output_takes_linear_time(raw: str) -> None:
    start = time.process_time()
    plain(*(raw[i : i + 65_536] for i in range(0, len(raw), 65_536)), head=1000, tail=1000)
    assert time.process_time() - start < 5


def coloured(*pieces: str, head: int = 10**6, tail: int = 10**6) -> str:
    """The coloured copy of some output."""
    made = PlainText(head, tail)
    for piece in pieces:
        made.feed(piece)
    made.finish()
    return made.coloured


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain\r\n", ""),
        ("\x1b[2Jno colour\x1b[H", ""),
        ("a\r\n\x1b[31mred\x1b[0m b\r\n", "a\n\x1b[31mred\x1b[0m b\n"),
        ("\x1b[31m1\r\n2\r\n3\x1b[m\r\n", "\x1b[31m1\x1b[0m\n\x1b[31m2\n\x1b[0m\x1b[31m3\x1b[0m\n"),
        ("\x1b[32m10%\r\x1b[33m20\r\n", "\x1b[32m\x1b[33m20\x1b[0m\x1b[32m%\x1b[0m\n"),
        ("\x1b[1m\x1b[34mb\x1b[0;4mu\x1b[0m", "\x1b[1m\x1b[34mb\x1b[0m\x1b[4mu\x1b[0m"),
        ("\x1b[31ma\x1b]0;t\x07\x1b[5Cb\x1b[0m", "\x1b[31mab\x1b[0m"),
    ],
)
def test_colours_are_kept_and_nothing_else(raw: str, text: str) -> None:
    assert coloured(raw) == text


def test_a_cut_leaves_no_half_sequence() -> None:
    line = "\x1b[31mred\x1b[0m\r\n"
    for head in range(1, 30):
        text = coloured(line * 50, head=head, tail=head)
        assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert "31m" not in re.sub(r"\x1b\[[0-9;]*m", "", text)


@given(st.text(st.sampled_from("ab\r\n\b\x1b[K;1m]\x07é0"), max_size=60), st.data())
def test_the_coloured_copy_says_the_same(raw: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(raw)))
    shown = coloured(raw[:cut], raw[cut:])
    if shown:
        assert re.sub(r"\x1b\[[0-9;:]*m", "", shown) == plain(raw)


def test_a_program_that_sets_colours_without_end_takes_no_memory() -> None:
    made = PlainText(1000, 1000)
    for _ in range(1_000):
        made.feed("\x1b[31m" * 1_000)
    assert len(made._colours.pen) < 300
