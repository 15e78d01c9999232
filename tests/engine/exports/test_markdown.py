"""Markdown: what a session was, and nothing in it that is more than it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pocketcoder_tui.engine.exports import tell
from pocketcoder_tui.engine.exports.markdown import fence, inline, quote, to_markdown
from pocketcoder_tui.gatekeeper.faithful import plain
from tests.engine.exports.stories import EVIL, ORDINARY, hostile


def test_it_tells_what_was_said_decided_and_done() -> None:
    text = to_markdown(tell(ORDINARY))
    for part in (
        "# fix the rounding",
        "## Turn 1, 2026-09-21",
        "> Fix the rounding.",
        "<details><summary>Thought, 6 words</summary>",
        "```text\nI look at the cart first.\n```",
        "### Run: pytest \\-q",
        "```sh\npytest -q\ntrue\n```",
        "allowed by dana at 2026\\-09\\-21",
        "finished\\, exit 0\\, after 0\\.1 s\\, directory afterwards \\/workspace",
        "7 characters were left out",
        "```text\n2 passed in 0.1 s\n```",
        "denied by dana",
        "not now",
        "> Done: **half even**.",
        "changed shop\\/cart\\.py",
        "You undid pytest \\-q\\: 1 file",
        "### You typed in the window agent",
        "**You** (queued, not sent)",
        "masked before anything was stored",
    ):
        assert part in text
    assert "\x1b" not in text
    assert text.index("Turn 1") < text.index("Turn 2")


def test_nothing_hostile_gets_out_of_its_place() -> None:
    text = to_markdown(tell(hostile()))
    tokens = MarkdownIt("commonmark").parse(text)
    html = [t.content.strip() for t in tokens if t.type == "html_block"]
    assert html == ["<details><summary>Thought, 27 words</summary>", "</details>"]
    inner = [child for t in tokens for child in (t.children or [])]
    assert not [c for c in inner if c.type in ("html_inline", "image", "link_open")]
    headings = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
    assert len(headings) == 4  # title, turn, action, line of the person's
    assert not [h for h in headings if h.startswith("Turn 99")]
    assert all(c.isprintable() or c == "\n" for c in text)


@given(st.text(alphabet="`~\n ax>#-\t\\", max_size=60))
def test_a_fence_holds_what_is_in_it_and_nothing_else(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"before\n\n{fence(text, 'sh')}\n\nafter")
    kinds = [t.type for t in tokens]
    assert kinds == ["paragraph_open", "inline", "paragraph_close", "fence",
                     "paragraph_open", "inline", "paragraph_close"]  # fmt: skip
    assert tokens[3].content.rstrip("\n") == plain(text).rstrip("\n")


@given(st.text(alphabet="`*_[]()#+-.!<>&|~\\ \nab1:=", max_size=40))
def test_inline_text_is_literal(text: str) -> None:
    (_, line, _) = MarkdownIt("commonmark").parse(f"x{inline(text)}x")
    assert {c.type for c in line.children or []} <= {"text", "text_special"}
    shown = "".join(c.content for c in line.children or [])
    assert shown == f"x{plain(text, keep_newlines=False).strip()}x"


@given(st.text(alphabet='`*_[]()#+-.!<>&|~\\ \n\tab1:="/', max_size=60))
def test_a_quotation_stays_a_quotation(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{quote(text)}\n\nafter")
    level, outside = 0, []
    for token in tokens:
        level += token.type == "blockquote_open"
        if not level:
            outside.append(token.type)
        level -= token.type == "blockquote_close"
        assert token.type != "html_block"
        assert not [c for c in token.children or [] if c.type in ("html_inline", "image")]
    assert outside in (
        ["paragraph_open", "inline", "paragraph_close"],
        ["fence", "paragraph_open", "inline", "paragraph_close"],
    )


@pytest.mark.parametrize("text", ["", "\n", "```", EVIL])
def test_odd_texts_are_drawn(text: str) -> None:
    assert fence(text).count("\n") >= 2
    assert quote(text)
