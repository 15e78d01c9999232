"""Durations, counts and cuts read as a person would say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pocketcoder_tui.ui.actions import ACTIONS, keys_of
from pocketcoder_tui.ui.words import clip, count, duration, short_path


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.9, "12 s"), (185, "3 min 5 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_counts() -> None:
    assert (count(1, "line"), count(12345, "line")) == ("1 line", "12,345 lines")


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs"))), st.integers(0, 30))
def test_a_cut_fits_and_shows_itself(text: str, width: int) -> None:
    cut = clip(text, width)
    assert cell_len(cut) <= width
    assert cut == text or width == 0 or cut.endswith("…")


def test_home_is_a_tilde() -> None:
    assert short_path("/home/d/src", "/home/d") == "~/src"
    assert short_path("/home/dana", "/home/d") == "/home/dana"


def test_every_action_is_registered_once_and_says_what_it_does() -> None:
    ids = [a.id for a in ACTIONS]
    assert len(ids) == len(set(ids))
    assert all(a.description and a.tooltip.endswith(".") for a in ACTIONS)


def test_no_key_means_two_things_in_one_place() -> None:
    for place in {a.group for a in ACTIONS}:
        keys = [k for a in ACTIONS if a.group in (place,) for k in a.key.split(",") if k]
        assert len(keys) == len(set(keys)), place
    assert all(keys_of(a) for a in ACTIONS if a.key)
