"""The panes that are put up right after the first frame, so that the first frame is soon."""

from dataclasses import dataclass

from textual.widgets import Static

from pocketcoder_tui.ui.approvals import ApprovalsPane
from pocketcoder_tui.ui.conversation import Conversation
from pocketcoder_tui.ui.firstrun import FirstRun, RunSafely
from pocketcoder_tui.ui.kit import Kit
from pocketcoder_tui.ui.link import Link
from pocketcoder_tui.ui.terminal import TerminalPane


@dataclass(frozen=True, slots=True)
class Panes:
    """Everything between the header and the composer but the welcome."""

    checklist: FirstRun
    trouble: Static
    """What keeps the session from opening."""
    conversation: Conversation
    approvals: ApprovalsPane
    terminal: TerminalPane


def make_panes(kit: Kit, link: Link, run_safely: RunSafely) -> Panes:
    """Make them; the screen mounts them."""
    trouble = Static("", id="trouble", markup=False)
    trouble.display = False
    return Panes(
        FirstRun(kit, link, run_safely),
        trouble,
        Conversation(kit),
        ApprovalsPane(kit),
        TerminalPane(),
    )
