"""The control-mode parser: any bytes, any chunking, the same notifications, bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.relay.control import quote
from pocketcoder_tui.relay.delivery import unvis
from pocketcoder_tui.relay.protocol import (
    ControlParser,
    Exit,
    Notification,
    Output,
    Pause,
    Reply,
    WindowRenamed,
    unescape,
)

STREAM = (
    b"%begin 1 7 0\n%end 1 7 0\n%window-add @0\n%session-changed $0 x\n"
    b"%begin 2 8 1\n%output %0 no\n%end 1 8 1\nbody\n%end 2 8 1\n"
    b"%begin 2 9 1\nbad\n%error 2 9 1\n"
    b"%output %0 a\\015\\012\\134015 b\n%extended-output %12 5 : x : y\\033\n"
    b"%pause %0\n%window-renamed @0 a b\nnonsense\n%exit why not\n"
)
EXPECTED: list[Notification] = [
    Reply(7, True, (), False),
    Reply(8, True, (b"%output %0 no", b"%end 1 8 1", b"body"), True),
    Reply(9, False, (b"bad",), True),
    Output(b"%0", b"a\r\n\\015 b"),
    Output(b"%12", b"x : y\x1b"),
    Pause(b"%0"),
    WindowRenamed(b"@0", b"a b"),
    Exit(b"why not"),
]


def parse(data: bytes, cuts: list[int]) -> list[Notification]:
    """Feed the data in pieces."""
    parser = ControlParser()
    at = 0
    found: list[Notification] = []
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        found += parser.feed(data[at:cut])
        at = cut
    return [n for n in found if isinstance(n, tuple(type(e) for e in EXPECTED))]


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_chunking_changes_nothing(cuts: list[int]) -> None:
    assert parse(STREAM, cuts) == EXPECTED


LINES = [
    b"%begin 1 2 1",
    b"%end 1 2 1",
    b"%error",
    b"%output",
    b"%output %0 \\9",
    b"%extended-output",
]


@given(st.lists(st.binary(max_size=60) | st.sampled_from(LINES)), st.lists(st.integers(0, 999)))
def test_no_stream_raises(lines: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(lines)
    assert parse(data, cuts) == parse(data, [])


def test_a_line_without_end_and_a_reply_without_end_are_bounded() -> None:
    parser = ControlParser(line_limit=100, reply_limit=1_000)
    for _ in range(1_000):
        assert not list(parser.feed(b"x" * 100))
    assert sum(map(len, parser._parts)) <= 100
    assert not list(parser.feed(b"\n%begin 1 2 1\n" + b"line\n" * 10_000))
    assert len(parser._lines) <= 200
    [reply] = parser.feed(b"%end 1 2 1\n")
    assert isinstance(reply, Reply)
    assert (reply.number, reply.ok) == (2, False)


@given(st.binary())
def test_unescape_undoes_what_tmux_escapes(data: bytes) -> None:
    escaped = b"".join(b"\\%03o" % c if c < 32 or c == 92 else bytes([c]) for c in data)
    assert unescape(escaped) == data


@given(st.binary().map(lambda b: b.replace(b"\0", b"")))
def test_a_quoted_argument_is_one_line_and_says_the_same(data: bytes) -> None:
    quoted = quote(data)
    assert b"\n" not in quoted
    assert unvis(quoted[1:-1]) == data
