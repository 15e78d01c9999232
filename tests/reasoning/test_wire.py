"""The tap on a stream: it reads the same events as the SDK, however the bytes are split."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.reasoning.wire import Tap

CHUNKS = st.lists(st.dictionaries(st.text(), st.text() | st.integers()), max_size=5)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(CHUNKS, ENDS, st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_any_split_gives_the_same_chunks(
    chunks: list[dict[str, Any]], end: bytes, cuts: list[int], ascii_only: bool
) -> None:
    events = [json.dumps(c, ensure_ascii=ascii_only).encode(errors="replace") for c in chunks]
    body = b"".join(b"data: " + event + end + end for event in events)
    tap = Tap()
    for size in cuts:
        tap.feed(body[:size])
        body = body[size:]
    tap.feed(body)
    tap.end()
    assert [tap.take() for _ in chunks] == [json.loads(event) for event in events]


def test_an_event_without_a_blank_line_counts_at_the_end() -> None:
    tap = Tap()
    tap.feed(b'data: {"a":\ndata: 1}')
    tap.end()
    assert tap.take() == {"a": 1}


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    tap = Tap()
    for piece in pieces:
        tap.feed(piece)
    tap.end()
