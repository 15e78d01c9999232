"""Some hunks of a change, put together again byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.engine.tools.edit import diff_lines
from pocketcoder_tui.engine.tools.hunks import hunk_count, with_hunks

LINES = st.lists(st.sampled_from(["a", "b", "", " ", "\r", "\\ no newline at the end", "x"]))
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


@given(TEXTS, TEXTS)
def test_all_hunks_are_the_new_text_and_none_the_old(old: str, new: str) -> None:
    count = hunk_count(old, new)
    assert with_hunks(old, new, range(count)) == new
    assert with_hunks(old, new, ()) == old


@given(TEXTS, TEXTS)
def test_a_hunk_is_what_begins_with_its_mark_in_the_diff(old: str, new: str) -> None:
    shown = [line for line in diff_lines(old, new) if line.startswith("@@")]
    assert len(shown) == hunk_count(old, new)


def test_one_of_two_hunks() -> None:
    old = "".join(f"{n}\n" for n in range(30))
    new = old.replace("2\n", "two\n", 1).replace("25\n", "25\nand\n")
    assert hunk_count(old, new) == 2
    assert with_hunks(old, new, {0}) == old.replace("2\n", "two\n", 1)
    assert with_hunks(old, new, {1}) == old.replace("25\n", "25\nand\n")


def test_an_unknown_hunk_is_refused() -> None:
    with pytest.raises(ValueError, match="no such hunk"):
        with_hunks("a\n", "b\n", {1})
