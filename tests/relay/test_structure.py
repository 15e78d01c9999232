"""libtmux's objects over the stream, arguments through tmux's parser, what the box remembers."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libtmux.exc import TmuxCommandNotFound

from pocketcoder_tui.relay.control import ControlClient, line
from pocketcoder_tui.relay.delivery import unvis
from pocketcoder_tui.relay.records import Claim, read_claim
from pocketcoder_tui.relay.recovery import overlap
from pocketcoder_tui.relay.server import connect
from pocketcoder_tui.relay.structure import StreamServer, find_windows, make_window
from pocketcoder_tui.sandbox.box import DockerBox


@pytest.mark.docker
async def test_windows_are_found_and_made_over_the_stream(box: DockerBox) -> None:
    control, [first] = await connect(box, 100, 30)
    assert first.name == "agent"
    made = await make_window(control, "pocketcoder", "server")
    assert made.window_id != first.window_id
    assert made.pane_id != first.pane_id
    # The name by which the relay knows a window survives another one that tmux shows.
    await control.command("rename-window", "-t", made.window_id, "ended")
    assert await find_windows(control, "pocketcoder", "agent") == [first, made]
    server = StreamServer(control, asyncio.get_running_loop())
    session = await asyncio.to_thread(server.session_named, "pocketcoder")
    assert session is not None
    with pytest.raises(TmuxCommandNotFound):
        await asyncio.to_thread(session.refresh)
    assert await asyncio.to_thread(server.session_named, "none") is None
    await control.aclose()


@pytest.mark.docker
async def test_every_argument_survives_the_parser(box: DockerBox) -> None:
    control, _ = await connect(box, 100, 30)
    loop = asyncio.get_running_loop()

    async def there_and_back(data: bytes) -> bytes:
        _, shown = await control.ask(
            line("set-buffer", "-b", "q", "--", data), line("show-buffer", "-b", "q")
        )
        return unvis(b"\n".join(shown.lines))

    signs = st.text(st.sampled_from("'\"\\$~#;{}% \t\r\n\x1b\x7f\u0085aé😀^-|&"), min_size=1)
    anything = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
    )

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(signs | anything)
    def every(text: str) -> None:
        data = text.encode()
        assert asyncio.run_coroutine_threadsafe(there_and_back(data), loop).result(30) == data

    await asyncio.to_thread(every)
    await control.aclose()


class Ended:
    """A stream whose other side hangs up after the first command."""

    def follow(self, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.hang_up = on_end

    async def write(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self.hang_up)

    async def aclose(self) -> None:
        return


async def test_the_end_of_the_stream_fails_whoever_waits() -> None:
    control = ControlClient(Ended())
    control.start()
    with pytest.raises(Exception, match="ended"):
        await control.command("list-windows")
    with pytest.raises(Exception, match="ended"):
        await control.command("list-windows")
    await control.aclose()


def test_a_claim_that_was_cut_short_does_not_count() -> None:
    text = b"start 1.5 31 .\nend 7 2.5 /a%20b .\n"
    assert read_claim(text) == Claim(1.5, 31, True, False, False, 7, 2.5, "/a b")
    for cut in range(len("start 1.5 31 .\n"), len(text) - 1):
        assert not read_claim(text[:cut]).over
    assert read_claim(b"start 1,5 31 .\ndied - .\n") == Claim(1.5, 31, True, True)
    assert read_claim(b"never .\n").never
    assert read_claim(b"\xff\x00 end x") == Claim()


@given(st.text("ab", max_size=30), st.text("ab", max_size=30))
def test_overlap_is_the_longest(past: str, live: str) -> None:
    longest = max(n for n in range(len(live) + 1) if past.endswith(live[:n]))
    assert overlap(past, live) == longest
