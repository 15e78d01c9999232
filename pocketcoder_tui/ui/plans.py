"""The agent's plan under its row: every step with how it stands, in a sign and in words' weight."""

from textual.content import Content

from pocketcoder_tui.core.transcript import Deed
from pocketcoder_tui.gatekeeper.toolset import PLAN
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.safe import one_line

__all__ = ["is_plan", "plan_rows"]

_SIGNS = {
    "[x]": ("✓", "[x]", "$text-muted"),
    "[>]": ("▸", "[>]", "bold"),
    "[-]": ("⊘", "[-]", "$text-muted"),
    "[ ]": ("○", "[ ]", ""),
}
"""By how a line of the preview begins (engine.tools.plan): sign, sign in ASCII, style."""


def is_plan(deed: Deed) -> bool:
    """Whether a row is a plan that was kept."""
    return deed.action.call.tool == PLAN and deed.execution is not None


def plan_rows(deed: Deed, kit: Kit) -> list[Content]:
    """The steps, safe, one row each."""
    return [_row(line, kit) for line in deed.preview.text.split("\n")]


def _row(line: str, kit: Kit) -> Content:
    sign, plain, style = _SIGNS.get(line[:3], ("○", "[ ]", ""))
    return Content.styled(f"  {kit.pick(sign, plain)} {one_line(line[4:])}", style)
