"""Untrusted text on its way into a widget: cleaned by the gatekeeper, never parsed as markup."""

from textual.content import Content

from pocketcoder_tui.gatekeeper.faithful import plain


def one_line(text: str) -> str:
    """Return untrusted text as one safe line."""
    return plain(text, keep_newlines=False)


def safe(text: str, style: str = "") -> Content:
    """Return untrusted text as safe content; brackets stay brackets."""
    return Content.styled(plain(text), style) if style else Content(plain(text))
