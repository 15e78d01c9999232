"""What an earlier process left open, read off the events. Pure."""

from collections.abc import Sequence

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.transcript import Deed, Transcript


def unfinished_turn(events: Sequence[ev.Durable]) -> str:
    """The id of the turn that has no end, or an empty string."""
    for event in reversed(events):
        match event:
            case ev.TurnEnded() | ev.Inherited():
                return ""
            case ev.TurnStarted():
                return event.turn_id
            case _:
                continue
    return ""


def unanswered(events: Sequence[ev.Durable]) -> bool:
    """True when a message was sent to an agent at rest, and no turn began to take it."""
    withdrawn: set[str] = set()
    for event in reversed(events):
        match event:
            case ev.MessageWithdrawn():
                withdrawn.add(event.message_id)
            case ev.MessageQueued() | ev.MessageEdited() if event.message_id not in withdrawn:
                return True
            case ev.TurnStarted() | ev.TurnEnded() | ev.Inherited():
                return False
            case _:
                continue
    return False


def open_deeds(transcript: Transcript) -> list[Deed]:
    """The actions to which something may still happen, in the order of their proposal."""
    deeds = (e for e in transcript.entries.values() if isinstance(e, Deed))
    return [deed for deed in deeds if deed.state.is_open]
