"""Plain output: bars on a terminal, lines elsewhere, questions only where somebody can answer."""

import io
import os
from collections.abc import AsyncIterator

import pytest

from pocketcoder_tui.cli import output
from pocketcoder_tui.core.checks import Progress


async def steps() -> AsyncIterator[Progress]:
    yield Progress("Fetching\x1b[2J it.", 0.5)
    yield Progress("Fetching\x1b[2J it.", 0.9)
    yield Progress("Waiting for " + "x" * 500)


async def test_lines_in_a_pipe_one_for_each_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    await output.follow(steps())
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["  Fetching<U+001B>[2J it.", "  Waiting for " + "x" * 500]


async def test_a_bar_on_a_terminal_that_never_wraps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda _stream=None: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _fd: os.terminal_size((80, 24)))
    monkeypatch.setattr(output.sys.stdout, "fileno", lambda: 1, raising=False)
    await output.follow(steps())
    drawn = capsys.readouterr().out
    assert "\n" not in drawn
    frames = [frame for frame in drawn.split("\r\x1b[K") if frame]
    assert "############............   50%  Fetching" in frames[0]
    assert "90%" in frames[1]
    assert frames[2].endswith("…")
    assert all(len(frame) < 80 for frame in frames)


def test_a_bar_of_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_columns", lambda: 10)
    assert output._drawn(0.5, "a sentence") == "a sentenc"[:8] + "…"


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("", False), ("yo\n", False)],
)
def test_only_a_yes_is_a_yes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    agreed: bool,
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda _stream=None: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert output.ask("Delete this?") is agreed
    assert capsys.readouterr().out.startswith("Delete this? [y/N] ")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(output.NobodyToAsk, match="Delete this"):
        output.ask("Delete this?")


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_colour_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda _stream=None: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.paint("x", output.RED) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv(variable, "dumb")
    assert output.paint("x", output.RED) == "x"


def test_an_encoding_that_is_too_small_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    output.say("é ✓ \udcff")
    narrow.flush()
    assert narrow.buffer.getvalue() == b"\\xe9 \\u2713 <U+DCFF>\n"
