"""The HTML page: whole in one file, in colour, and nothing of the session is markup in it."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pocketcoder_tui.engine.exports import tell
from pocketcoder_tui.engine.exports.colours import coloured
from pocketcoder_tui.engine.exports.page import to_page
from pocketcoder_tui.gatekeeper.faithful import plain
from tests.engine.exports.stories import COLOURED, EVIL, ORDINARY, hostile

TAGS = {"html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "p", "br", "main",
        "div", "span", "pre", "b", "details", "summary"}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "style"}


class Reader(HTMLParser):
    """What a browser makes of the page: elements, their attributes, and their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "p":  # ours are closed by the next
            while self.open[-1] == "p":
                self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def test_it_tells_what_was_said_decided_and_done_in_colour() -> None:
    page = to_page(tell(ORDINARY))
    text = "".join(Reader(page).text)
    for part in ("fix the rounding", "Turn 1", "Fix the rounding.", "thought, 6 words", "pytest -q",
                 "allowed by dana at 2026", "exit 0", "denied by dana", "not now", "2 passed",
                 "queued, not sent", "changed shop/cart.py", "You undid pytest -q",
                 "you typed in the window agent",
                 "masked before anything"):  # fmt: skip
        assert part in text
    assert '<span class="f2">2 passed</span>' in page
    assert '<span class="b" style="color:#ff8700">0.1 s</span>' in page


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = to_page(tell(ORDINARY))
    seen = Reader(page)
    assert set(seen.tags) <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in seen.attributes
    assert not re.search(r"url\(|@import|https?:|javascript:", page)
    assert "prefers-color-scheme:dark" in page


def test_nothing_hostile_is_markup() -> None:
    page = to_page(tell(hostile()))
    seen = Reader(page)
    assert set(seen.tags) <= TAGS
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    assert seen.open == []
    assert "<script" not in page
    assert all(c.isprintable() or c == "\n" for c in page)
    shown = "".join(seen.text)
    whole = plain(EVIL)
    assert shown.count(whole) >= 6  # said, thought, command, answer, typed, its output, queued
    assert "<U+202E>" in shown
    assert "Here what was imported ends." in shown
    page.encode("utf-8")


SEQUENCES = st.sampled_from(
    ["\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[7m", "\x1b[38;5;300m", "\x1b[48;2;1;2;999m", "\x1b[38m",
     "\x1b[38;5m", "\x1b[1;4;9m", "\x1b[22;24;27;29;39;49m", "\x1b[38:2::1:2:3m", "\x1b[107m",
     "\x1b[2J", "\x1b]0;x\x07", "\x1b[999999999m", "\x1b[;;;m"]
)  # fmt: skip


@given(st.lists(st.one_of(SEQUENCES, st.text(alphabet="<>&\"' a\n\x1b[m;1", max_size=6))))
def test_colours_keep_the_text_and_write_no_markup(pieces: list[str]) -> None:
    text = "".join(pieces)
    seen = Reader(coloured(text))
    assert set(seen.tags) <= {"span"}
    assert seen.open == []
    for name, value in seen.attributes:
        pattern = (
            r"[a-z0-9 ]+" if name == "class" else r"[a-z]+:#[0-9a-f]{6}(;[a-z]+:#[0-9a-f]{6})?"
        )
        assert re.fullmatch(pattern, value)
    bare = re.sub(r"\x1b\[[0-9;:]*m", "\0", text)
    assert "".join(seen.text) == "".join(plain(piece) for piece in bare.split("\0"))


def test_the_pen() -> None:
    assert coloured(COLOURED).startswith('<span class="f2">2 passed</span> in ')
    assert coloured("\x1b[7mx") == '<span class="fn gn">x</span>'
    assert coloured("\x1b[7;31mx") == '<span class="fn g1">x</span>'
    assert coloured("\x1b[91;104mx") == '<span class="f9 g12">x</span>'
    assert coloured("\x1b[1;31mx\x1b[22my\x1b[39mz") == (
        '<span class="b f1">x</span><span class="f1">y</span>z'
    )
    assert coloured("\x1b[38;5;240;48;5;16mx") == (
        '<span style="color:#585858;background:#000000">x</span>'
    )
