"""Words that may be taken for others are named, and ordinary ones in any language are not."""

import time

import pytest

from pocketcoder_tui.gatekeeper.lookalikes import MOST, lookalikes


@pytest.mark.parametrize(
    ("text", "word", "says"),
    [
        ("l\u0455 -la", "l\u0455", "CYRILLIC SMALL LETTER DZE"),
        ("\u0442ouch x", "\u0442ouch", "CYRILLIC SMALL LETTER TE"),
        ("p\u03b1ssword", "p\u03b1ssword", "GREEK SMALL LETTER ALPHA"),
        (
            "git \u0455\u0440\u0430\u0441\u0435",
            "\u0455\u0440\u0430\u0441\u0435",
            "looks like space",
        ),
        ("ls /etc\u2215passwd", "etc\u2215passwd", "DIVISION SLASH"),
        ("rm \u2013rf x", "\u2013rf", "EN DASH"),
        ("rm \u2212rf x", "\u2212rf", "MINUS SIGN"),
        ("\uff4c\uff53", "\uff4c\uff53", "FULLWIDTH LATIN SMALL LETTER L"),
        ("\U0001d5c5s", "\U0001d5c5s", "MATHEMATICAL"),
        ("echo \u201cx\u201d", "\u201cx\u201d", "LEFT DOUBLE QUOTATION MARK"),
        ("a\uff5cb", "a\uff5cb", "FULLWIDTH VERTICAL LINE"),
        ("a \u2223 b", "\u2223", "DIVIDES"),
        ("cat \ufb01le", "\ufb01le", "LIGATURE FI"),
        ("echo \u05e9\u05dc\u05d5\u05dd x", "\u05e9\u05dc\u05d5\u05dd", "right to left"),
        ("\u0430", "\u0430", "looks like a"),
    ],
)
def test_named(text: str, word: str, says: str) -> None:
    found = lookalikes(text)
    assert found[0].word == word
    assert text[found[0].start : found[0].end] == word
    assert any(says in one.sentence for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "ls -la", "naïve café Zürich", "日本語のテキスト", "Привет, мир", "Ελληνικά γράμματα",
        "한국어",
        "don\u2019t — say", "a \u2013 b", "x²", "10 µs", "हिन्दी", "ไทย",
        "pages 3\u20135",
        "✓ done …",
        "日本語abc", "\U0001f600 ok",
    ],
)  # fmt: skip
def test_not_named(text: str) -> None:
    assert lookalikes(text) == ()


def test_it_stops_and_takes_linear_time() -> None:
    assert len(lookalikes("l\u0455 " * 100_000)) == MOST
    began = time.process_time()
    for text in ("a" * 500_000 + " \u00e9", "\u00e9" * 500_000, "a\u00e9" * 250_000):
        lookalikes(text)
    assert time.process_time() - began < 5
