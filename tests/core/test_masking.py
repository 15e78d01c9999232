"""Secrets in text: also in pieces, in colours and over the edge of a screen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.core.masking import MASK, MaskedStream, Masker, secrets_in

SECRET = "AIzaSy-not-a-real-key-0123"
OTHER = "AIzaSy-not-a-real-key-0123456789"
RED, OVER, ERASE = "\x1b[01;31m", "\x1b[0m", "\x1b[K"


def test_the_longest_is_taken_and_the_short_are_left() -> None:
    masker = Masker([SECRET, OTHER, "short"])
    assert masker.clean(f"{OTHER}, {SECRET} and short") == f"{MASK}, {MASK} and short"


def test_one_that_is_coloured_in_part_is_one() -> None:
    text = f"key={SECRET[:4]}{RED}{ERASE}{SECRET[4:9]}{OVER}{ERASE}{SECRET[9:]}!"
    assert Masker([SECRET]).clean(text) == f"key={MASK}{RED}{ERASE}{OVER}{ERASE}!"


def test_rows_stay_as_many_as_they_were() -> None:
    rows = ["first", f"{' ' * 20}{SECRET[:5]}", SECRET[5:] + " rest", SECRET, ""]
    assert Masker([SECRET]).clean_rows(rows) == ["first", f"{' ' * 20}{MASK}", " rest", MASK, ""]
    assert Masker().clean_rows(rows) == rows


@given(
    st.lists(st.sampled_from([SECRET, OTHER, "x", "AIza", "AIzaSy-not-a", "\n", RED, OVER])),
    st.lists(st.sampled_from(["", RED, ERASE, RED + ERASE]), min_size=40, max_size=40),
    st.lists(st.integers(1, 9), min_size=1, max_size=40),
)
def test_pieces_hide_what_the_whole_hides(
    words: list[str], between: list[str], sizes: list[int]
) -> None:
    text = "".join(
        "".join(a + b for a, b in zip(word, between, strict=False)) if word in {SECRET, OTHER}
        else word for word in words
    )  # fmt: skip
    masker = Masker([SECRET, OTHER])
    stream = MaskedStream(masker)
    said, at = "", 0
    for size in sizes * (len(text) // sum(sizes) + 1):
        said += stream.feed(text[at : at + size])
        at += size
    said += stream.feed(text[at:]) + stream.finish()
    seen = re.sub(r"\x1b\[[0-9;]*[mK]", "", said)
    assert SECRET not in seen
    assert seen.count(MASK) == sum(word in {SECRET, OTHER} for word in words)


def test_what_cannot_begin_a_secret_is_not_held_back() -> None:
    stream = MaskedStream(Masker([SECRET]))
    assert stream.feed(f"a line{RED} and") == f"a line{RED} and"
    assert stream.feed(" AI") == " "
    assert stream.feed(RED) == ""
    assert stream.feed("r") == f"AI{RED}r"
    assert stream.feed("AI" + RED * 1_000) != ""


def test_a_character_may_be_cut() -> None:
    stream = MaskedStream(Masker(["pässword-ö"]))
    data = "say pässword-ö!".encode()
    said = "".join(stream.feed_bytes(data[n : n + 1]) for n in range(len(data)))
    assert said + stream.finish() == f"say {MASK}!"


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("https://api.example/v1", []),
        ("https://dana@api.example", []),
        ("https://developers-of-shop@api.example", []),
        ("https://tok0123456789abcdef@api.example", ["tok0123456789abcdef"] * 2),
        ("http://dana:p%40ss:w@p:3128", ["p%40ss:w", "p@ss:w", "ZGFuYTpwQHNzOnc="]),
        ("http://[::1", []),
        ("", []),
    ],
)
def test_what_an_address_gives_away(address: str, secrets: list[str]) -> None:
    assert secrets_in(address) == secrets
