"""What the tests of the screen share."""

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from tests.ui.tape import Tape


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    """The headless driver, with a tape in the place of a terminal."""
    kept = Tape()

    def write(self: HeadlessDriver, data: str) -> None:
        kept.text += data

    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda self: False))
    monkeypatch.setattr(HeadlessDriver, "write", write)
    return kept
