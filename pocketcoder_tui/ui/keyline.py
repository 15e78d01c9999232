"""Which keys a row has, in words that say what each would do now. Pure."""

from collections.abc import Iterator

from textual.content import Content

from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.toolset import ASK, GO_ON, SHELL, choices_of, text_of
from pocketcoder_tui.ui.choices import Choice
from pocketcoder_tui.ui.safe import one_line
from pocketcoder_tui.ui.words import clip, count

NOTHING_WAITS = Content.styled(
    "Nothing waits. What the agent wants to do appears here, and does not happen before you "
    "allow it.",
    "$text-muted",
)
_YES, _NO = "bold $success", "bold $error"


def choices_for(
    deed: Deed, *, parts: int, left_out: int, marked: int, comment: str, narrow: bool
) -> list[Choice]:
    """The keys of a row, the most important first.

    ``parts`` are those of its change, ``left_out`` those that are not wanted, ``marked`` the rows
    that are decided together.
    """
    return list(_choices(deed, parts, left_out, marked, (comment, narrow)))


def _choices(
    deed: Deed, parts: int, left_out: int, marked: int, words: tuple[str, bool]
) -> Iterator[Choice]:
    comment, narrow = words
    if deed.action.call.tool == ASK and not marked:
        yield from _answers(deed, narrow)
        return
    if deed.action.call.tool == GO_ON and not marked:
        yield Choice("y", "go on", "allow", _YES)
        yield Choice("n", "end the turn", "deny", _NO)
        yield Choice("f", "full" if narrow else "whole screen", "zoom")
        return
    together = f" {count(marked, 'row')}" if marked else ""
    yield Choice("y", _allow_words(parts, left_out, together, comment), "allow", _YES)
    yield Choice("n", f"deny{together}", "deny", _NO)
    yield Choice("a", "always", "always")
    if text_of(deed.action) is not None:
        yield Choice("e", "edit", "edit")
    yield Choice("N", "reason" if narrow else "deny with a reason", "deny_reason", _NO)
    if deed.action.call.tool == SHELL:
        yield Choice("t", "try" if narrow else "try first", "try_first")
    yield Choice("c", "comment", "comment")
    yield Choice("x", "explain", "explain")
    if parts > 1:
        yield Choice("]", "next part", "hunk(1)")
        yield Choice("h", "take or leave part", "take")
    if parts:
        yield Choice("d", "side by side", "split")
    yield Choice("m", "mark", "mark")
    yield Choice("u", "undo last", "take_back")
    yield Choice("f", "full" if narrow else "whole screen", "zoom")


def _answers(deed: Deed, narrow: bool) -> Iterator[Choice]:
    """The keys of a question."""
    for number, choice in enumerate(choices_of(deed.action), 1):
        said = clip(one_line(choice), 16 if narrow else 24)
        yield Choice(str(number), said, f"choose({number})", _YES)
    yield Choice("c", "write" if narrow else "write an answer", "comment", _YES)
    yield Choice("n", "no answer", "deny", _NO)
    yield Choice("x", "explain", "explain")
    yield Choice("f", "full" if narrow else "whole screen", "zoom")


def _allow_words(parts: int, left_out: int, together: str, comment: str) -> str:
    if left_out and not together:
        return f"ask again with {parts - left_out} of {parts} parts"
    said = f" with “{clip(one_line(comment), 20)}”" if comment else ""
    return f"allow{together}{said}" if together else f"allow once{said}"
