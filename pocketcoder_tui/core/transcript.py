"""The session as a person reads it: a fold over events, the same for a live and a resumed one."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import modes, transient
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.checkpoints import (
    ActionTried,
    CheckpointMade,
    CheckpointMissed,
    WorkspaceChanged,
    WorkspaceRestored,
)
from pocketcoder_tui.core.entries import (
    Answer,
    Deed,
    Entry,
    Remark,
    Said,
    Thought,
    Traffic,
    Typed,
    Undone,
)
from pocketcoder_tui.core.model import PartKind, Usage
from pocketcoder_tui.core.network import (
    CONNECT,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
)

__all__ = [
    "LIVE_OUTPUT_LIMIT",
    "Answer",
    "Deed",
    "Entry",
    "Remark",
    "Said",
    "Thought",
    "Traffic",
    "Transcript",
    "Typed",
    "Undone",
]

ELSEWHERE = "It was open in the session that this one came from."
CHOSEN = "From now on this model is asked: {}"
AGED = "Long outputs of a while ago go to the model shortened from now on. Here they stay whole."
BY_SETTINGS = "From now on the model of the settings is asked."
REFUSED = "A program in the box asked for {}. {}"
LIVE_OUTPUT_LIMIT = 64_000
"""Characters of a running command's output kept for the screen; the newest stay."""


@dataclass(slots=True)
class Transcript:
    """What happened so far. ``apply`` is the only way it changes."""

    session_id: str = ""
    workspace: str = ""
    title: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    """By id, in the order in which they are read."""
    turn_id: str = ""
    """The open turn; empty while the agent rests."""
    reply_id: str = ""
    """The reply that streams now; empty between replies."""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    """Of the last reply."""
    prefix: str = ""
    """How the ids that are counted begin, so that two parts of a session can be joined."""
    mode: str = modes.ASK
    """The one that holds now."""
    chosen_model: str = ""
    """The person's choice for this session; empty for the one of the settings."""
    _remarks: int = 0
    _lines: int = 0
    _undos: int = 0

    @property
    def waiting(self) -> list[Deed]:
        """The actions that wait for the person, oldest first."""
        deeds = (e for e in self.entries.values() if isinstance(e, Deed))
        return [d for d in deeds if d.state is ActionState.WAITING]

    @property
    def reached(self) -> list[Deed]:
        """The hosts that programs in the box may reach now, as the actions that allow it."""
        deeds = (e for e in self.entries.values() if isinstance(e, Deed))
        return [
            d for d in deeds if d.action.call.tool == CONNECT and d.state is ActionState.DISPATCHED
        ]

    @property
    def queued(self) -> list[Said]:
        """Messages that no model call took yet."""
        return [e for e in self.entries.values() if isinstance(e, Said) and e.queued]

    def deed(self, action_id: str) -> Deed:
        """Return an action's entry. Raises KeyError for an unknown one."""
        entry = self.entries[action_id]
        if not isinstance(entry, Deed):
            raise KeyError(action_id)
        return entry

    def precede(self, past: "Transcript") -> None:
        """Put another part's entries in front; nothing of it is open."""
        self.entries = {**past.entries, **self.entries}

    def apply_all(self, events: Iterable[ev.Event]) -> None:
        """Fold many events in."""
        for event in events:
            self.apply(event)

    def apply(self, event: ev.Event) -> str:
        """Fold one event in; returns the id of the entry that changed, or an empty string."""
        match event:
            case ev.SessionStarted() | ev.SessionTitled() | ev.TurnStarted() | ev.TurnEnded():
                return self._apply_session(event)
            case ev.Inherited():
                self._leave_behind(event.origin)
            case ev.MessageQueued():
                return self._add(Said(event.message_id, event.text, event.at))
            case ev.MessageEdited() | ev.MessageWithdrawn() | ev.MessagesTaken():
                return self._apply_queue(event)
            case ev.ReplyStarted() | ev.PartGrew() | ev.ReplyEnded():
                return self._apply_reply(event)
            case (
                ev.ModeChanged()
                | ev.ModelChosen()
                | ev.OutputsAged()
                | ev.Noticed()
                | ev.PersonRan()
                | WorkspaceRestored()
            ):
                return self._apply_line(event)
            case ConnectionRefused():
                return self._remark("warning", REFUSED.format(event.target, event.why), "")
            case ev.SessionArchived() | transient.PastRead() | transient.RetryWaiting():
                pass
            case transient.BoxChanged() | transient.ScreenChanged():
                pass
            case _:
                return self._apply_action(event)
        return ""

    def _apply_session(
        self, event: ev.SessionStarted | ev.SessionTitled | ev.TurnStarted | ev.TurnEnded
    ) -> str:
        match event:
            case ev.SessionStarted():
                self.session_id, self.workspace = event.session_id, event.workspace
            case ev.SessionTitled():
                self.title = event.title
            case ev.TurnStarted():
                self.turn_id = event.turn_id
            case ev.TurnEnded():
                return self._turn_ended(event)
        return ""

    def _apply_reply(self, event: ev.ReplyStarted | ev.PartGrew | ev.ReplyEnded) -> str:
        match event:
            case ev.ReplyStarted():
                self.reply_id, self.model = event.reply_id, event.model
                return ""
            case ev.PartGrew():
                return self._part_grew(event)
            case ev.ReplyEnded():
                self.reply_id, self.usage = "", event.usage
                return self._close_part()

    def _apply_line(
        self,
        event: ev.ModeChanged
        | ev.ModelChosen
        | ev.OutputsAged
        | ev.Noticed
        | ev.PersonRan
        | WorkspaceRestored,
    ) -> str:
        """What is an entry of its own.

        A mode's and a model's are named by their moment: both parts of a long session may be told
        of them.
        """
        match event:
            case ev.ModeChanged():
                self.mode = event.mode
                sentence = modes.sentence_of(event.mode)
                contained = event.mode == modes.CONTAINED
                id_ = f"mode-{event.at!r}"
                return self._add(Remark(id_, "warning" if contained else "info", sentence))
            case ev.ModelChosen():
                self.chosen_model = event.model
                sentence = CHOSEN.format(event.model) if event.model else BY_SETTINGS
                return self._add(Remark(f"model-{event.at!r}", "info", sentence))
            case ev.OutputsAged():
                return self._add(Remark(f"aged-{event.at!r}", "info", AGED))
            case ev.Noticed():
                return self._remark(event.level, event.sentence, event.hint)
            case ev.PersonRan():
                self._lines += 1
                return self._add(Typed(f"{self.prefix}line-{self._lines}", event))
            case WorkspaceRestored():
                self._undos += 1
                id_ = f"{self.prefix}undo-{self._undos}"
                return self._add(Undone(id_, event.restored, event.label))

    def _apply_action(self, event: ev.ActionEvent) -> str:
        """Move an action along; what happens while it runs is ``_apply_run``."""
        match event:
            case ev.ActionProposed():
                self._close_part()
                made = Deed(event.action.id, event.action, event.preview, edited=event.edited)
                return self._add(made)
            case ev.ActionWaiting():
                deed = self.deed(event.action_id)
                deed.state, deed.why = ActionState.WAITING, event.why
            case ev.ActionDecided():
                deed = self.deed(event.decision.action_id)
                allowed = event.decision.outcome is Outcome.ALLOW
                deed.state = ActionState.ALLOWED if allowed else ActionState.DENIED
                deed.decision = event.decision
            case ev.ActionSuperseded():
                deed = self.deed(event.action_id)
                deed.state, deed.why = ActionState.SUPERSEDED, event.why
                deed.held = ""
            case ev.ActionDispatched():
                deed = self.deed(event.action_id)
                deed.state, deed.dispatched = ActionState.DISPATCHED, event.at
            case ev.ActionEnded():
                deed = self.deed(event.execution.action_id)
                deed.state = ActionState(event.execution.ended.value)
                deed.execution, deed.live = event.execution, ""
                deed.held, deed.needs_input = "", False
            case _:
                return self._apply_run(event)
        return deed.id

    def _apply_run(self, event: ev.RunEvent | ev.DeedEvent) -> str:
        deed = self.deed(event.action_id)
        match event:
            case transient.OutputGrew():
                deed.live = (deed.live + event.text)[-LIVE_OUTPUT_LIMIT:]
            case transient.ActionHeld():
                deed.held, deed.clearable = event.why, event.clearable
            case transient.ActionNeedsInput():
                deed.needs_input = event.needs_input
            case ev.ActionReported():
                deed.reported = True
            case _:
                _keep(deed, event)
        return deed.id

    def _add(self, entry: Entry) -> str:
        self.entries[entry.id] = entry
        return entry.id

    def _remark(self, level: Literal["info", "warning", "error"], text: str, hint: str) -> str:
        self._remarks += 1
        return self._add(Remark(f"{self.prefix}remark-{self._remarks}", level, text, hint))

    def _leave_behind(self, origin: ev.Origin) -> None:
        """What was open where the session came from is not open here, nor is its mode in force.

        What was imported has its checkpoints in another workspace: their numbers mean nothing here.
        """
        self.mode = modes.ASK
        if origin is ev.Origin.IMPORT:
            self.chosen_model = ""  # what a file says chooses no service
        self.turn_id = self.reply_id = ""
        self._close_part()
        for entry in self.entries.values():
            if isinstance(entry, Deed) and origin is ev.Origin.IMPORT:
                entry.checkpoint = 0
            if isinstance(entry, Deed) and entry.state.is_open:
                left = entry.state is ActionState.DISPATCHED
                entry.state = ActionState.UNKNOWN if left else ActionState.SUPERSEDED
                entry.why = ELSEWHERE
            elif isinstance(entry, Said):
                entry.queued = False

    def _apply_queue(self, event: ev.MessageEdited | ev.MessageWithdrawn | ev.MessagesTaken) -> str:
        match event:
            case ev.MessageEdited():
                said = self.entries[event.message_id]
                if isinstance(said, Said):
                    said.text = event.text
                return event.message_id
            case ev.MessageWithdrawn():
                del self.entries[event.message_id]
                return event.message_id
            case ev.MessagesTaken():
                return self._taken(event)

    def _taken(self, event: ev.MessagesTaken) -> str:
        """Taken messages move to where the model read them."""
        for message_id in event.message_ids:
            said = self.entries.pop(message_id)
            if isinstance(said, Said):
                said.queued = False
            self.entries[message_id] = said
        return event.message_ids[-1] if event.message_ids else ""

    def _part_grew(self, event: ev.PartGrew) -> str:
        entry = self.entries.get(event.part_id)
        if entry is None:
            self._close_part()
            if event.part is PartKind.TEXT and event.text:
                entry = Answer(event.part_id)
            elif event.part is PartKind.THOUGHT and event.text:
                entry = Thought(event.part_id)
            else:
                return ""
            self._add(entry)
        if isinstance(entry, Answer | Thought):
            entry.text += event.text
        return event.part_id

    def _close_part(self) -> str:
        """Mark the newest answer or thought as complete."""
        for entry in reversed(self.entries.values()):
            if isinstance(entry, Answer | Thought) and not entry.done:
                entry.done = True
                return entry.id
            if not isinstance(entry, Said):
                break
        return ""

    def _turn_ended(self, event: ev.TurnEnded) -> str:
        self.turn_id = self.reply_id = ""
        self._close_part()
        if not event.sentence:
            return ""
        level: Literal["info", "error"] = "error" if event.outcome == "failed" else "info"
        return self._remark(level, event.sentence, event.hint)


def _keep(deed: Deed, event: ev.DeedEvent) -> None:
    """What is known of an action beside its life."""
    match event:
        case CheckpointMade():
            deed.checkpoint = event.number
        case CheckpointMissed():
            deed.unkept = event.why
        case WorkspaceChanged():
            deed.changed = event
        case ActionTried():
            deed.tried = event
        case ConnectionOpened():
            now = deed.traffic
            deed.traffic = replace(now, made=now.made + 1, open=now.open + 1)
        case ConnectionClosed(connection_id=""):
            deed.traffic = replace(deed.traffic, failed=deed.traffic.failed + 1)
        case ConnectionClosed():
            now = deed.traffic
            deed.traffic = replace(
                now,
                open=now.open - 1,
                sent=now.sent + event.sent,
                received=now.received + event.received,
            )
