"""What the approvals pane asks of the screen: the whole list, each handled in ``reviewing.py``."""

from collections.abc import Sequence

from textual.message import Message

from pocketcoder_tui.core.actions import Outcome
from pocketcoder_tui.core.transcript import Deed


class Decided(Message, namespace="approvals_pane"):
    """The person decided about one action."""

    def __init__(self, action_id: str, outcome: Outcome, reason: str) -> None:
        super().__init__()
        self.action_id = action_id
        self.outcome = outcome
        self.reason = reason
        """Why it is denied, or what the agent is told with the result."""


class DecidedTogether(Message, namespace="approvals_pane"):
    """The person decided about several actions at once, each of which was read."""

    def __init__(self, action_ids: Sequence[str], outcome: Outcome, reason: str) -> None:
        super().__init__()
        self.action_ids = tuple(action_ids)
        """In the order of the queue, which is the order in which they happen."""
        self.outcome = outcome
        self.reason = reason


class AlwaysAsked(Message, namespace="approvals_pane"):
    """The person wants a rule about an action."""

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed = deed


class Edited(Message, namespace="approvals_pane"):
    """The person changed an action's text and wants to be asked about that."""

    def __init__(self, action_id: str, text: str) -> None:
        super().__init__()
        self.action_id = action_id
        self.text = text


class EditorAsked(Message, namespace="approvals_pane"):
    """The person wants to change an action's text in their own editor."""

    def __init__(self, action_id: str, text: str) -> None:
        super().__init__()
        self.action_id = action_id
        self.text = text


class PartsChosen(Message, namespace="approvals_pane"):
    """The person wants only some parts of a change, and to be asked about that."""

    def __init__(self, action_id: str, parts: Sequence[int]) -> None:
        super().__init__()
        self.action_id = action_id
        self.parts = tuple(parts)
        """Counted from 0."""


class ExplainAsked(Message, namespace="approvals_pane"):
    """The person wants to know why they are asked."""

    def __init__(self, deed: Deed, bond: str) -> None:
        super().__init__()
        self.deed = deed
        self.bond = bond
        """How it depends on other rows; empty when it does not."""


class TryAsked(Message, namespace="approvals_pane"):
    """The person wants to see what a command does in a throw-away copy."""

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed = deed


class UndoAsked(Message, namespace="approvals_pane"):
    """The person wants to take the last decision back."""


class ZoomAsked(Message, namespace="approvals_pane"):
    """The person wants the whole screen for the row, or no longer."""
