"""Which entries an event touches: the one match of the screen over the event vocabulary."""

from pocketcoder_tui.core import checkpoints as cp
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.transcript import Answer, Thought, Transcript


def touched(event: ev.Event, transcript: Transcript) -> list[str]:
    """Return the ids of the entries to draw again after ``event`` was applied."""
    match event:
        case ev.MessageQueued() | ev.MessageEdited():
            return [event.message_id]
        case ev.MessagesTaken():
            return list(event.message_ids)
        case ev.PartGrew():
            return [event.part_id, *_last_parts(transcript)]
        case ev.ActionProposed() | ev.ReplyEnded() | ev.TurnEnded():
            return _last_parts(transcript)
        case ev.ActionDecided():
            return [event.decision.action_id]
        case ev.ActionEnded():
            return [event.execution.action_id]
        case (
            ev.ActionWaiting()
            | ev.ActionSuperseded()
            | ev.ActionDispatched()
            | transient.ActionHeld()
            | transient.ActionNeedsInput()
            | ev.ActionReported()
            | transient.OutputGrew()
            | cp.CheckpointMade()
            | cp.CheckpointMissed()
            | cp.WorkspaceChanged()
            | cp.ActionTried()
        ):
            return [event.action_id]
        case _:
            return _line(event)


def _line(event: ev.Event) -> list[str]:
    """A change of the mode or the model is an entry named by its moment."""
    match event:
        case ev.ModeChanged():
            return [f"mode-{event.at!r}"]
        case ev.ModelChosen():
            return [f"model-{event.at!r}"]
        case ev.OutputsAged():
            return [f"aged-{event.at!r}"]
    return []


def _last_parts(transcript: Transcript) -> list[str]:
    """The newest answer and thought, which the event may have closed."""
    found: list[str] = []
    for entry in reversed(transcript.entries.values()):
        if isinstance(entry, Answer | Thought):
            found.append(entry.id)
            if len(found) == 2:
                break
    return found
