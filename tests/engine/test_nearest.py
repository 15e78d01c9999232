"""The lines of a file that are most like a text which is not in it."""

import pytest

from pocketcoder_tui.engine.tools.nearest import nearest

FILE = """import os

def total(items):
    amount = 0
    for item in items:
        amount += item.price
    return amount

def name():
\treturn os.getlogin()
"""


def test_white_space_alone_is_said() -> None:
    told = nearest(FILE, "def name():\n    return os.getlogin()")
    assert (
        told
        == "It differs in white space only, at lines 9 to 10:\ndef name():\n\treturn os.getlogin()"
    )


def test_an_empty_line_between_counts_as_the_same() -> None:
    told = nearest(FILE, "  return amount\n\ndef name():")
    assert told.startswith(
        "It differs in white space only, at lines 7 to 9:\n    return amount\n\n"
    )


def test_most_lines_the_same() -> None:
    told = nearest(FILE, "    amount = 0\n    for item in items:\n        amount += item.cost")
    assert told.startswith("The nearest are lines 4 to 6:\n    amount = 0\n")
    assert told.endswith("amount += item.price")


def test_one_line_that_is_like_it() -> None:
    assert nearest(FILE, "def totals(itemz):") == "The nearest is line 3:\ndef total(items):"


@pytest.mark.parametrize("wanted", ["quite another thing", "   \n", "", "\n\n", "☃"])
def test_nothing_is_like_it(wanted: str) -> None:
    assert nearest(FILE, wanted) == ""


def test_an_empty_file_has_nothing() -> None:
    assert nearest("", "def total():") == ""


def test_at_the_file_s_end_and_beginning() -> None:
    told = nearest("a long line here", "first\na long line herf")
    assert told == "The nearest is line 1:\na long line here"
    assert nearest("x\nalpha beta\n", "alpha beta\nmore\nmore\nmore").startswith("The nearest are")
