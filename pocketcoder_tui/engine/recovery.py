"""What an earlier process left open, read off the events. Pure."""

from collections.abc import Sequence

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core.transcript import Deed, Transcript


def unfinished_turn(events: Sequence[ev.Durable]) -> str:
    """The id of the turn that has no end, or an empty string."""
    for event in reversed(events):
        match event:
            case ev.TurnEnded():
                return ""
            case ev.TurnStarted():
                return event.turn_id
            case _:
                continue
    return ""


def open_deeds(transcript: Transcript) -> list[Deed]:
    """The actions to which something may still happen, in the order of their proposal."""
    deeds = (e for e in transcript.entries.values() if isinstance(e, Deed))
    return [deed for deed in deeds if deed.state.is_open]
