"""Keys as a terminal sends them, read by the driver's own thread."""

import os
import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from textual import constants, events
from textual.message import Message

from pocketcoder_tui.ui.driver import LONE, ToughDriver

SECONDS = 30
"""Longer than any of it takes; only a failure waits so long."""


class Reader(ToughDriver):
    """The driver's input alone: no app, no screen."""

    def __init__(self, fileno: int) -> None:
        self.fileno, self._debug = fileno, False
        self.exit_event = threading.Event()
        self.seen: Queue[str] = Queue()

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key):
            self.seen.put(message.key)


@pytest.fixture
def reading() -> Iterator["Reading"]:
    """Start the thread on a pipe; what is written there are keys."""
    came, types = os.pipe()
    reader = Reader(came)
    thread = threading.Thread(target=reader.run_input_thread)
    thread.start()
    yield reader, types, thread
    reader.exit_event.set()
    thread.join(SECONDS)
    assert not thread.is_alive()
    os.close(came)


Reading = tuple[Reader, int, threading.Thread]


def test_a_lone_escape_is_told_and_so_is_one_before_a_letter(reading: Reading) -> None:
    reader, types, _ = reading
    os.write(types, b"\x1b")
    assert reader.seen.get(timeout=SECONDS) == "escape"
    os.write(types, b"a\x1b[A")
    assert [reader.seen.get(timeout=SECONDS) for _ in range(2)] == ["a", "up"]
    os.close(types)


def test_a_sequence_in_two_pieces_is_one_key(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, types, _ = reading
    os.write(types, b"a")
    assert reader.seen.get(timeout=SECONDS) == "a"  # the thread has set its delay by now
    monkeypatch.setattr(constants, "ESCAPE_DELAY", SECONDS)
    os.write(types, b"\x1b")
    os.write(types, b"[B")
    assert reader.seen.get(timeout=SECONDS) == "down"
    os.close(types)


def test_the_end_of_the_input_ends_the_thread(reading: Reading) -> None:
    _, types, thread = reading
    os.close(types)
    thread.join(SECONDS)
    assert not thread.is_alive()


@pytest.mark.parametrize(("told", "delay"), [(None, LONE), ("100", 0.1)])
def test_the_person_s_own_delay_wins(
    told: str | None, delay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 0.1)  # as Textual read it at its start
    if told is None:
        monkeypatch.delenv("ESCDELAY", raising=False)
    else:
        monkeypatch.setenv("ESCDELAY", told)
    came, types = os.pipe()
    os.close(types)
    Reader(came).run_input_thread()
    os.close(came)
    assert delay == constants.ESCAPE_DELAY
