"""No key decides about text that was not on screen, nor in a row's first moment."""

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.ui.gate import Gate, Reading
from pocketcoder_tui.ui.kit import Clock


def test_a_jump_to_the_end_does_not_count_as_reading() -> None:
    reading = Reading()
    reading.restart(100)
    reading.see(0, 10)
    reading.see(90, 100)
    assert not reading.whole
    assert reading.left == 90


def test_page_by_page_is_reading() -> None:
    reading = Reading()
    reading.restart(25)
    for top in (0, 9, 16):
        reading.see(top, top + 10)
    assert reading.whole


def test_what_was_read_stays_read_when_the_width_changes() -> None:
    reading = Reading()
    reading.restart(5)
    reading.see(0, 5)
    reading.restart(50)
    assert reading.whole


def test_half_read_text_is_read_again_after_a_change_of_width() -> None:
    reading = Reading()
    reading.restart(20)
    reading.see(0, 10)
    reading.restart(40)
    assert reading.left == 40


@given(st.integers(1, 200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30))))
def test_whole_means_that_every_line_was_seen(total: int, looks: list[tuple[int, int]]) -> None:
    reading, seen = Reading(), set[int]()
    reading.restart(total)
    for top, height in looks:
        reading.see(top, top + height)
        seen.update(range(top, top + height))
    if reading.whole:
        assert seen >= set(range(total))


def test_grace_counts_from_the_moment_the_row_came_up() -> None:
    now = [100.0]
    gate = Gate(Clock(steady=lambda: now[0]), grace=0.5)
    gate.select("a")
    gate.reading.restart(1)
    gate.reading.see(0, 1)
    assert gate.refusal(99.0)
    assert gate.refusal(100.49)
    assert gate.refusal(100.5) == ""
    now[0] = 200.0
    gate.select("b")
    assert "Scroll" in gate.refusal(300.0)
