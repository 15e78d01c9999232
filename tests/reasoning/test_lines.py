"""Events out of bytes, split anywhere; JSON that the ledger can keep."""

import pytest

from pocketcoder_tui.reasoning.lines import EventLines, TooLong, load_object

STREAM = b": hello\n\nevent: x\ndata: one\nid: 5\n\r\ndata:two\r\ndata: three\r\n\r\ndata: last"


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_a_stream_reads_the_same_however_it_is_split(size: int) -> None:
    lines = EventLines()
    found = [
        data for at in range(0, len(STREAM), size) for data in lines.feed(STREAM[at : at + size])
    ]
    assert [*found, *lines.end()] == [b"one", b"two\nthree", b"last"]


def feed_all(lines: EventLines, pieces: list[bytes]) -> list[bytes]:
    return [data for piece in pieces for data in lines.feed(piece)]


@pytest.mark.parametrize("piece", [b"data: 0123456789", b"data: 0123456789\n"])
def test_an_event_without_an_end_has_one(piece: bytes) -> None:
    lines = EventLines(most=100)
    with pytest.raises(TooLong):
        feed_all(lines, [piece] * 20)


def test_many_events_together_may_be_longer() -> None:
    lines = EventLines(most=100)
    assert len([d for _ in range(50) for d in lines.feed(b"data: 0123456789\n\n")]) == 50


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "null",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a":' * 101 + "1" + "}" * 101,
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        "",
    ],
)
def test_what_the_ledger_cannot_keep_is_no_object(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        load_object(text)


def test_an_object() -> None:
    assert load_object('{"a": [1, 2.5, {"b": null}]}') == {"a": [1, 2.5, {"b": None}]}
