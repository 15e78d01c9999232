"""A session told line by line, for a person or for a program: one `match` over the events."""

import json
import sys
from collections.abc import Callable
from typing import Protocol, TextIO

from pocketcoder_tui.cli.output import GREEN, GREY, RED, YELLOW, encodable, paint
from pocketcoder_tui.core import events as ev
from pocketcoder_tui.core import transient
from pocketcoder_tui.core.actions import ActionState, Outcome
from pocketcoder_tui.core.model import PartKind
from pocketcoder_tui.core.transcript import Deed, Transcript
from pocketcoder_tui.gatekeeper.faithful import faithful_text, plain

SCHEMA = 1
"""Of the lines of --json; docs/events.md."""
_SHORT = 8
"""Characters of the end of an id that are shown: the part that is random."""
_LINES = 12
"""Lines of an action's text that are told once it needs no decision."""
_QUIET = (transient.PastRead, transient.ScreenChanged)


class Teller(Protocol):
    """Is told of each event, after the transcript had it."""

    def hear(self, event: ev.Event, transcript: Transcript) -> None:
        """Tell it, or not. Raises BrokenPipeError when nobody reads."""

    def close(self) -> None:
        """Finish a line that is begun."""


class JsonTeller:
    """Every event as a line of JSON (docs/events.md)."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def head(self, session: str, workspace: str, **more: str) -> None:
        """The first line: which session it is."""
        self.line({"schema": SCHEMA, "session": {"id": session, "workspace": workspace, **more}})

    def hear(self, event: ev.Event, transcript: Transcript) -> None:
        """See Teller; what is only for a screen is left out."""
        from pocketcoder_tui.ledger.codec import as_object

        if isinstance(event, _QUIET):
            return
        if isinstance(event, transient.Transient):
            self.line({"now": {"what": type(event).__name__, **as_object(event)}})
        else:
            self.line({"event": as_object(event)})

    def line(self, what: dict[str, object]) -> None:
        """One line, at once."""
        print(json.dumps(what), file=self._out, flush=True)

    def close(self) -> None:
        """See Teller."""


class TextTeller:
    """What the model writes goes to one stream, everything else to another."""

    def __init__(self, out: TextIO | None = None, beside: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._beside = beside or sys.stderr
        self._open = False
        """True while a line of the model's is not finished."""

    def hear(self, event: ev.Event, transcript: Transcript) -> None:
        """See Teller."""
        match event:
            case ev.MessageQueued(text=text):
                self._note(f"> {_indented(text, '> ')}", GREY)
            case ev.PartGrew(part=PartKind.TEXT, text=text):
                self._write(text)
            case ev.ReplyEnded():
                self.close()
            case ev.TurnEnded(sentence=sentence, hint=hint) if sentence:
                self._note(" ".join(filter(None, (sentence, hint))), RED)
            case ev.Noticed(level=level, sentence=sentence, hint=hint):
                colour = GREY if level == "info" else YELLOW
                self._note(" ".join(filter(None, (sentence, hint))), colour)
            case ev.PersonRan(command=command, status=status):
                self._note(f"you ran {command or 'a line'}: exit {status}", GREY)
            case transient.RetryWaiting(sentence=sentence, seconds=seconds):
                self._note(f"{sentence} Asked again in {seconds:.0f} s.", YELLOW)
            case transient.BoxChanged(state=transient.BoxState.FAILED, sentence=sentence):
                self._note(sentence, RED)
            case _:
                self._action(event, transcript)

    def close(self) -> None:
        """See Teller."""
        if self._open:
            print(file=self._out, flush=True)
        self._open = False

    def _action(self, event: ev.Event, transcript: Transcript) -> None:
        match event:
            case ev.ActionWaiting(action_id=action_id, why=why):
                deed = transcript.deed(action_id)
                self._note(f"{_name(deed)} waits for you: {why}", YELLOW)
                self._exact(deed, len(deed.preview.text))
                ask = f"pocketcoder approvals allow {action_id[-_SHORT:]}"
                self._note(f"  {ask}   or deny, with --reason WORDS", GREY)
            case ev.ActionDecided(decision):
                deed = transcript.deed(decision.action_id)
                allowed = decision.outcome is Outcome.ALLOW
                by = f"{decision.by.value} {decision.who}".rstrip()
                reason = f": {decision.reason}" if decision.reason else ""
                word = "allowed" if allowed else "denied"
                self._note(f"{_name(deed)} {word} by {by}{reason}", GREEN if allowed else RED)
            case ev.ActionDispatched(action_id=action_id):
                self._exact(transcript.deed(action_id), _LINES)
            case ev.ActionEnded(execution):
                self._ended(transcript.deed(execution.action_id))
            case ev.ActionSuperseded(action_id=action_id, why=why):
                self._note(f"{_name(transcript.deed(action_id))} replaced: {why}", GREY)
            case ev.ActionReported(action_id=action_id, needs_input=needs_input):
                what = "waits for input in the terminal" if needs_input else "goes on"
                self._note(f"{_name(transcript.deed(action_id))} {what}", YELLOW)
            case _:
                pass

    def _ended(self, deed: Deed) -> None:
        done = deed.execution
        status = "" if done is None or done.status is None else f", exit {done.status}"
        fine = deed.state is ActionState.FINISHED and not (done and done.status)
        self._note(f"{_name(deed)} {deed.state.value}{status}", GREY if fine else RED)

    def _exact(self, deed: Deed, most: int) -> None:
        """The text that the decision is about, drawn so that nothing in it acts."""
        lines = faithful_text(deed.preview.text).split("\n")
        for text in lines[:most] if most < len(lines) else lines:
            self._note(f"    {text}", "")
        if most < len(lines):
            self._note(f"    … {len(lines) - most} more lines", GREY)

    def _write(self, text: str) -> None:
        shown = encodable(plain(text))
        print(shown, end="", file=self._out, flush=True)
        if shown:
            self._open = not shown.endswith("\n")

    def _note(self, text: str, colour: str) -> None:
        self.close()
        safe = encodable(plain(text))
        print(paint(safe, colour, self._beside) if colour else safe, file=self._beside, flush=True)


Listener = Callable[[ev.Event], None]


def _name(deed: Deed) -> str:
    """An action in a few words: the end of its id, and what it is about."""
    title = " ".join(deed.preview.title.split())
    return f"{deed.id[-_SHORT:]} {deed.preview.verb} {title}"[:160]


def _indented(text: str, lead: str) -> str:
    return text.rstrip().replace("\n", f"\n{lead}")
