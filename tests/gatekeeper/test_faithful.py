"""What cannot be seen is made visible, and two texts that differ never look the same."""

import random
import re
import sys
import time
import unicodedata
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
        ("\x0e\x0f\x10\x11", "<U+000E><U+000F><U+0010><U+0011>"),
        ("a→b·", "a<U+2192>b<U+00B7>"),
        ("\t \n", "→   ·\n"),
        ("a \t", "a →   "),
        ("e\u0301", "e<U+0301>"),
        ("\u00e9", "\u00e9"),
        ("\u00e9\u0301", "\u00e9\u0301"),
        ("\u00e9" + "\u0321" * 4, "\u00e9" + "<U+0321>" * 4),
        ("ls\u0336", "ls<U+0336>"),
        (" \u0301", " <U+0301>"),
        ("\u037e", "<U+037E>"),
        ("\u1fef", "<U+1FEF>"),
        ("\u212a", "<U+212A>"),
        ("\u1100\u1161", "\u1100<U+1161>"),
        ("\uac00", "\uac00"),
        ("हिन्दी", "हिन्दी"),
        ("ที่", "ที่"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469<U+200D>\U0001f4bb"),
        ("✔\ufe0f", "✔<U+FE0F>"),
        ("\U000e0041", "<U+E0041>"),
        ("\u2028", "<U+2028>"),
        ("\u3000", "<U+3000>"),
        ("\ue000", "<U+E000>"),
        ("\u0378", "<U+0378>"),
        ("\u00ad", "<U+00AD>"),
        ("\U0001d159", "<U+1D159>"),
        (" " * 23, "·" * 23),
        (" " * 24, "<24 spaces>"),
        ("\n" * 4, "\n" * 4),
        ("<24 spaces>", "<U+003C>24 spaces>"),
        ("<1 blank lines>", "<U+003C>1 blank lines>"),
        ("<U+", "<U+"),
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


ODD = [*map(chr, (*range(0x20), 0x7F, 0x85, 0xA0, 0xAD, 0x300, 0x301, 0x323, 0x34F, 0x37E, 0x430))]
ODD += [*"\u00e9\u00c5\u212b\u1100\u1161\uac00\u200b\u200d\u202e\u2028\u3000\u3164\ufe0f\ufeff"]
ODD += [
    *"→·<>U+0123 spaceblnkiE\n\n\t  ;|&$x",
    "\U000e0041",
    "\U000e0100",
    "\ud800",
    "\u0915",
    "\u093f",
]
ODD += ["\u00e9\u0301", "e\u0301", "<U+0041>", "<25 spaces>", "<5 blank lines>", " " * 25, "\n" * 6]


def test_a_million_pairs_of_texts_look_different() -> None:
    """Every two texts of each batch are a pair, in both orders."""
    chance, pairs = random.Random(11), 0
    while pairs < 1_000_000:
        texts = {"".join(chance.choices(ODD, k=chance.randrange(1, 7))) for _ in range(2_000)}
        assert len({look(text) for text in texts}) == len(texts)
        pairs += len(texts) * (len(texts) - 1)
    for _ in range(20_000):
        text = "".join(chance.choices(ODD, k=chance.randrange(1, 40)))
        place = chance.randrange(len(text))
        other = text[:place] + chance.choice(ODD) + text[place + chance.randrange(2) :]
        assert (look(text) == look(other)) == (text == other)


def test_every_code_point_is_seen_and_looks_like_no_other() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if chr(code) != "\n"]
    for before, after in (("", ""), ("a", "b")):
        lines = look("\n".join(f"{before}{char}{after}" for char in every)).split("\n")
        assert len(set(lines)) == len(every)
        assert "".join(lines).isprintable()


def look(text: str) -> str:
    """What the eye has of a text: canonically equivalent texts are the same to it."""
    return unicodedata.normalize("NFC", faithful_text(text))


@given(NASTY | st.text())
def test_the_text_is_the_fragments(text: str) -> None:
    assert faithful_text(text) == "".join(fragment.text for fragment in faithful(text))


@given(
    st.text(
        st.sampled_from(
            "e\u00e9a\u0301\u0323\u0336\u0321 ;\u1100\u1161\u11a8\uac00\u09c7\u09be\u212b"
        )
    )
)
def test_equivalent_texts_look_different(text: str) -> None:
    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, text)
        assert (look(text) == look(other)) == (text == other)


@given(st.text())
def test_marks_do_not_stack(text: str) -> None:
    for shown in (faithful_text(text), plain(text)):
        assert not re.search("[\u0300-\u036f]{4}", shown)


def test_long_hostile_lines_take_linear_time() -> None:
    text = " x" * 200_000 + "\r" * 200_000 + " " * 20 + "\u202e" * 100_000
    began = time.process_time()
    assert len(faithful_text(text)) > len(text)
    # Joining piece by piece took 20 s for this text, and one pass 0.5 s.
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "piece",
    ["\x1b[31mred\x1b[0m line of log\n", "\x1b", "a\x1b", "\u202ea", "x  \n", "\tx", "<U+0041>",
     "日本語", "e\u0301", "\u00e9\u0301\u0302\u0303\u0304", " " * 30 + "x",
     "\n" * 9 + "x", "·→", "\x0e"],
)  # fmt: skip
def test_cleaning_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        plain(text)
        faithful_text(text)
        return time.process_time() - began

    seconds(10_000)
    small, large = min(seconds(100_000) for _ in range(3)), seconds(1_000_000)
    assert large < 10 * small * 4 + 0.05
    assert large < 2
